/*
 * Records: what all kinds share, and samples.
 */
#include "daemon/index/record.h"

#include <string.h>

#include <xxhash.h>

#include "daemon/index/layout.h"
#include "daemon/index/little_endian.h"
#include "daemon/index/record_entries.h"

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
    PATH_SEED = 1,
    FILE_BYTES_A_BYTE = 40, /* an index takes 2.5 % of them */
    ORIENTATIONS = 8,
    SCAN_LEN_MAX = UINT32_MAX / 8, /* positions are bits */
};

_Static_assert(AT_PATH_LEN + 2 == RECORD_SAMPLE_BYTES, "the path stands behind its length");

size_t record_round_up(size_t len)
{
    return (len + RECORD_UNIT - 1) / RECORD_UNIT * RECORD_UNIT;
}

size_t record_sample_bytes(size_t path_len, size_t entries_len)
{
    return record_round_up(RECORD_SAMPLE_BYTES + path_len + entries_len);
}

uint64_t record_share(uint64_t file_bytes)
{
    uint64_t share = file_bytes / FILE_BYTES_A_BYTE;
    return share > LAYOUT_PLACE_BYTES ? share - LAYOUT_PLACE_BYTES : 0;
}

size_t record_room(uint64_t file_bytes, size_t path_len)
{
    uint64_t share = record_share(file_bytes) / RECORD_UNIT * RECORD_UNIT;
    size_t bytes_max = share < RECORD_BYTES_MAX ? (size_t)share : RECORD_BYTES_MAX;
    size_t taken = RECORD_SAMPLE_BYTES + path_len;
    return bytes_max > taken ? bytes_max - taken : 0;
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

uint32_t record_choose_thinning(const struct jpeg_map *map, size_t bytes_max)
{
    for (uint32_t thinning = 1;; thinning++) {
        if (entries_bytes(map, thinning) <= bytes_max)
            return thinning;
        if (thinning >= map->entries.columns)
            return 0;
    }
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

/* The map as it will be once it is thinned out; its entry points are still all. */
static struct jpeg_map thinned(const struct index_sample *sample, uint32_t thinning)
{
    struct jpeg_map map = sample->map;
    uint32_t columns = entries_mcu_columns(&map);
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
    size_t entries_len = mapped ? entries_bytes(&sample->map, thinning) : 0;
    size_t len = record_sample_bytes(path_len, entries_len);
    if (len > RECORD_BYTES_MAX)
        return 0;
    memset(record, 0, RECORD_SAMPLE_BYTES);
    memset(record + len - RECORD_UNIT, 0, RECORD_UNIT);
    put_facts(sample, path_len, record);
    memcpy(record + RECORD_SAMPLE_BYTES, sample->path, path_len);
    if (mapped) {
        struct jpeg_map map = thinned(sample, thinning);
        put_map(&map, tables, record);
        entries_encode(&sample->map, thinning, record + RECORD_SAMPLE_BYTES + path_len);
    }
    record_seal(record, len, RECORD_SAMPLE);
    return len;
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
    return map->entries.step >= 1 && map->entries.step <= entries_mcu_columns(map) &&
           map->entries.columns == divided_up(entries_mcu_columns(map), map->entries.step) &&
           map->restart_interval <= UINT16_MAX;
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

/* Everything of a record but its entry points; *end is where these begin. */
static bool decode_head(const uint8_t *record, size_t len, char *path, struct index_sample *sample,
                        uint64_t *tables, size_t *end)
{
    size_t path_len;
    *sample = (struct index_sample){.path = path};
    *tables = 0;
    if (len < RECORD_SAMPLE_BYTES || !get_path(record, len, path, &path_len) ||
        !get_facts(record, sample) || !get_map(record, sample, tables))
        return false;
    *end = RECORD_SAMPLE_BYTES + path_len;
    return true;
}

size_t record_entry_count(const uint8_t *record, size_t len)
{
    char path[INDEX_PATH_BYTES_MAX + 1];
    struct index_sample sample;
    uint64_t tables;
    size_t end;
    if (!decode_head(record, len, path, &sample, &tables, &end) || sample.contents != INDEX_ENTRIES)
        return 0;
    size_t count = (size_t)entries_mcu_rows(&sample.map) * sample.map.entries.columns;
    return count <= ENTRIES_MAX ? count : 0;
}

bool record_decode_sample(const uint8_t *record, size_t len, char *path, struct jpeg_entry *entries,
                          struct index_sample *sample, uint64_t *tables)
{
    size_t end;
    if (!decode_head(record, len, path, sample, tables, &end))
        return false;
    if (sample->contents == INDEX_ENTRIES) {
        sample->map.entries.entry = entries;
        size_t taken = entries_decode(&sample->map, record + end, len - end);
        if (taken == 0)
            return false;
        end += taken;
    }
    return record_round_up(end) == len && is_zero(record + end, len - end);
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
