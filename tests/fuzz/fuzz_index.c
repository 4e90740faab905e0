/*
 * libFuzzer target: a stranger's index, as a file or as one record.
 *
 * Checksums are made right first, so that what stands behind them is reached.  Whatever is found is
 * sound, and what a record says comes back when it is written again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xxhash.h>

#include "daemon/index/layout.h"
#include "daemon/index/little_endian.h"
#include "daemon/index/record.h"
#include "daemon/index/record_entries.h"
#include "daemon/index/writer.h"
#include "tests/index_sound.h"

enum { INPUT_BYTES_MAX = 1 << 16 };

static void try_sample(const uint8_t *record, size_t len)
{
    static struct jpeg_entry entries[ENTRIES_MAX];
    static uint8_t again[RECORD_BYTES_MAX];
    char path[INDEX_PATH_BYTES_MAX + 1];
    struct index_sample sample;
    uint64_t tables;
    if (!record_decode_sample(record, len, path, entries, &sample, &tables))
        return;
    sound_sample(&sample);
    /* A record may have wider fields than it needs. */
    size_t again_len = record_encode_sample(&sample, 1, tables, again);
    CHECK(again_len >= RECORD_SAMPLE_BYTES && again_len <= len);
    CHECK(record_decode_sample(again, again_len, path, entries, &sample, &tables));
}

static void try_tables(const uint8_t *record, size_t len)
{
    struct jpeg_map_tables tables, found;
    uint8_t again[RECORD_TABLES_BYTES_MAX];
    uint64_t key;
    if (!record_decode_tables(record, len, &tables, &key))
        return;
    sound_tables(&tables);
    len = record_encode_tables(&tables, again, &key);
    CHECK(record_decode_tables(again, len, &found, &key));
    CHECK(memcmp(&tables, &found, sizeof found) == 0);
}

/* Let every record have a right checksum, up to the first that is none; where they end. */
static size_t seal_records(uint8_t *bytes, size_t len)
{
    size_t at = LAYOUT_HEAD_BYTES, record_len;
    enum record_kind kind;
    while (at < len && record_head(bytes + at, len - at, &record_len, &kind)) {
        record_seal(bytes + at, record_len, kind);
        if (kind == RECORD_SAMPLE)
            try_sample(bytes + at, record_len);
        else
            try_tables(bytes + at, record_len);
        at += record_len;
    }
    return at;
}

/* Let what stands at the end be a trailer, and the blocks before it have right checksums. */
static void seal_directory(uint8_t *bytes, size_t len, size_t end)
{
    struct trailer trailer = {.directory = end};
    if (len < end + LAYOUT_TRAILER_BYTES + 24)
        return;
    trailer.records = (len - end - LAYOUT_TRAILER_BYTES - 8) / LAYOUT_PLACE_BYTES;
    trailer.records = trailer.records < LAYOUT_BLOCK_PLACES ? trailer.records : LAYOUT_BLOCK_PLACES;
    trailer.samples = trailer.records;
    size_t block = (size_t)trailer.records * LAYOUT_PLACE_BYTES;
    little_endian_put(bytes + end + block, 8, XXH3_64bits(bytes + end, block));
    layout_encode_trailer(&trailer, bytes + len - LAYOUT_TRAILER_BYTES);
}

static void write_all(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

static void try_index(const char *path)
{
    struct index_buffer buffer = {0};
    struct index_sample sample, same;
    struct index *index;
    char error[INDEX_ERROR_BYTES];
    if (index_open(path, 1 << 24, &index, error) != STK_OK)
        return;
    for (uint64_t i = 0; i < index_record_count(index); i++) {
        if (index_get(index, i, &buffer, &sample) != INDEX_FOUND)
            continue;
        sound_sample(&sample);
        char *name = strdup(sample.path);
        CHECK(index_find(index, name, sample.bytes, sample.mtime_ns, &buffer, &same) !=
              INDEX_FAULT);
        free(name);
    }
    index_buffer_release(&buffer);
    index_close(&index);
}

static void try_part(const char *path)
{
    struct index_writer *writer;
    char error[INDEX_ERROR_BYTES];
    CHECK(index_writer_open(path, &writer, error) == STK_OK);
    CHECK(index_writer_finish(&writer, error) == STK_OK);
    try_index(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static uint8_t copy[LAYOUT_HEAD_BYTES + INPUT_BYTES_MAX];
    static char path[64], part[72];
    if (path[0] == '\0') {
        snprintf(path, sizeof path, "/dev/shm/fuzz-index-%d", (int)getpid());
        snprintf(part, sizeof part, "%s.part", path);
    }
    if (len > INPUT_BYTES_MAX)
        return 0;
    layout_encode_head(copy);
    memcpy(copy + LAYOUT_HEAD_BYTES, bytes, len);
    len += LAYOUT_HEAD_BYTES;
    size_t end = seal_records(copy, len);
    write_all(part, copy, len);
    seal_directory(copy, len, end);
    write_all(path, copy, len);
    try_index(path);
    try_part(path);
    unlink(path);
    return 0;
}
