/*
 * Notes: the map that is made of a file while it is decoded.
 */
#ifndef STK_JPEG_NOTES_H
#define STK_JPEG_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/image/jpeg_map.h"

/* Bytes of memory that notes take at most. */
enum {
    JPEG_NOTES_BYTES_MAX =
        JPEG_MAP_ENTRY_BYTES_MAX / (sizeof(uint32_t) + sizeof(int16_t)) * sizeof(struct jpeg_entry)
};

struct jpeg_notes {
    bool wanted;            /* of the picture begun last */
    size_t entry_bytes_max; /* what entry points may take in an index */
    const uint8_t *file;    /* the first byte; borrowed while it is decoded */
    struct jpeg_map map;
    struct jpeg_entry *storage; /* of the map's entry points */
    size_t storage_max;
};

/** Give the storage back. */
void jpeg_notes_release(struct jpeg_notes *notes);

/** Begin a file whose header was read: the map has its sizes and EXIF's orientation alone. */
void jpeg_notes_begin(struct jpeg_notes *notes, const uint8_t *jpeg, size_t len, uint32_t height,
                      uint32_t width);

/**
 * Note the frame, and make room for entry points.
 *
 * Owns:    the map's entries are the notes'.
 * Returns: whether there are any: not where they would take too much, or there is no memory.
 * Threads: one at a time.  Blocks: no.  Allocates: to grow, never in steady state.
 */
bool jpeg_notes_plan(struct jpeg_notes *notes, const struct jpeg_frame *frame);

/** Make the map that of a file that is not for our own decoder. */
void jpeg_notes_refuse(struct jpeg_notes *notes);

#endif
