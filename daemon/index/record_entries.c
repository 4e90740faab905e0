/*
 * Entry points of a record.
 */
#include "daemon/index/record_entries.h"

#include <string.h>

enum {
    FIELDS_MAX = 1 + JPEG_COMPONENTS_MAX, /* the distance to the one before, and DCs */
    POSITION_BITS_MAX = 32,
    DC_BITS_MAX = 16,
};

#define LOW_BITS(bits) ((UINT64_C(1) << (bits)) - 1)

/* How many bits each field has; a gray picture has two. */
struct widths {
    uint8_t bits[FIELDS_MAX];
};

/* Numbers of few bits, the lowest first, behind one another. */
struct packing {
    uint8_t *next;
    uint64_t window; /* count bits, less than 8, that are not in bytes yet */
    uint8_t count;
};

static uint32_t divided_up(uint32_t count, uint32_t by)
{
    return (count + by - 1) / by;
}

uint32_t entries_mcu_columns(const struct jpeg_map *map)
{
    return divided_up(map->width, map->h * JPEG_BLOCK_SIDE);
}

uint32_t entries_mcu_rows(const struct jpeg_map *map)
{
    return divided_up(map->height, map->v * JPEG_BLOCK_SIDE);
}

static uint8_t bits_of(uint32_t number)
{
    return (uint8_t)(number > 0 ? 32 - __builtin_clz(number) : 0);
}

/* A number of as many bits as this one has in two's complement. */
static uint32_t unsigned_like(int16_t number)
{
    uint16_t magnitude = (uint16_t)(number < 0 ? ~number : number);
    return 2U * magnitude + (number != 0);
}

/* Entry points in their order, of each row every thinning-th. */
struct walk {
    const struct jpeg_entry *row;
    uint32_t columns; /* of a row, with those that are passed over */
    uint32_t column;
    uint32_t thinning;
};

static struct walk walk_from_first(const struct jpeg_map *map, uint32_t thinning)
{
    return (struct walk){
        .row = map->entries.entry, .columns = map->entries.columns, .thinning = thinning};
}

static const struct jpeg_entry *walk_on(struct walk *walk)
{
    walk->column += walk->thinning;
    if (walk->column >= walk->columns) {
        walk->column = 0;
        walk->row += walk->columns;
    }
    return &walk->row[walk->column];
}

static size_t count_of(const struct jpeg_map *map, uint32_t thinning)
{
    return (size_t)entries_mcu_rows(map) * divided_up(map->entries.columns, thinning);
}

static struct widths widths_of(const struct jpeg_map *map, uint32_t thinning)
{
    uint32_t all[FIELDS_MAX] = {0}; /* the bits of all numbers of a field */
    struct walk walk = walk_from_first(map, thinning);
    uint32_t before = walk.row->bit;
    for (size_t left = count_of(map, thinning) - 1; left > 0; left--) {
        const struct jpeg_entry *entry = walk_on(&walk);
        all[0] |= entry->bit - before - 1;
        before = entry->bit;
        for (uint32_t c = 0; c < JPEG_COMPONENTS_MAX; c++)
            all[1 + c] |= unsigned_like(entry->dc[c]);
    }
    struct widths widths = {0};
    for (uint32_t i = 0; i <= map->component_count; i++)
        widths.bits[i] = bits_of(all[i]);
    return widths;
}

/* Of all but the first entry point, which is always the same. */
static size_t bytes_of(const struct widths *widths, uint32_t component_count, size_t count)
{
    size_t bits = 0;
    for (uint32_t i = 0; i <= component_count; i++)
        bits += widths->bits[i];
    return 1 + component_count + (bits * (count - 1) + 7) / 8;
}

size_t entries_bytes(const struct jpeg_map *map, uint32_t thinning)
{
    struct widths widths = widths_of(map, thinning);
    return bytes_of(&widths, map->component_count, count_of(map, thinning));
}

static void put(struct packing *packing, uint32_t number, uint8_t bits)
{
    packing->window |= (uint64_t)(number & LOW_BITS(bits)) << packing->count;
    packing->count = (uint8_t)(packing->count + bits);
    for (; packing->count >= 8; packing->count = (uint8_t)(packing->count - 8)) {
        *packing->next++ = (uint8_t)packing->window;
        packing->window >>= 8;
    }
}

