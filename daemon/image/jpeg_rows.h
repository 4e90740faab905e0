/*
 * JPEG rows: our own decoder for the JPEGs that most files are, row by row of a rectangle.
 *
 * It decodes what jpeg_frame.h describes to the bytes that libjpeg-turbo gives, and nothing else:
 * where a scan is not as it should be it stops, and says nothing about the file.  Only blocks that
 * the rectangle and upsampling at its borders need are transformed; the bits before them are passed
 * over or, where entry points are known, not looked at.  Every entry point that is passed must be
 * where the bits lead, and of every row of MCUs at least one is passed: so the one that was entered
 * by is known to be right, but for DC that a restart forgets before the next.
 */
#ifndef STK_JPEG_ROWS_H
#define STK_JPEG_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/image/image.h"
#include "daemon/image/jpeg_entropy.h"
#include "daemon/image/jpeg_frame.h"
#include "daemon/image/jpeg_kernel.h"
#include "daemon/plan/view.h"
#include "proto/status.h"

/* Samples of a component: some rows that came before, and those of the row of MCUs decoded last. */
struct jpeg_plane {
    uint8_t *storage;
    size_t storage_max;
    uint8_t *samples; /* the first row's first sample that belongs to the MCUs kept */
    size_t stride;
    int16_t *blocks;
    size_t blocks_max;
    uint8_t *last;
    size_t last_max;
};

struct jpeg_rows {
    const struct jpeg_kernel *kernel;      /* set before the first start */
    const struct image_patience *patience; /* likewise; NULL: of no end */
    struct jpeg_frame frame;
    const struct jpeg_entries *entries; /* NULL: there are none */
    bool noting;                        /* entries are to be filled, not to be entered by */
    uint32_t scan_len;                  /* where the last MCU ends, known or noted */
    struct box area;
    uint32_t row;          /* the next of the picture */
    uint32_t column;       /* the first that is coloured: the area's, or the one on its left */
    struct jpeg_mcus mcus; /* those that are kept */
    uint32_t mcu_row;      /* the next to be decoded */
    uint32_t band_top;     /* the row of MCUs in the planes */
    bool band_begun;       /* there is one */
    struct jpeg_lane lane;
    struct jpeg_plane planes[JPEG_COMPONENTS_MAX];
    uint8_t *wide[2]; /* upsampled colours of a row */
    size_t wide_max[2];
    uint8_t *pixels;
    size_t pixels_max;
};

/** Give the storage back. */
void jpeg_rows_release(struct jpeg_rows *rows);

/** Whether nobody waits any more: then the scan is left as if it were not as it should be. */
bool jpeg_rows_ended(const struct jpeg_rows *rows);

/**
 * Begin the rows of a rectangle of rows->frame, and pass over what stands before it.
 *
 *   area   inside the picture, not empty
 *
 * Owns:    rows owns its storage; what the frame borrows must stay until the last row.
 * Returns: STK_OK
 *          STK_CORRUPT   the scan is not as it should be, or nearly ends too early
 *          STK_MEMORY
 * Threads: one at a time.  Blocks: no.  Allocates: to grow, never in steady state.
 */
STK_MUST_CHECK enum stk_status jpeg_rows_start(struct jpeg_rows *rows, const struct box *area);

/**
 * The same, and note the scan's entry points; when the last row was taken, jpeg_rows_finish notes
 * the rest.
 *
 *   entries   step and columns are set, and entry has room for all rows of MCUs; stays until then
 */
STK_MUST_CHECK enum stk_status jpeg_rows_start_noting(struct jpeg_rows *rows,
                                                      const struct jpeg_entries *entries,
                                                      const struct box *area);

/**
 * The same, but enter the scan: the frame's bytes may be those of the rectangle alone.
 *
 *   entries    of the frame's scan; they stay until the last row
 *   scan_len   where its last MCU ends
 *
 * Returns: STK_OK or STK_MEMORY; jpeg_rows_next STK_CORRUPT where the entry points are wrong.
 */
STK_MUST_CHECK enum stk_status jpeg_rows_start_entering(struct jpeg_rows *rows,
                                                        const struct jpeg_entries *entries,
                                                        uint32_t scan_len, const struct box *area);

/**
 * Decode the next row of the rectangle; no more often than it has rows.
 *
 *   pixels   uint8 [area.width, 4], RGB and a byte of no meaning, with JPEG_KERNEL_EXTRA readable
 *            bytes behind it; valid until the next call
 *
 * Owns:    nothing; *pixels is borrowed.
 * Returns: STK_OK or STK_CORRUPT, as jpeg_rows_start.
 * Threads: those of rows.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status jpeg_rows_next(struct jpeg_rows *rows, const uint8_t **pixels);

/**
 * Pass over what stands behind the rectangle; after its last row, once.
 *
 * Returns: whether all of the scan is as it should be; then all entry points are noted, and
 *          rows->scan_len.
 * Threads: those of rows.  Blocks: no.  Allocates: no.
 */
bool jpeg_rows_finish(struct jpeg_rows *rows);

/** An upper bound of the storage. */
size_t jpeg_rows_bytes_max(void);

#endif
