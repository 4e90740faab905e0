/*
 * Records: what all kinds share, and samples.
 */
#include "daemon/index/record.h"

#include <string.h>

#include <xxhash.h>

#include "daemon/index/little_endian.h"

enum {
    AT_KIND = 8,
    AT_LEN = 12,
    AT_BYTES = 16,
    AT_MTIME = 24,
    AT_CHECKSUM = 32,
    AT_TABLES = 40,
    AT_SCAN_OFFSET = 48,
    AT_SCAN_LEN = 56,
    AT_HEIGHT = 60,
    AT_WIDTH = 64,
    AT_RESTART_INTERVAL = 68,
    AT_STEP = 72,
    AT_COLUMNS = 76,
    AT_CONTENTS = 80,
    AT_COMPONENTS = 81,
    AT_H = 82,
    AT_V = 83,
    AT_ORIENTATION = 84,
    AT_ZERO = 85,
    AT_PATH_LEN = 86,
    ENTRY_POSITION_BYTES = 4,
    ENTRY_DC_BYTES = 2,
    PATH_SEED = 1,
    ORIENTATIONS = 8,
    SCAN_LEN_MAX = UINT32_MAX / 8, /* positions are bits */
};

_Static_assert(AT_PATH_LEN + 2 == RECORD_SAMPLE_BYTES, "the path stands behind its length");

static size_t entry_bytes(uint32_t component_count)
{
    return ENTRY_POSITION_BYTES + (size_t)component_count * ENTRY_DC_BYTES;
}

size_t record_round_up(size_t len)
{
    return (len + RECORD_UNIT - 1) / RECORD_UNIT * RECORD_UNIT;
}

size_t record_sample_bytes(size_t path_len, size_t entry_count, uint32_t component_count)
{
    return record_round_up(RECORD_SAMPLE_BYTES + path_len +
                           entry_count * entry_bytes(component_count));
}

uint64_t record_sample_key(const char *path)
{
    return XXH3_64bits_withSeed(path, strlen(path), PATH_SEED);
}

void record_seal(uint8_t *record, size_t len, enum record_kind kind)
{
    little_endian_put(record + AT_KIND, 4, kind);
    little_endian_put(record + AT_LEN, 4, len);
    little_endian_put(record, 8, XXH3_64bits(record + AT_KIND, len - AT_KIND));
}

bool record_head(const uint8_t *record, size_t available, size_t *len, enum record_kind *kind)
{
    if (available < RECORD_HEAD_BYTES)
        return false;
    uint32_t word = little_endian_get32(record + AT_KIND);
    *len = little_endian_get32(record + AT_LEN);
    *kind = word == RECORD_SAMPLE ? RECORD_SAMPLE : RECORD_TABLES;
    return (word == RECORD_SAMPLE || word == RECORD_TABLES) && *len >= RECORD_HEAD_BYTES &&
           *len % RECORD_UNIT == 0 && *len <= RECORD_BYTES_MAX && *len <= available;
}

bool record_is_whole(const uint8_t *record, size_t len)
{
    return little_endian_get64(record) == XXH3_64bits(record + AT_KIND, len - AT_KIND);
}

static uint32_t divided_up(uint32_t count, uint32_t by)
{
    return (count + by - 1) / by;
}

static uint32_t mcu_columns(const struct jpeg_map *map)
{
    return divided_up(map->width, map->h * JPEG_BLOCK_SIDE);
}

static uint32_t mcu_rows(const struct jpeg_map *map)
{
    return divided_up(map->height, map->v * JPEG_BLOCK_SIDE);
}

static size_t entry_count(const struct index_sample *sample)
{
    return sample->contents == INDEX_ENTRIES
               ? (size_t)mcu_rows(&sample->map) * sample->map.entries.columns
               : 0;
}

uint32_t record_choose_thinning(const struct jpeg_map *map, size_t bytes_max)
{
    size_t columns_max = bytes_max / (entry_bytes(map->component_count) * mcu_rows(map));
    if (columns_max == 0)
        return 0;
    uint32_t thinning = 1;
    while (divided_up(map->entries.columns, thinning) > columns_max)
        thinning++;
    return thinning;
}

static void put_map(const struct jpeg_map *map, uint64_t tables, uint8_t *record)
{
    little_endian_put(record + AT_TABLES, 8, tables);
    little_endian_put(record + AT_SCAN_OFFSET, 8, map->scan_offset);
    little_endian_put(record + AT_SCAN_LEN, 4, map->scan_len);
    little_endian_put(record + AT_RESTART_INTERVAL, 4, map->restart_interval);
    little_endian_put(record + AT_STEP, 4, map->entries.step);
    little_endian_put(record + AT_COLUMNS, 4, map->entries.columns);
    little_endian_put(record + AT_COMPONENTS, 1, map->component_count);
    little_endian_put(record + AT_H, 1, map->h);
    little_endian_put(record + AT_V, 1, map->v);
}

