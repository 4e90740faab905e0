/*
 * The layout of an index's file: a head, records, a directory in blocks, a trailer.
 *
 * Pure: bytes to structs and back, as FORMAT.md says.
 */
#ifndef STK_INDEX_LAYOUT_H
#define STK_INDEX_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

enum {
    LAYOUT_VERSION = 1,
    LAYOUT_HEAD_BYTES = 24,
    LAYOUT_TRAILER_BYTES = 48,
    LAYOUT_PLACE_BYTES = 16,
    LAYOUT_BLOCK_PLACES = 4096, /* of a block of the directory; the last one may have fewer */
    LAYOUT_CHECKSUM_BYTES = 8,  /* behind each block */
    LAYOUT_BLOCK_BYTES_MAX = LAYOUT_BLOCK_PLACES * LAYOUT_PLACE_BYTES + LAYOUT_CHECKSUM_BYTES,
};

#define LAYOUT_OFFSET_MAX (((uint64_t)1 << 51) - 8)

/* Where a record is, and what. */
struct place {
    uint64_t key;
    uint64_t what; /* offset / 8 in the upper 48 bits, two flags, len / 8 in the lower 14 */
};

enum {
    PLACE_ENTRIES = 1 << 15, /* a sample with entry points */
    PLACE_SAMPLE = 1 << 14,  /* else tables */
};

static inline struct place place_of(uint64_t key, uint64_t offset, size_t len, uint64_t flags)
{
    return (struct place){.key = key, .what = offset / 8 << 16 | flags | len / 8};
}

static inline uint64_t place_offset(const struct place *place)
{
    return (place->what >> 16) * 8;
}

static inline size_t place_len(const struct place *place)
{
    return (size_t)(place->what & (PLACE_SAMPLE - 1)) * 8;
}

static inline bool place_is_sample(const struct place *place)
{
    return (place->what & PLACE_SAMPLE) != 0;
}

static inline bool place_has_entries(const struct place *place)
{
    return (place->what & PLACE_ENTRIES) != 0;
}

struct trailer {
    uint64_t directory; /* its offset, which is where the records end */
    uint64_t records;
    uint64_t samples;
    uint64_t with_entries; /* samples of them */
};

/** Write a file's head. */
void layout_encode_head(uint8_t head[LAYOUT_HEAD_BYTES]);

/** Look at a file's head; STK_OK, STK_CORRUPT, or STK_VERSION where another version wrote it. */
STK_MUST_CHECK enum stk_status layout_check_head(const uint8_t head[LAYOUT_HEAD_BYTES]);

/** Write the trailer. */
void layout_encode_trailer(const struct trailer *trailer, uint8_t bytes[LAYOUT_TRAILER_BYTES]);

/** Read the trailer of a file of so many bytes; false where it is none of it. */
bool layout_decode_trailer(const uint8_t bytes[LAYOUT_TRAILER_BYTES], uint64_t file_bytes,
                           struct trailer *trailer);

/** Bytes of a directory of so many records, < 2^48. */
uint64_t layout_directory_bytes(uint64_t records);

/** Write a block of count places; returns its bytes. */
size_t layout_encode_block(const struct place *places, size_t count, uint8_t *block);

/**
 * Read a block of count places.
 *
 *   least   no key of it is lower; set to its last key
 *   end     of the records
 *
 * Returns: whether its checksum is right, keys rise, and every record lies where one can.
 */
bool layout_decode_block(const uint8_t *block, size_t count, uint64_t *least, uint64_t end,
                         struct place *places);

#endif
