/*
 * Resize: rows of a picture in, rows of its resized window out, equal to Pillow's.
 *
 * A stream: every source row is resized horizontally at once into a ring of lines, just as many as
 * the vertical pass can ask for; so a picture's height costs no memory.  The mirror is in the
 * horizontal weights and costs nothing.
 */
#ifndef STK_RESIZE_H
#define STK_RESIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/image/axis.h"
#include "daemon/image/image.h"
#include "daemon/image/kernel.h"

struct resize {
    const struct kernel *kernel; /* set before the first resize_set */
    struct axis columns;
    struct axis rows;
    void *table;          /* the kernel's, for columns */
    uint8_t *ring;        /* [ring_lines, line_bytes] */
    const uint8_t **taps; /* [rows.taps] the lines of one output */
    uint32_t ring_lines;
    uint32_t pushed; /* source rows so far */
    uint32_t next;   /* the row that is taken next */
    size_t line_bytes;
    size_t table_max;
    size_t ring_max;
    size_t taps_max;
};

/**
 * Begin a picture.
 *
 *   resize         zeros but for its kernel before its first use
 *   view           box and resized sides; the window's corner
 *   filter         what weighs
 *   height, width  of the window, inside the resized box
 *   flip           mirror the window horizontally
 *   needed         the rectangle of source pixels whose rows are to be pushed, in order
 *
 * Owns:    resize owns its storage; resize_release gives it back.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: one at a time.  Blocks: no.  Allocates: to grow, never in steady state.
 */
STK_MUST_CHECK enum stk_status resize_set(struct resize *resize, const struct view *view,
                                          enum interpolation filter, uint32_t height,
                                          uint32_t width, bool flip, struct box *needed);

/**
 * What resize_set would need, and perhaps some pixels more on every side; inside view->box.
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
struct box resize_extent(const struct view *view, enum interpolation filter, uint32_t height,
                         uint32_t width);

/** Give the storage back. */
void resize_release(struct resize *resize);

/** Whether another source row must be pushed before row can be taken. */
bool resize_wants(const struct resize *resize, uint32_t row);

/**
 * Push the next source row.
 *
 *   source   uint8 [needed.width, 4], RGB and a byte that is not looked at, with
 *            KERNEL_SOURCE_PIXELS_EXTRA readable pixels behind it
 */
void resize_push(struct resize *resize, const uint8_t *source);

/** Compute a row of the window, uint8 [width, 3], RGB.  Rows are taken in order. */
void resize_take(struct resize *resize, uint32_t row, uint8_t *pixels);

/** An upper bound of the memory for sources of up to side_max pixels a side. */
size_t resize_bytes_max(const struct kernel *kernel, enum interpolation filter, uint32_t side_max,
                        uint32_t height, uint32_t width);

#endif
