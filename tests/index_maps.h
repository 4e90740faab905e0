/*
 * Samples of an index that no file is behind, as a number draws them.
 */
#ifndef STK_TESTS_INDEX_MAPS_H
#define STK_TESTS_INDEX_MAPS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/index/index.h"

/* A linear congruential generator is random enough here. */
static inline uint32_t maps_draw(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % below;
}

static inline void maps_draw_codes(uint64_t *state, struct jpeg_codes *codes)
{
    codes->counts[1] = 2;
    codes->counts[3] = 3;
    codes->counts[8] = (uint8_t)maps_draw(state, 7);
    for (int i = 0; i < 5 + codes->counts[8]; i++)
        codes->symbols[i] = (uint8_t)(1 + maps_draw(state, 15));
}

static inline void maps_draw_tables(uint64_t number, uint32_t components,
                                    struct jpeg_map_tables *tables)
{
    uint64_t state = number;
    *tables = (struct jpeg_map_tables){0};
    for (uint32_t i = 0; i < JPEG_BLOCK_LEN; i++)
        tables->quant[0][i] = (uint16_t)(1 + maps_draw(&state, number % 2 == 0 ? 255 : 900));
    maps_draw_codes(&state, &tables->dc[0]);
    maps_draw_codes(&state, &tables->ac[0]);
    for (uint32_t c = 1; c < components; c++) {
        memcpy(tables->quant[c], tables->quant[c % 2 == number % 2 ? 0 : c - 1],
               sizeof tables->quant[c]);
        tables->dc[c] = tables->dc[0];
        tables->ac[c] = tables->ac[0];
        tables->ac[c].symbols[0] = (uint8_t)(number % 5);
    }
}

static inline void maps_draw_entries(uint64_t *state, struct jpeg_map *map)
{
    uint32_t rows = (map->height + 8 * map->v - 1) / (8 * map->v);
    uint32_t columns = (map->width + 8 * map->h - 1) / (8 * map->h);
    map->entries.step = 1 + maps_draw(state, columns);
    map->entries.columns = (columns + map->entries.step - 1) / map->entries.step;
    size_t count = (size_t)rows * map->entries.columns;
    map->entries.entry = calloc(count, sizeof map->entries.entry[0]);
    uint32_t position = 0;
    for (size_t i = 1; i < count; i++) {
        struct jpeg_entry *entry = &map->entries.entry[i];
        position += 1 + maps_draw(state, 400);
        entry->bit = position;
        for (uint32_t c = 0; c < map->component_count; c++)
            entry->dc[c] = (int16_t)(maps_draw(state, 2000) - 1000);
    }
    map->scan_len = position / 8 + 1 + maps_draw(state, 100);
}

/** A sample with everything that an index keeps; its entries are the caller's to free. */
static inline struct index_sample maps_draw_sample(uint64_t number, char path[64])
{
    uint64_t state = number * 77 + 5;
    struct index_sample sample = {.path = path,
                                  .contents = INDEX_ENTRIES,
                                  .mtime_ns = (int64_t)(number * 1000003) - 5,
                                  .checksum = number * 0x9e3779b97f4a7c15u};
    struct jpeg_map *map = &sample.map;
    snprintf(path, 64, "class%u/%llu.jpg", (unsigned)(number % 10), (unsigned long long)number);
    map->height = 8 + maps_draw(&state, 400);
    map->width = 8 + maps_draw(&state, 400);
    map->orientation = maps_draw(&state, 9);
    map->component_count = maps_draw(&state, 4) == 0 ? 1 : 3;
    map->h = map->component_count == 1 ? 1 : 1 + maps_draw(&state, 2);
    map->v = map->component_count == 1 ? 1 : 1 + maps_draw(&state, 2);
    map->scan_offset = 600 + maps_draw(&state, 100);
    maps_draw_tables(number % 7, map->component_count, &map->tables);
    maps_draw_entries(&state, map);
    sample.bytes = map->scan_offset + map->scan_len + 2 + maps_draw(&state, 1000000);
    return sample;
}

#endif
