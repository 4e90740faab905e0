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

/* The writer's own calls come here: the linker resolves them to the program. */
static uint64_t writes;     /* so far */
static uint64_t writes_max; /* the process ends in the middle of the next; 0: none is last */
static uint64_t bytes_free = UINT64_MAX; /* on the disk */

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    bool last = writes_max > 0 && ++writes > writes_max;
    size_t part_len = last ? len / 2 : len;
    if (part_len > bytes_free)
        part_len = bytes_free;
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, part_len, offset);
    if (last)
        _exit(EXIT_SUCCESS);
    bytes_free -= bytes_free != UINT64_MAX ? part_len : 0;
    if (len > 0 && part_len == 0) {
        errno = ENOSPC;
        return -1;
    }
    return done;
}

/* Thousands of indexes are finished here. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

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

/* What is found of sample i in an index, a writer or both; what is found must be right. */
static enum index_found look(const struct index *index, struct index_writer *writer, uint64_t i)
{
    struct index_buffer buffer = {0};
    char name[64];
    struct index_sample found, sample = maps_draw_sample(i, name);
    enum index_found result =
        index != NULL
            ? index_find(index, name, sample.bytes, sample.mtime_ns, &buffer, &found)
            : index_writer_find(writer, name, sample.bytes, sample.mtime_ns, &buffer, &found);
    if (result == INDEX_FOUND)
        compare(&found, &sample);
    free(sample.map.entries.entry);
    index_buffer_release(&buffer);
    return result;
}

static uint64_t count_found(const struct index *index, struct index_writer *writer, uint64_t end)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < end; i++)
        count += look(index, writer, i) == INDEX_FOUND;
    return count;
}

/* Without the index's name a part of it is as good. */
static void read_file(const char *name, uint8_t **bytes, size_t *len)
{
    struct stat file;
    int fd = open(name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &file), 0);
    *len = (size_t)file.st_size;
    *bytes = malloc(*len);
    ck_assert_int_eq(read(fd, *bytes, *len), file.st_size);
    close(fd);
}

static void write_file(const char *name, const uint8_t *bytes, size_t len)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

START_TEST(a_file_that_changed_is_stale_and_another_path_missing)
{
    struct index_buffer buffer = {0};
    char name[64];
    struct index_sample found, sample = maps_draw_sample(3, name);
    make(SAMPLES);
    struct index *index = open_made();
    ck_assert_int_eq(index_find(index, name, sample.bytes + 1, sample.mtime_ns, &buffer, &found),
                     INDEX_STALE);
    ck_assert_int_eq(index_find(index, name, sample.bytes, sample.mtime_ns - 1, &buffer, &found),
                     INDEX_STALE);
    ck_assert_uint_eq(found.checksum, sample.checksum);
    ck_assert_int_eq(index_find(index, "no/such.jpg", 1, 1, &buffer, &found), INDEX_MISSING);
    free(sample.map.entries.entry);
    index_buffer_release(&buffer);
    index_close(&index);
}
END_TEST

START_TEST(samples_without_entry_points_are_kept_with_the_reason)
{
    struct index_buffer buffer = {0};
    struct index_writer *writer = begin();
    const char *names[INDEX_CONTENTS_COUNT] = {NULL, "a/foreign.jpg", "a/cramped", "\xff\n\x1b"};
    for (int i = INDEX_FOREIGN; i < INDEX_CONTENTS_COUNT; i++) {
        struct index_sample sample = {.path = names[i], .bytes = 9, .contents = i};
        sample.map.height = 7;
        ck_assert_int_eq(index_writer_add(writer, &sample, error), STK_OK);
    }
    ck_assert_int_eq(index_writer_finish(&writer, error), STK_OK);
    struct index *index = open_made();
    for (int i = INDEX_FOREIGN; i < INDEX_CONTENTS_COUNT; i++) {
        struct index_sample found;
        ck_assert_int_eq(index_find(index, names[i], 9, 0, &buffer, &found), INDEX_FOUND);
        ck_assert_int_eq(found.contents, i);
        ck_assert_uint_eq(found.map.height, 7);
        ck_assert_uint_eq(found.map.entries.columns, 0);
    }
    ck_assert_uint_eq(index_count_with_entries(index), 0);
    index_buffer_release(&buffer);
    index_close(&index);
}
END_TEST

