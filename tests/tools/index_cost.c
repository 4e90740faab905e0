/*
 * index_cost: what an index of many samples costs.
 *
 *     index_cost SAMPLES FILE
 *
 * writes FILE, an index of samples that no file is behind, each with a hundred entry points, and
 * prints a line each for writing it, opening it, and looking samples up in a random order.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/index/index.h"
#include "daemon/index/writer.h"

enum { ROWS = 20, COLUMNS = 5, LOOKUPS = 100000 };

static struct jpeg_entry entries[ROWS * COLUMNS];

static struct index_sample sample_of(uint64_t number, char path[64])
{
    struct index_sample sample = {.path = path, .bytes = 110000, .mtime_ns = (int64_t)number};
    struct jpeg_map *map = &sample.map;
    snprintf(path, 64, "n%08" PRIu64 "/n%08" PRIu64 "_%06" PRIu64 ".JPEG", number / 1300,
             number / 1300, number);
    map->height = 8 * ROWS;
    map->width = 8 * COLUMNS;
    map->component_count = 3;
    map->h = map->v = 1;
    map->scan_offset = 600;
    map->scan_len = 109000;
    map->tables.dc[0].counts[1] = 1;
    map->entries = (struct jpeg_entries){.entry = entries, .columns = COLUMNS, .step = 1};
    return sample;
}

static double seconds_since(uint64_t start_ns)
{
    return (double)(clock_now_ns() - start_ns) / 1e9;
}

static void write_index(const char *file, uint64_t samples)
{
    char error[INDEX_ERROR_BYTES], path[64];
    struct index_writer *writer;
    uint64_t start_ns = clock_now_ns();
    CHECK(index_writer_open(file, &writer, error) == STK_OK);
    for (uint64_t i = 0; i < samples; i++) {
        struct index_sample sample = sample_of(i, path);
        CHECK(index_writer_add(writer, &sample, error) == STK_OK);
    }
    uint64_t bytes = index_writer_counts(writer).bytes;
    CHECK(index_writer_finish(&writer, error) == STK_OK);
    printf("wrote %" PRIu64 " samples, %.1f bytes each, in %.1f s\n", samples,
           (double)bytes / (double)samples, seconds_since(start_ns));
}

static void look_up(const struct index *index, uint64_t samples)
{
    struct index_buffer buffer = {0};
    uint64_t number = 1, start_ns = clock_now_ns();
    for (int i = 0; i < LOOKUPS; i++) {
        char path[64];
        struct index_sample found, sample;
        number = number * 6364136223846793005u + 1442695040888963407u;
        sample = sample_of((number >> 20) % samples, path);
        CHECK(index_find(index, path, sample.bytes, sample.mtime_ns, &buffer, &found) ==
              INDEX_FOUND);
    }
    printf("looked %d up, %.2f us each\n", LOOKUPS, seconds_since(start_ns) / LOOKUPS * 1e6);
    index_buffer_release(&buffer);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: index_cost SAMPLES FILE\n");
        return 2;
    }
    char error[INDEX_ERROR_BYTES];
    uint64_t samples = strtoull(argv[1], NULL, 10);
    for (uint32_t i = 1; i < ROWS * COLUMNS; i++)
        entries[i] = (struct jpeg_entry){.bit = i * 8000 + i % 7, .dc = {(int16_t)(i * 9), 3, -2}};
    CHECK(samples > 0);
    write_index(argv[2], samples);
    struct index *index;
    uint64_t start_ns = clock_now_ns();
    CHECK(index_open(argv[2], UINT64_MAX, &index, error) == STK_OK);
    printf("opened in %.1f ms, %.1f bytes of memory a sample\n", seconds_since(start_ns) * 1e3,
           (double)index_bytes(index) / (double)samples);
    look_up(index, samples);
    index_close(&index);
    return EXIT_SUCCESS;
}