static uint8_t *put_entry(const struct jpeg_entry *entry, uint32_t component_count, uint8_t *out)
{
    little_endian_put(out, ENTRY_POSITION_BYTES, entry->bit);
    out += ENTRY_POSITION_BYTES;
    for (uint32_t c = 0; c < component_count; c++, out += ENTRY_DC_BYTES)
        little_endian_put(out, ENTRY_DC_BYTES, (uint16_t)entry->dc[c]);
    return out;
}

static void put_entries(const struct jpeg_map *map, uint32_t thinning, uint8_t *out)
{
    uint32_t columns = map->entries.columns;
    for (uint32_t row = 0; row < mcu_rows(map); row++) {
        for (uint32_t i = 0; i < columns; i += thinning)
            out = put_entry(&map->entries.entry[(size_t)row * columns + i], map->component_count,
                            out);
    }
}

/* The map as it will be once it is thinned out; its entry points are still all. */
static struct jpeg_map thinned(const struct index_sample *sample, uint32_t thinning)
{
    struct jpeg_map map = sample->map;
    uint32_t columns = mcu_columns(&map);
    map.entries.columns = divided_up(map.entries.columns, thinning);
    map.entries.step *= thinning;
    if (map.entries.step > columns)
        map.entries.step = columns;
    return map;
}

static void put_facts(const struct index_sample *sample, size_t path_len, uint8_t *record)
{
    little_endian_put(record + AT_BYTES, 8, sample->bytes);
    little_endian_put(record + AT_MTIME, 8, (uint64_t)sample->mtime_ns);
    little_endian_put(record + AT_CHECKSUM, 8, sample->checksum);
    little_endian_put(record + AT_HEIGHT, 4, sample->map.height);
    little_endian_put(record + AT_WIDTH, 4, sample->map.width);
    little_endian_put(record + AT_ORIENTATION, 1, sample->map.orientation);
    little_endian_put(record + AT_CONTENTS, 1, sample->contents);
    little_endian_put(record + AT_PATH_LEN, 2, path_len);
}

size_t record_encode_sample(const struct index_sample *sample, uint32_t thinning, uint64_t tables,
                            uint8_t *record)
{
    size_t path_len = strlen(sample->path);
    bool mapped = sample->contents == INDEX_ENTRIES;
    struct jpeg_map map = mapped ? thinned(sample, thinning) : (struct jpeg_map){0};
    size_t count = mapped ? (size_t)mcu_rows(&map) * map.entries.columns : 0;
    size_t len = record_sample_bytes(path_len, count, map.component_count);
    if (len > RECORD_BYTES_MAX)
        return 0;
    memset(record, 0, RECORD_SAMPLE_BYTES);
    memset(record + len - RECORD_UNIT, 0, RECORD_UNIT);
    put_facts(sample, path_len, record);
    if (mapped)
        put_map(&map, tables, record);
    memcpy(record + RECORD_SAMPLE_BYTES, sample->path, path_len);
    if (mapped)
        put_entries(&sample->map, thinning, record + RECORD_SAMPLE_BYTES + path_len);
    record_seal(record, len, RECORD_SAMPLE);
    return len;
}

size_t record_entries_max(size_t len)
{
    return len / (ENTRY_POSITION_BYTES + ENTRY_DC_BYTES);
}

/* What jpeg_frame_read would take of a file with these sides and samplings. */
static bool frame_is_ours(const struct jpeg_map *map)
{
    if (map->height < 1 || map->height > JPEG_FRAME_SIDE_MAX || map->width < 1 ||
        map->width > JPEG_FRAME_SIDE_MAX)
        return false;
    if (map->component_count == 1)
        return map->h == 1 && map->v == 1;
    return map->component_count == JPEG_COMPONENTS_MAX && map->h >= 1 && map->h <= 2 &&
           map->v >= 1 && map->v <= 2 && divided_up(map->width, map->h) > 2;
}

static bool map_can_be(const struct index_sample *sample)
{
    const struct jpeg_map *map = &sample->map;
    if (!frame_is_ours(map) || map->scan_len < 1 || map->scan_len > SCAN_LEN_MAX ||
        map->scan_offset > sample->bytes || map->scan_len > sample->bytes - map->scan_offset)
        return false;
    return map->entries.step >= 1 && map->entries.step <= mcu_columns(map) &&
           map->entries.columns == divided_up(mcu_columns(map), map->entries.step) &&
           map->restart_interval <= UINT16_MAX;
}

/* Where a restart stands, everything begins anew. */
static bool entry_can_be(const struct jpeg_map *map, const struct jpeg_entry *entry, uint32_t mcu)
{
    static const struct jpeg_entry begin;
    bool restarted = map->restart_interval > 0 && mcu % map->restart_interval == 0;
    if (mcu > 0 && !restarted)
        return true;
    return entry->bit % 8 == 0 && (mcu > 0 || entry->bit == 0) &&
           memcmp(entry->dc, begin.dc, sizeof begin.dc) == 0;
}