START_TEST(records_take_their_share_of_the_files_at_most)
{
    struct index_writer *writer = begin();
    uint64_t first = index_writer_counts(writer).bytes, share = 0;
    for (uint64_t i = 0; i < 400; i++) {
        char name[64];
        struct index_sample sample = maps_draw_sample(i, name);
        maps_draw_tables(i, sample.map.component_count, &sample.map.tables);
        uint64_t before = index_writer_counts(writer).bytes;
        ck_assert_int_eq(index_writer_add(writer, &sample, error), STK_OK);
        /* A record alone is 88 bytes and the path, tables have at most 2,048. */
        uint64_t least = (88 + strlen(name) + 7) / 8 * 8 + 16;
        uint64_t most = sample.bytes / 40;
        uint64_t taken = index_writer_counts(writer).bytes - before + 16;
        ck_assert_uint_le(taken, (most > least ? most : least) + 2048);
        share += most > least ? most : least;
        ck_assert_uint_le(index_writer_counts(writer).bytes - first + 16 * (i + 1), share);
        free(sample.map.entries.entry);
    }
    ck_assert_uint_gt(index_writer_counts(writer).with_entries, 300);
    index_writer_close(&writer);
}
END_TEST

START_TEST(small_files_of_the_same_tables_pay_for_them_together)
{
    struct index_writer *writer = begin();
    for (uint64_t i = 0; i < 40; i++) {
        char name[64];
        struct index_sample sample = maps_draw_sample(7, name);
        snprintf(name, sizeof name, "%d", (int)i);
        sample.bytes = 12000;
        sample.map.scan_len = 11000;
        sample.map.scan_offset = 100;
        ck_assert_int_eq(index_writer_add(writer, &sample, error), STK_OK);
        free(sample.map.entries.entry);
    }
    uint64_t with_entries = index_writer_counts(writer).with_entries;
    ck_assert_uint_gt(with_entries, 30);
    ck_assert_uint_lt(with_entries, 40);
    index_writer_close(&writer);
}
END_TEST

START_TEST(whatever_byte_is_changed_nothing_wrong_is_found)
{
    uint8_t *bytes;
    size_t len;
    make(3);
    read_file(path, &bytes, &len);
    uint64_t found = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t was = bytes[i];
        struct index *index;
        bytes[i] ^= (uint8_t)(1 << i % 8);
        write_file(path, bytes, len);
        bytes[i] = was;
        enum stk_status status = index_open(path, UINT64_MAX, &index, error);
        ck_assert(status == STK_OK || status == STK_CORRUPT || status == STK_VERSION);
        if (status != STK_OK)
            continue;
        uint64_t count = count_found(index, NULL, 3);
        ck_assert_uint_lt(count, 3);
        found += count;
        index_close(&index);
    }
    ck_assert_uint_gt(found, len);
    free(bytes);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_no_index)
{
    uint8_t *bytes;
    size_t len;
    make(3);
    read_file(path, &bytes, &len);
    for (size_t i = 0; i < len; i++) {
        struct index *index;
        write_file(path, bytes, i);
        ck_assert_int_eq(index_open(path, UINT64_MAX, &index, error), STK_CORRUPT);
        ck_assert_ptr_null(index);
    }
    free(bytes);
}
END_TEST

START_TEST(a_part_cut_anywhere_is_gone_on_with)
{
    uint8_t *bytes;
    size_t len;
    uint64_t kept = 0;
    make(3);
    read_file(path, &bytes, &len);
    for (size_t i = 0; i <= len; i += 3) {
        write_file(part, bytes, i);
        struct index_writer *writer = begin();
        uint64_t count = index_writer_counts(writer).samples;
        ck_assert_uint_ge(count, kept);
        ck_assert_uint_eq(count_found(NULL, writer, 3), count);
        kept = count;
        add(writer, count, 3);
        ck_assert_int_eq(index_writer_finish(&writer, error), STK_OK);
        struct index *index = open_made();
        ck_assert_uint_eq(count_found(index, NULL, 3), 3);
        index_close(&index);
    }
    ck_assert_uint_eq(kept, 3);
    free(bytes);
}
END_TEST

