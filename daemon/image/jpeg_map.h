/*
 * A JPEG's map: what must be known of a file to decode a part of it without reading the rest.
 */
#ifndef STK_JPEG_MAP_H
#define STK_JPEG_MAP_H

#include <stdint.h>

#include "daemon/image/jpeg_entropy.h"
#include "daemon/image/jpeg_frame.h"
#include "daemon/image/jpeg_huffman.h"

/* Parts that a file does not have are zero, so that memcmp compares. */
struct jpeg_map_tables {
    uint16_t quant[JPEG_COMPONENTS_MAX][JPEG_BLOCK_LEN]; /* row by row */
    struct jpeg_codes dc[JPEG_COMPONENTS_MAX];
    struct jpeg_codes ac[JPEG_COMPONENTS_MAX];
};

struct jpeg_map {
    uint32_t height;
    uint32_t width;
    uint32_t component_count;
    uint32_t h; /* blocks of an MCU of the first component */
    uint32_t v;
    uint32_t restart_interval; /* MCUs; 0: none */
    uint32_t orientation;      /* EXIF's, 1 .. 8; 0: the file does not say */
    uint64_t scan_offset;      /* of the entropy-coded bytes in the file */
    uint32_t scan_len;
    struct jpeg_map_tables tables;
    struct jpeg_entries entries; /* columns 0: there are none */
};

#endif