static void put_rest(struct packing *packing)
{
    if (packing->count > 0)
        *packing->next++ = (uint8_t)packing->window;
}

size_t entries_encode(const struct jpeg_map *map, uint32_t thinning, uint8_t *out)
{
    struct widths widths = widths_of(map, thinning);
    size_t count = count_of(map, thinning);
    memcpy(out, widths.bits, 1 + map->component_count);
    struct packing packing = {.next = out + 1 + map->component_count};
    struct walk walk = walk_from_first(map, thinning);
    uint32_t before = walk.row->bit;
    for (size_t i = 1; i < count; i++) {
        const struct jpeg_entry *entry = walk_on(&walk);
        put(&packing, entry->bit - before - 1, widths.bits[0]);
        before = entry->bit;
        for (uint32_t c = 0; c < map->component_count; c++)
            put(&packing, (uint16_t)entry->dc[c], widths.bits[1 + c]);
    }
    put_rest(&packing);
    return bytes_of(&widths, map->component_count, count);
}

/* What is read of a packing; behind its end come zeros. */
struct unpacking {
    const uint8_t *next;
    const uint8_t *end;
    uint64_t window;
    uint8_t count; /* bits in it */
};

static uint32_t get(struct unpacking *unpacking, uint8_t bits)
{
    for (; unpacking->count < bits; unpacking->count = (uint8_t)(unpacking->count + 8)) {
        if (unpacking->next < unpacking->end)
            unpacking->window |= (uint64_t)*unpacking->next++ << unpacking->count;
    }
    uint32_t number = (uint32_t)(unpacking->window & LOW_BITS(bits));
    unpacking->window >>= bits;
    unpacking->count = (uint8_t)(unpacking->count - bits);
    return number;
}

static int16_t get_signed(struct unpacking *unpacking, uint8_t bits)
{
    uint32_t number = get(unpacking, bits);
    if (bits > 0 && number >> (bits - 1) != 0)
        number |= UINT32_MAX << bits;
    return (int16_t)number;
}

/* Where an MCU stands first behind a restart, everything begins anew. */
static bool entry_can_be(const struct jpeg_map *map, const struct jpeg_entry *entry, size_t i)
{
    static const struct jpeg_entry begin;
    if (entry->bit / 8 >= map->scan_len)
        return false;
    if (map->restart_interval == 0)
        return true;
    uint32_t columns = map->entries.columns;
    uint32_t mcu = (uint32_t)(i / columns) * entries_mcu_columns(map) +
                   (uint32_t)(i % columns) * map->entries.step;
    if (mcu % map->restart_interval != 0)
        return true;
    return entry->bit % 8 == 0 && memcmp(entry->dc, begin.dc, sizeof begin.dc) == 0;
}

static bool get_widths(const struct jpeg_map *map, const uint8_t *bytes, size_t len,
                       struct widths *widths)
{
    *widths = (struct widths){0};
    if (len < 1 + map->component_count)
        return false;
    memcpy(widths->bits, bytes, 1 + map->component_count);
    for (uint32_t c = 0; c < map->component_count; c++) {
        if (widths->bits[1 + c] > DC_BITS_MAX)
            return false;
    }
    return widths->bits[0] <= POSITION_BITS_MAX;
}

size_t entries_decode(const struct jpeg_map *map, const uint8_t *bytes, size_t len)
{
    struct widths widths;
    size_t count = count_of(map, 1);
    if (count > ENTRIES_MAX || !get_widths(map, bytes, len, &widths) ||
        bytes_of(&widths, map->component_count, count) > len)
        return 0;
    struct unpacking unpacking = {.next = bytes + 1 + map->component_count, .end = bytes + len};
    uint64_t position = 0;
    map->entries.entry[0] = (struct jpeg_entry){0};
    for (size_t i = 1; i < count; i++) {
        struct jpeg_entry *entry = &map->entries.entry[i];
        position += (uint64_t)get(&unpacking, widths.bits[0]) + 1;
        *entry = (struct jpeg_entry){.bit = (uint32_t)position};
        for (uint32_t c = 0; c < map->component_count; c++)
            entry->dc[c] = get_signed(&unpacking, widths.bits[1 + c]);
        if (position > UINT32_MAX || !entry_can_be(map, entry, i))
            return 0;
    }
    return bytes_of(&widths, map->component_count, count);
}