START_TEST(a_writer_killed_in_any_write_is_gone_on_with)
{
    uint64_t kept = 0;
    for (uint64_t i = 1;; i++) {
        unlink(path);
        unlink(part);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            writes = 0;
            writes_max = i;
            make(12);
            _exit(EXIT_FAILURE); /* there is no such write */
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WEXITSTATUS(status) != EXIT_SUCCESS)
            break;
        ck_assert_int_ne(access(path, F_OK), 0);
        struct index_writer *writer = begin();
        uint64_t count = index_writer_counts(writer).samples;
        ck_assert_uint_ge(count, kept);
        ck_assert_uint_eq(count_found(NULL, writer, 12), count);
        kept = count;
        index_writer_close(&writer);
        make(12);
        struct index *index = open_made();
        ck_assert_uint_eq(count_found(index, NULL, 12), 12);
        ck_assert_uint_eq(index_count(index), 12);
        index_close(&index);
    }
    ck_assert_uint_eq(kept, 12);
}
END_TEST

START_TEST(a_full_disk_fails_the_record_and_keeps_those_before)
{
    for (uint64_t room = 0; room < 20000; room += 97) {
        unlink(part);
        unlink(path);
        struct index_writer *writer;
        bytes_free = room;
        enum stk_status status = index_writer_open(path, &writer, error);
        uint64_t i = 0;
        while (status == STK_OK && i < 12) {
            char name[64];
            struct index_sample sample = maps_draw_sample(i, name);
            status = index_writer_add(writer, &sample, error);
            i += status == STK_OK;
            free(sample.map.entries.entry);
        }
        if (status == STK_OK)
            status = index_writer_finish(&writer, error);
        bytes_free = UINT64_MAX;
        if (status == STK_OK)
            break;
        ck_assert_int_eq(status, STK_SYSTEM);
        ck_assert_ptr_nonnull(strstr(error, "no space left on device"));
        if (writer == NULL) /* it had not begun, or not been able to finish */
            writer = begin();
        ck_assert_uint_eq(count_found(NULL, writer, 12), i);
        add(writer, i, 12);
        ck_assert_int_eq(index_writer_finish(&writer, error), STK_OK);
        struct index *index = open_made();
        ck_assert_uint_eq(count_found(index, NULL, 12), 12);
        index_close(&index);
    }
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_damaged_block_of_the_directory_costs_its_own_records_alone)
{
    enum { MANY = 9000, BLOCK = 4096 * 16 + 8 };
    struct index_writer *writer = begin();
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", i);
        struct index_sample sample = {.path = name, .bytes = 1, .contents = INDEX_CORRUPT};
        ck_assert_int_eq(index_writer_add(writer, &sample, error), STK_OK);
    }
    uint64_t directory = index_writer_counts(writer).bytes;
    ck_assert_int_eq(index_writer_finish(&writer, error), STK_OK);
    for (uint64_t block = 0; block < 3; block++) {
        struct index_buffer buffer = {0};
        uint8_t byte;
        uint64_t found = 0, wanted = block == 2 ? 2 * 4096 : MANY - 4096;
        off_t at = (off_t)(directory + block * BLOCK + 777);
        int fd = open(path, O_RDWR);
        ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
        byte ^= 4;
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
        struct index *index = open_made();
        byte ^= 4;
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        for (int i = 0; i < MANY; i++) {
            char name[32];
            struct index_sample sample;
            snprintf(name, sizeof name, "%d", i);
            found += index_find(index, name, 1, 0, &buffer, &sample) == INDEX_FOUND;
        }
        ck_assert_uint_eq(found, wanted);
        index_buffer_release(&buffer);
        index_close(&index);
    }
}
END_TEST

START_TEST(one_writer_at_a_time)
{
    struct index_writer *writer = begin(), *other;
    ck_assert_int_eq(index_writer_open(path, &other, error), STK_IN_USE);
    ck_assert_ptr_null(other);
    ck_assert_ptr_nonnull(strstr(error, "another process"));
    add(writer, 0, 2);
    ck_assert_int_eq(index_writer_finish(&writer, error), STK_OK);
    writer = begin(); /* of a part of its own, not of the finished index */
    ck_assert_uint_eq(index_writer_counts(writer).samples, 0);
    index_writer_close(&writer);
}
END_TEST

