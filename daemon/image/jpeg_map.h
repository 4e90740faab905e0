/*
 * A map of a JPEG: what our own decoder must know of a file to decode a rectangle of it from just
 * the bytes that hold that rectangle.
 *
 * There are entry points only in the map of a file whose whole scan our own decoder took, so with
 * the map and without it the same pixels come out.  A map may come from a stranger and be nonsense:
 * whoever enters by it checks every field first, and every entry point that is passed.
 */
#ifndef STK_JPEG_MAP_H
#define STK_JPEG_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/image/jpeg_entropy.h"
#include "daemon/image/jpeg_frame.h"
#include "daemon/image/jpeg_huffman.h"

enum {
    JPEG_MAP_ENTRY_BYTES_MAX = 1 << 16, /* what entry points may take in an index */
    JPEG_MAP_SCAN_BYTES_MAX = 1 << 28,  /* the bits of a longer scan are not counted */
};

/* Of every component; what is not used is zero, so that equal tables are equal bytes. */
struct jpeg_map_tables {
    uint16_t quant[JPEG_COMPONENTS_MAX][JPEG_BLOCK_LEN]; /* row by row */
    struct jpeg_codes dc[JPEG_COMPONENTS_MAX];
    struct jpeg_codes ac[JPEG_COMPONENTS_MAX];
};

struct jpeg_map {
    uint32_t height;
    uint32_t width;
    uint32_t orientation;     /* EXIF's, 1 .. 8; 0: the file does not say */
    uint32_t component_count; /* 1 or 3; 0: not a file for our own decoder, and the rest is zero */
    uint32_t h;               /* of the first component, in blocks of an MCU: 1 or 2 */
    uint32_t v;
    uint32_t restart_interval; /* MCUs; 0: none */
    uint64_t scan_offset;      /* in the file */
    uint32_t scan_len;         /* to the end of the last MCU's last byte */
    struct jpeg_map_tables tables;
    struct jpeg_entries entries; /* columns 0: there are none */
};

/** Bytes of an entry point in an index: its place and the DC of each component. */
static inline size_t jpeg_map_entry_bytes(uint32_t component_count)
{
    return sizeof(uint32_t) + component_count * sizeof(int16_t);
}

/**
 * Choose the distance of entry points: the smallest whose entry points take no more than bytes_max
 * in an index.
 *
 *   entries   step and columns are set; columns is 0 where not even one a row of MCUs fits
 *
 * Returns: how many entry points these are.
 */
size_t jpeg_map_choose_step(const struct jpeg_frame *frame, size_t bytes_max,
                            struct jpeg_entries *entries);

/**
 * Note what a frame says: sizes, restarts, scan_offset and tables.
 *
 *   map    orientation stays; scan_len is 0 and entries are none
 *   file   the first byte of the file that frame->scan points into
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
void jpeg_map_note(struct jpeg_map *map, const struct jpeg_frame *frame, const uint8_t *file);

/**
 * Make a map's frame; its scan is to be set by jpeg_map_place.
 *
 *   tables   where the frame's Huffman tables are found or made; NULL: it needs none
 *
 * Owns:    nothing; frame borrows the tables until the next call with them.
 * Returns: whether the map is one of a picture for our own decoder, with entry points; if not,
 *          frame is unspecified.
 * Threads: those of tables.  Blocks: no.  Allocates: no.
 */
bool jpeg_map_frame(const struct jpeg_map *map, struct jpeg_tables *tables,
                    struct jpeg_frame *frame);

/**
 * Let a frame's scan be in bytes from .. from + len - 1 of the file.
 *
 * Owns:    nothing; frame borrows bytes.
 * Returns: whether they hold some of it.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
bool jpeg_map_place(const struct jpeg_map *map, const uint8_t *bytes, uint64_t from, size_t len,
                    struct jpeg_frame *frame);

/**
 * The bytes of the file that hold a rectangle: from the entry point before its first MCU to the one
 * behind its last.
 *
 *   area        inside the picture, not empty
 *   from, len   set
 *
 * Owns:    nothing.
 * Returns: false where the map has no entry points or is nonsense; from and len are 0 then.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
bool jpeg_map_range(const struct jpeg_map *map, const struct box *area, uint64_t *from,
                    uint64_t *len);

#endif
