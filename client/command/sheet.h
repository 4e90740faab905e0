/*
 * The contact sheet: a batch's pictures on one page, with what they are made of, as a PNG.
 *
 * No sockets; the caller brings the pixels, for which sheet_pixels turns a served tensor into plain
 * RGB.
 */
#ifndef STK_SHEET_H
#define STK_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "client/command/drawing.h"
#include "proto/message.h"
#include "proto/status.h"

enum {
    SHEET_CELLS_MAX = 64,
    SHEET_ERROR_BYTES = DRAWING_ERROR_BYTES,
};

/* One picture and its captions.  Texts should be UTF-8; what is not is shown as U+FFFD, and what
 * does not fit its column is cut with an ellipsis. */
struct sheet_cell {
    const uint8_t *rgb;  /* u8 [height, width, 3], RGB; the sheet's height and width */
    const char *label;   /* what the picture is: a class's name, or what stands for it */
    const char *own;     /* what has lambda's share; a label where each sample has one */
    const char *partner; /* what has the rest, likewise; NULL: the picture is not mixed */
    float lambda;        /* 0 .. 1 */
    const char *note;    /* what is wrong with it; NULL: nothing */
};

/* Where cell 0's picture stands on the sheet and how far it is to the next, all in pixels. */
struct sheet_grid {
    uint32_t columns;
    uint32_t rows;
    uint32_t picture_height; /* as drawn; no side is over 224 */
    uint32_t picture_width;
    uint32_t top; /* of cell 0's picture; cell i is at row i / columns, column i % columns */
    uint32_t left;
    uint32_t row_step;
    uint32_t column_step;
    uint32_t height; /* of the sheet */
    uint32_t width;
};

/**
 * How a sheet of pictures is laid out.
 *
 *   height, width   of a picture, 1 .. STK_SIDE_MAX
 *   count           cells, 1 .. SHEET_CELLS_MAX
 *   grid            set: as many columns as keep the sheet's longer side shortest; pictures have
 *                   drawing_fit's size
 *
 * Owns:    nothing.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
void sheet_layout(uint32_t height, uint32_t width, uint32_t count, struct sheet_grid *grid);

/** The same for cells of a height and width; the sides of a picture are left as they are. */
void sheet_arrange(uint32_t cell_height, uint32_t cell_width, uint32_t count,
                   struct sheet_grid *grid);

/**
 * Draw a contact sheet and write it as a PNG, whole or not at all.
 *
 *   path            where to; the file appears by a rename, an older one is replaced
 *   title           on top, e.g. the stream, epoch and step; drawing_open's
 *   height, width   of every picture, 1 .. STK_SIDE_MAX
 *   cells           count of them, 1 .. SHEET_CELLS_MAX
 *   error           SHEET_ERROR_BYTES of storage: why it failed, with the path
 *
 * Owns:    nothing; every pointer is borrowed for the call.
 * Returns: STK_OK
 *          STK_SYSTEM  the file cannot be written, or path is no regular file; nothing is left
 *          STK_MEMORY
 * Threads: any.  Blocks: on the file system.  Allocates: for the call.
 */
STK_MUST_CHECK enum stk_status sheet_write(const char *path, const char *title, uint32_t height,
                                           uint32_t width, const struct sheet_cell *cells,
                                           uint32_t count, char *error);

/**
 * Turn one picture of a served tensor into RGB.
 *
 *   images          dtype [count, height, width, 3] or [count, 3, height, width] by layout; any
 *                   alignment
 *   dtype           STK_U8: copied.  STK_F32, STK_F16, STK_BF16: the mean and std are the daemon's,
 *                   so the picture's own least and greatest value become 0 and 255; what is not
 *                   finite becomes 0, and a picture of one value is mid gray
 *   slot            which picture
 *   rgb             u8 [height, width, 3], the caller's
 *
 * Owns:    nothing.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
void sheet_pixels(const void *images, enum stk_dtype dtype, enum stk_layout layout, uint32_t height,
                  uint32_t width, uint32_t slot, uint8_t *rgb);

#endif
