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

/* How many bits each field has; a gray picture has two. */
struct widths {
    uint8_t bits[FIELDS_MAX];
};

/* Numbers of few bits, the lowest first, behind one another. */
struct packing {
    uint8_t *bytes;
    size_t bit;
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
    uint8_t bits = 0;
    for (; number > 0; number >>= 1)
        bits++;
    return bits;
}

/* Of two's complement. */
static uint8_t bits_of_signed(int16_t number)
{
    uint16_t magnitude = (uint16_t)(number < 0 ? ~number : number);
    return (uint8_t)(number == 0 ? 0 : bits_of(magnitude) + 1);
}

static void widen(uint8_t *bits, uint8_t needed)
{
    *bits = *bits < needed ? needed : *bits;
}

static const struct jpeg_entry *entry_at(const struct jpeg_map *map, uint32_t thinning, size_t i)
{
    uint32_t columns = divided_up(map->entries.columns, thinning);
    return &map->entries.entry[i / columns * map->entries.columns + i % columns * thinning];
}

static size_t count_of(const struct jpeg_map *map, uint32_t thinning)
{
    return (size_t)entries_mcu_rows(map) * divided_up(map->entries.columns, thinning);
}

static struct widths widths_of(const struct jpeg_map *map, uint32_t thinning)
{
    struct widths widths = {0};
    size_t count = count_of(map, thinning);
    for (size_t i = 1; i < count; i++) {
        const struct jpeg_entry *entry = entry_at(map, thinning, i);
        widen(&widths.bits[0], bits_of(entry->bit - entry_at(map, thinning, i - 1)->bit - 1));
        for (uint32_t c = 0; c < map->component_count; c++)
            widen(&widths.bits[1 + c], bits_of_signed(entry->dc[c]));
    }
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
    for (uint8_t i = 0; i < bits; i++, packing->bit++)
        packing->bytes[packing->bit / 8] |= (uint8_t)((number >> i & 1) << packing->bit % 8);
}

size_t entries_encode(const struct jpeg_map *map, uint32_t thinning, uint8_t *out)
{
    struct widths widths = widths_of(map, thinning);
    size_t count = count_of(map, thinning);
    size_t len = bytes_of(&widths, map->component_count, count);
    memset(out, 0, len);
    memcpy(out, widths.bits, 1 + map->component_count);
    struct packing packing = {.bytes = out + 1 + map->component_count};
    for (size_t i = 1; i < count; i++) {
        const struct jpeg_entry *entry = entry_at(map, thinning, i);
        put(&packing, entry->bit - entry_at(map, thinning, i - 1)->bit - 1, widths.bits[0]);
        for (uint32_t c = 0; c < map->component_count; c++)
            put(&packing, (uint16_t)entry->dc[c], widths.bits[1 + c]);
    }
    return len;
}

/* What is read of a packing: no bit of it lies behind its bytes. */
struct unpacking {
    const uint8_t *bytes;
    size_t len;
    size_t bit;
};

static uint32_t get(struct unpacking *unpacking, uint8_t bits)
{
    uint64_t window = 0;
    size_t first = unpacking->bit / 8;
    for (size_t i = 0; i < 5 && first + i < unpacking->len; i++)
        window |= (uint64_t)unpacking->bytes[first + i] << 8 * i;
    window >>= unpacking->bit % 8;
    unpacking->bit += bits;
    return (uint32_t)(window & (((uint64_t)1 << bits) - 1));
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
    uint32_t columns = map->entries.columns;
    uint32_t mcu = (uint32_t)(i / columns) * entries_mcu_columns(map) +
                   (uint32_t)(i % columns) * map->entries.step;
    if (entry->bit / 8 >= map->scan_len)
        return false;
    if (map->restart_interval == 0 || mcu % map->restart_interval != 0)
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
    struct unpacking unpacking = {bytes + 1 + map->component_count, len - 1 - map->component_count,
                                  0};
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
