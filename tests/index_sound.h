/*
 * What must hold of every sample that an index hands out, whoever wrote it: for tests and fuzzing.
 */
#ifndef STK_TESTS_INDEX_SOUND_H
#define STK_TESTS_INDEX_SOUND_H

#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/jpeg_huffman.h"
#include "daemon/index/index.h"

/** Entry points rise, lie in the scan, and the scan in the file; sizes go together. */
static inline void sound_map(const struct index_sample *sample)
{
    const struct jpeg_map *map = &sample->map;
    uint32_t columns = (map->width + 8 * map->h - 1) / (8 * map->h);
    uint32_t rows = (map->height + 8 * map->v - 1) / (8 * map->v);
    CHECK(map->component_count == 1 || map->component_count == 3);
    CHECK(map->h >= 1 && map->h <= 2 && map->v >= 1 && map->v <= 2);
    CHECK(map->scan_offset + map->scan_len <= sample->bytes && map->scan_len > 0);
    CHECK(map->scan_offset <= sample->bytes);
    CHECK(map->entries.step >= 1 && (map->entries.columns - 1) * map->entries.step < columns);
    CHECK(map->entries.columns * map->entries.step >= columns);
    for (uint32_t i = 0; i < rows * map->entries.columns; i++) {
        uint32_t bit = map->entries.entry[i].bit;
        CHECK(bit / 8 < map->scan_len);
        CHECK(i == 0 ? bit == 0 : bit > map->entries.entry[i - 1].bit);
    }
}

/** A sample as a whole. */
static inline void sound_sample(const struct index_sample *sample)
{
    size_t path_len = strlen(sample->path);
    CHECK(path_len >= 1 && path_len <= INDEX_PATH_BYTES_MAX);
    CHECK(sample->contents < INDEX_CONTENTS_COUNT && sample->map.orientation <= 8);
    if (sample->contents == INDEX_ENTRIES)
        sound_map(sample);
    else
        CHECK(sample->map.entries.columns == 0 && sample->map.component_count == 0);
}

/** Codes of every table that is there can be made into tables. */
static inline void sound_tables(const struct jpeg_map_tables *tables)
{
    static struct jpeg_tables made;
    static const struct jpeg_codes none;
    for (int c = 0; c < JPEG_COMPONENTS_MAX; c++) {
        CHECK(memcmp(&tables->dc[c], &none, sizeof none) == 0 ||
              jpeg_tables_dc(&made, &tables->dc[c]) != NULL);
        CHECK(memcmp(&tables->ac[c], &none, sizeof none) == 0 ||
              jpeg_tables_ac(&made, &tables->ac[c]) != NULL);
    }
}

#endif