static bool get_entries(const struct jpeg_map *map, size_t count, const uint8_t *in)
{
    uint32_t columns = map->entries.columns;
    uint64_t least = 0;
    for (size_t i = 0; i < count; i++) {
        struct jpeg_entry *entry = &map->entries.entry[i];
        uint32_t position = little_endian_get32(in);
        in += ENTRY_POSITION_BYTES;
        *entry = (struct jpeg_entry){.bit = position};
        for (uint32_t c = 0; c < map->component_count; c++, in += ENTRY_DC_BYTES)
            entry->dc[c] = (int16_t)little_endian_get16(in);
        uint32_t mcu = (uint32_t)(i / columns) * mcu_columns(map) +
                       (uint32_t)(i % columns) * map->entries.step;
        if (position < least || position / 8 >= map->scan_len || !entry_can_be(map, entry, mcu))
            return false;
        least = (uint64_t)position + 1;
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static bool get_map(const uint8_t *record, struct index_sample *sample, uint64_t *tables)
{
    struct jpeg_map *map = &sample->map;
    *tables = little_endian_get64(record + AT_TABLES);
    map->scan_offset = little_endian_get64(record + AT_SCAN_OFFSET);
    map->scan_len = little_endian_get32(record + AT_SCAN_LEN);
    map->restart_interval = little_endian_get32(record + AT_RESTART_INTERVAL);
    map->entries.step = little_endian_get32(record + AT_STEP);
    map->entries.columns = little_endian_get32(record + AT_COLUMNS);
    map->component_count = record[AT_COMPONENTS];
    map->h = record[AT_H];
    map->v = record[AT_V];
    if (sample->contents == INDEX_ENTRIES)
        return map_can_be(sample);
    return is_zero(record + AT_TABLES, AT_HEIGHT - AT_TABLES) &&
           is_zero(record + AT_RESTART_INTERVAL, AT_CONTENTS - AT_RESTART_INTERVAL) &&
           is_zero(record + AT_COMPONENTS, AT_ORIENTATION - AT_COMPONENTS);
}

/* A path that some source can have given. */
static bool get_path(const uint8_t *record, size_t len, char *path, size_t *path_len)
{
    *path_len = little_endian_get16(record + AT_PATH_LEN);
    if (*path_len < 1 || *path_len > INDEX_PATH_BYTES_MAX ||
        RECORD_SAMPLE_BYTES + *path_len > len ||
        memchr(record + RECORD_SAMPLE_BYTES, '\0', *path_len) != NULL)
        return false;
    memcpy(path, record + RECORD_SAMPLE_BYTES, *path_len);
    path[*path_len] = '\0';
    return true;
}

static bool get_facts(const uint8_t *record, struct index_sample *sample)
{
    sample->bytes = little_endian_get64(record + AT_BYTES);
    sample->mtime_ns = (int64_t)little_endian_get64(record + AT_MTIME);
    sample->checksum = little_endian_get64(record + AT_CHECKSUM);
    sample->contents = record[AT_CONTENTS];
    sample->map.height = little_endian_get32(record + AT_HEIGHT);
    sample->map.width = little_endian_get32(record + AT_WIDTH);
    sample->map.orientation = record[AT_ORIENTATION];
    return sample->contents < INDEX_CONTENTS_COUNT && sample->map.orientation <= ORIENTATIONS &&
           record[AT_ZERO] == 0;
}

bool record_decode_sample(const uint8_t *record, size_t len, char *path, struct jpeg_entry *entries,
                          struct index_sample *sample, uint64_t *tables)
{
    size_t path_len;
    *sample = (struct index_sample){.path = path};
    *tables = 0;
    if (len < RECORD_SAMPLE_BYTES || !get_path(record, len, path, &path_len) ||
        !get_facts(record, sample) || !get_map(record, sample, tables))
        return false;
    size_t count = entry_count(sample);
    size_t end = RECORD_SAMPLE_BYTES + path_len + count * entry_bytes(sample->map.component_count);
    if (record_round_up(end) != len || !is_zero(record + end, len - end))
        return false;
    if (count > 0)
        sample->map.entries.entry = entries;
    return get_entries(&sample->map, count, record + RECORD_SAMPLE_BYTES + path_len);
}

bool record_has_entries(const uint8_t *record)
{
    return record[AT_CONTENTS] == INDEX_ENTRIES;
}

bool record_key(const uint8_t *record, size_t len, enum record_kind kind, uint64_t *key)
{
    char path[INDEX_PATH_BYTES_MAX + 1];
    size_t path_len;
    *key = record_tables_key(record, len);
    if (kind == RECORD_TABLES)
        return true;
    if (len < RECORD_SAMPLE_BYTES || !get_path(record, len, path, &path_len))
        return false;
    *key = record_sample_key(path);
    return true;
}
