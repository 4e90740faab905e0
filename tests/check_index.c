/*
 * Indexes: what was written is found, what is damaged is not, and a writer that is killed is gone
 * on with.
 */
#include "daemon/index/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/index/writer.h"
#include "tests/index_maps.h"
#include "tests/suite.h"

enum { SAMPLES = 40 };

static char folder[64], path[96], part[112];
static char error[INDEX_ERROR_BYTES];

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/check-index-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/index", folder);
    snprintf(part, sizeof part, "%s.part", path);
}

static void teardown(void)
{
    unlink(path);
    unlink(part);
    rmdir(folder);
}

static struct index_writer *begin(void)
{
    struct index_writer *writer;
    ck_assert_msg(index_writer_open(path, &writer, error) == STK_OK, "%s", error);
    return writer;
}

static void add(struct index_writer *writer, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) {
        char name[64];
        struct index_sample sample = maps_draw_sample(i, name);
        ck_assert_msg(index_writer_add(writer, &sample, error) == STK_OK, "%s", error);
        free(sample.map.entries.entry);
    }
}

static void make(uint64_t count)
{
    struct index_writer *writer = begin();
    add(writer, 0, count);
    ck_assert_msg(index_writer_finish(&writer, error) == STK_OK, "%s", error);
}

static struct index *open_made(void)
{
    struct index *index;
    ck_assert_msg(index_open(path, UINT64_MAX, &index, error) == STK_OK, "%s", error);
    return index;
}

/* Every found entry point is that of the sample, all of a row's or every so manieth. */
static void compare_entries(const struct jpeg_map *found, const struct jpeg_map *wanted)
{
    uint32_t thinning =
        (wanted->entries.columns + found->entries.columns - 1) / found->entries.columns;
    uint32_t rows = (wanted->height + 8 * wanted->v - 1) / (8 * wanted->v);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < found->entries.columns; i++) {
            const struct jpeg_entry *a = &found->entries.entry[row * found->entries.columns + i];
            const struct jpeg_entry *b =
                &wanted->entries.entry[row * wanted->entries.columns + i * thinning];
            ck_assert_uint_eq(a->bit, b->bit);
            ck_assert_mem_eq(a->dc, b->dc, sizeof a->dc);
        }
    }
}

static void compare(const struct index_sample *found, const struct index_sample *wanted)
{
    ck_assert_str_eq(found->path, wanted->path);
    ck_assert_uint_eq(found->bytes, wanted->bytes);
    ck_assert_int_eq(found->mtime_ns, wanted->mtime_ns);
    ck_assert_uint_eq(found->checksum, wanted->checksum);
    ck_assert_uint_eq(found->map.height, wanted->map.height);
    ck_assert_uint_eq(found->map.width, wanted->map.width);
    ck_assert_uint_eq(found->map.orientation, wanted->map.orientation);
    if (found->contents != INDEX_ENTRIES)
        return;
    ck_assert_uint_eq(found->map.component_count, wanted->map.component_count);
    ck_assert_uint_eq(found->map.h, wanted->map.h);
    ck_assert_uint_eq(found->map.v, wanted->map.v);
    ck_assert_uint_eq(found->map.restart_interval, wanted->map.restart_interval);
    ck_assert_uint_eq(found->map.scan_offset, wanted->map.scan_offset);
    ck_assert_uint_eq(found->map.scan_len, wanted->map.scan_len);
    ck_assert_mem_eq(&found->map.tables, &wanted->map.tables, sizeof found->map.tables);
    compare_entries(&found->map, &wanted->map);
}

START_TEST(what_was_written_is_found)
{
    struct index_buffer buffer = {0};
    uint64_t with_entries = 0;
    make(SAMPLES);
    struct index *index = open_made();
    ck_assert_uint_eq(index_count(index), SAMPLES);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        char name[64];
        struct index_sample found, sample = maps_draw_sample(i, name);
        ck_assert_int_eq(index_find(index, name, sample.bytes, sample.mtime_ns, &buffer, &found),
                         INDEX_FOUND);
        compare(&found, &sample);
        with_entries += found.contents == INDEX_ENTRIES;
        free(sample.map.entries.entry);
    }
    ck_assert_uint_gt(with_entries, SAMPLES / 2);
    ck_assert_uint_eq(index_count_with_entries(index), with_entries);
    index_buffer_release(&buffer);
    index_close(&index);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("index");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_was_written_is_found);
    return suite_run("index", tests);
}
