/*
 * A JPEG's frame and its only scan, as far as our own decoder takes it: sequential, Huffman coded,
 * 8 bits, gray or YCbCr of a usual sampling, all components in one scan.
 */
#ifndef STK_JPEG_FRAME_H
#define STK_JPEG_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/image/jpeg_huffman.h"
#include "daemon/plan/view.h"

enum {
    JPEG_COMPONENTS_MAX = 3,
    JPEG_BLOCKS_MAX = 6, /* of an MCU */
    JPEG_BLOCK_SIDE = 8,
    JPEG_BLOCK_LEN = 64,
    JPEG_FRAME_SIDE_MAX = 16384, /* larger ones are not ours: it bounds our memory */
};

struct jpeg_component {
    uint32_t h; /* blocks of an MCU: 1 or 2, and 1 for all but the first component */
    uint32_t v;
    uint32_t height; /* samples, without those that only fill blocks */
    uint32_t width;
    uint16_t quant[JPEG_BLOCK_LEN]; /* row by row */
    const struct jpeg_dc *dc;
    const struct jpeg_ac *ac;
};

struct jpeg_frame {
    uint32_t height;
    uint32_t width;
    uint32_t mcu_rows;
    uint32_t mcu_columns;
    uint32_t component_count; /* 1 or 3 */
    struct jpeg_component components[JPEG_COMPONENTS_MAX];
    uint32_t restart_interval; /* MCUs; 0: none */
    const uint8_t *scan;       /* entropy-coded bytes, and whatever stands behind them */
    size_t scan_len;
    uint32_t scan_from; /* bytes of the scan that stand before these; 0: this is its beginning */
};

/* Rows and columns of MCUs. */
struct jpeg_mcus {
    uint32_t top;
    uint32_t bottom; /* the last row */
    uint32_t left;
    uint32_t count; /* of columns */
};

struct jpeg_decompress_struct;

/**
 * Take a frame over from libjpeg-turbo.
 *
 *   jpeg     after jpeg_read_header, from memory; it is not changed, and can still decode
 *   tables   where the frame's Huffman tables are found or made; they stay until the next call
 *
 * Owns:    nothing; frame borrows the tables, and the bytes that jpeg reads.
 * Returns: whether the picture is one for our own decoder; if not, frame is unspecified.
 * Threads: those of tables.  Blocks: no.  Allocates: no.
 */
bool jpeg_frame_read(struct jpeg_frame *frame, const struct jpeg_decompress_struct *jpeg,
                     struct jpeg_tables *tables);

/** Whether colours are upsampled as usual: libjpeg-turbo does otherwise in rows of two samples. */
bool jpeg_frame_is_usual(const struct jpeg_frame *frame);

/**
 * The MCUs that hold a rectangle and, where colours are upsampled, one sample more on every side.
 *
 *   area   inside the picture, not empty
 */
struct jpeg_mcus jpeg_frame_mcus(const struct jpeg_frame *frame, const struct box *area);

/**
 * The row of MCUs that a row of pixels needs at last.  libjpeg-turbo makes as many rows at once as
 * lie in one sample, so all of those need what one of them does.
 */
uint32_t jpeg_frame_last_mcu_row(const struct jpeg_frame *frame, uint32_t row);

#endif
