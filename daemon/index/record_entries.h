/*
 * Entry points of a record: each number in as many bits as the record's largest needs.
 */
#ifndef STK_INDEX_RECORD_ENTRIES_H
#define STK_INDEX_RECORD_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/image/jpeg_map.h"

enum { ENTRIES_MAX = 10922 }; /* of a record: it bounds the memory of a lookup */

/** MCUs in a row of a picture, and rows of them. */
uint32_t entries_mcu_columns(const struct jpeg_map *map);
uint32_t entries_mcu_rows(const struct jpeg_map *map);

/** Bytes that entry points take, of each row every thinning-th of them. */
size_t entries_bytes(const struct jpeg_map *map, uint32_t thinning);

/** Write them; returns how many bytes were written. */
size_t entries_encode(const struct jpeg_map *map, uint32_t thinning, uint8_t *out);

/**
 * Read them.
 *
 *   map     its sizes can be what they say, and columns are those of its step; entries.entry is
 *           written to
 *   bytes   len of them
 *
 * Returns: how many bytes they took, or 0 where they are none that can be: see FORMAT.md.
 */
size_t entries_decode(const struct jpeg_map *map, const uint8_t *bytes, size_t len);

#endif