START_TEST(a_later_record_takes_the_place_of_an_earlier_one)
{
    struct index_buffer buffer = {0};
    struct index_sample sample = {.path = "a", .contents = INDEX_CORRUPT}, found;
    struct index_writer *writer = begin();
    add(writer, 0, 3);
    for (sample.bytes = 1; sample.bytes < 5; sample.bytes++)
        ck_assert_int_eq(index_writer_add(writer, &sample, error), STK_OK);
    ck_assert_uint_eq(index_writer_counts(writer).samples, 4);
    ck_assert_int_eq(index_writer_find(writer, "a", 4, 0, &buffer, &found), INDEX_FOUND);
    index_writer_close(&writer);
    writer = begin();
    ck_assert_uint_eq(index_writer_counts(writer).samples, 4);
    ck_assert_int_eq(index_writer_finish(&writer, error), STK_OK);
    struct index *index = open_made();
    ck_assert_uint_eq(index_count(index), 4);
    ck_assert_int_eq(index_find(index, "a", 3, 0, &buffer, &found), INDEX_STALE);
    ck_assert_int_eq(index_find(index, "a", 4, 0, &buffer, &found), INDEX_FOUND);
    index_buffer_release(&buffer);
    index_close(&index);
}
END_TEST

START_TEST(all_of_another_index_is_added_but_what_is_there)
{
    struct index_buffer buffer = {0};
    char name[64];
    make(SAMPLES);
    struct index *index = open_made();
    struct index_writer *writer = begin();
    struct index_sample newer = maps_draw_sample(5, name), found;
    newer.mtime_ns += 1;
    ck_assert_int_eq(index_writer_add(writer, &newer, error), STK_OK);
    atomic_bool stop = true;
    ck_assert_int_eq(index_writer_add_all(writer, index, &stop, error), STK_CLOSED);
    ck_assert_uint_lt(index_writer_counts(writer).samples, 3);
    stop = false;
    ck_assert_int_eq(index_writer_add_all(writer, index, &stop, error), STK_OK);
    ck_assert_uint_eq(index_writer_counts(writer).samples, SAMPLES);
    ck_assert_uint_eq(count_found(NULL, writer, SAMPLES), SAMPLES - 1);
    ck_assert_int_eq(index_writer_find(writer, name, newer.bytes, newer.mtime_ns, &buffer, &found),
                     INDEX_FOUND);
    free(newer.map.entries.entry);
    index_buffer_release(&buffer);
    index_writer_close(&writer);
    index_close(&index);
}
END_TEST

START_TEST(what_is_no_index_is_refused_with_a_sentence)
{
    struct index *index;
    struct index_writer *writer;
    ck_assert_int_eq(index_open(path, UINT64_MAX, &index, error), STK_END);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(index_open(path, UINT64_MAX, &index, error), STK_UNREADABLE);
    ck_assert_int_eq(mkfifo(part, 0600), 0);
    ck_assert_int_eq(index_writer_open(path, &writer, error), STK_UNREADABLE);
    unlink(part);
    ck_assert_int_eq(symlink("/dev/null", part), 0);
    ck_assert_int_eq(index_writer_open(path, &writer, error), STK_UNREADABLE);
    ck_assert_ptr_null(writer);
    unlink(path);
    unlink(part);
    make(3);
    ck_assert_int_eq(index_open(path, 64, &index, error), STK_LIMIT);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("index");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_was_written_is_found);
    tcase_add_test(tests, a_file_that_changed_is_stale_and_another_path_missing);
    tcase_add_test(tests, samples_without_entry_points_are_kept_with_the_reason);
    tcase_add_test(tests, records_take_their_share_of_the_files_at_most);
    tcase_add_test(tests, small_files_of_the_same_tables_pay_for_them_together);
    tcase_add_test(tests, whatever_byte_is_changed_nothing_wrong_is_found);
    tcase_add_test(tests, a_file_cut_anywhere_is_no_index);
    tcase_add_test(tests, a_part_cut_anywhere_is_gone_on_with);
    tcase_add_test(tests, a_writer_killed_in_any_write_is_gone_on_with);
    tcase_add_test(tests, a_full_disk_fails_the_record_and_keeps_those_before);
    tcase_add_test(tests, a_damaged_block_of_the_directory_costs_its_own_records_alone);
    tcase_add_test(tests, one_writer_at_a_time);
    tcase_add_test(tests, a_later_record_takes_the_place_of_an_earlier_one);
    tcase_add_test(tests, all_of_another_index_is_added_but_what_is_there);
    tcase_add_test(tests, what_is_no_index_is_refused_with_a_sentence);
    return suite_run("index", tests);
}
