/*
 * Source: a sample is read whole or by the part that is chosen, and one that cannot be read says
 * why.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/source/source.h"
#include "tests/source_folder.h"

/* What a reserve is told, and what it does. */
struct reserving {
    uint8_t storage[256];
    unsigned calls;
    size_t bytes;
    enum stk_status status;
    const char *truncated; /* a file that becomes this short while it is read */
    off_t truncated_bytes;
    struct source_range range; /* what is chosen; empty: all */
    struct source_state file;  /* as choose was told */
};

static enum stk_status reserve(void *context, struct encoded *encoded, size_t bytes)
{
    struct reserving *reserving = context;
    reserving->calls++;
    reserving->bytes = bytes;
    if (reserving->status != STK_OK)
        return reserving->status;
    if (reserving->truncated != NULL) {
        int fd = openat(root_fd, reserving->truncated, O_WRONLY);
        ck_assert_int_eq(ftruncate(fd, reserving->truncated_bytes), 0);
        close(fd);
    }
    ck_assert_uint_le(bytes, sizeof reserving->storage);
    encoded->data = reserving->storage;
    encoded->capacity = sizeof reserving->storage;
    return STK_OK;
}

static struct source_range choose(void *context, const struct source_state *file)
{
    struct reserving *reserving = context;
    reserving->file = *file;
    if (reserving->range.len > 0)
        return reserving->range;
    return (struct source_range){0, (size_t)file->bytes};
}

static enum stk_status read_sample(const struct source *source, uint64_t index,
                                   struct reserving *reserving, struct encoded *encoded,
                                   char *reason)
{
    const struct source_reading reading = {reserve, choose, reserving};
    return source_read(source, index, &reading, encoded, reason);
}

/* Read sample 0, expecting a failure; returns the reason. */
static const char *unread(const struct source *source, struct reserving *reserving,
                          enum stk_status expected)
{
    struct encoded encoded = {.len = 99};
    error[0] = '\0';
    ck_assert_int_eq(read_sample(source, 0, reserving, &encoded, error), expected);
    ck_assert_uint_eq(encoded.len, 0);
    return error;
}

START_TEST(a_sample_is_read_whole)
{
    put("a/1.jpg", "first");
    put("a/2.jpg", "the second");
    put_link("../a/1.jpg", "b/3.jpg");
    static const char *const texts[] = {"first", "the second", "first"};
    struct source *source = open_root(2);
    for (uint64_t i = 0; i < 3; i++) {
        struct reserving reserving = {0};
        struct encoded encoded = {0};
        ck_assert_int_eq(read_sample(source, i, &reserving, &encoded, error), STK_OK);
        ck_assert_uint_eq(encoded.len, strlen(texts[i]));
        ck_assert_mem_eq(encoded.data, texts[i], encoded.len);
        ck_assert_uint_eq(reserving.calls, 1);
        ck_assert_uint_eq(reserving.bytes, encoded.len);
        ck_assert_str_eq(error, "");
    }
    source_close(&source);
}
END_TEST

START_TEST(the_part_of_a_sample_that_is_chosen_is_read)
{
    static const struct timespec times[2] = {{0, UTIME_OMIT}, {1234567890, 123456789}};
    put("a/1.jpg", "0123456789");
    ck_assert_int_eq(utimensat(root_fd, "a/1.jpg", times, 0), 0);
    struct source *source = open_root(1);
    static const struct source_range ranges[] = {{0, 1}, {3, 4}, {9, 1}, {0, 10}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        struct reserving reserving = {.range = ranges[i]};
        struct encoded encoded = {0};
        ck_assert_int_eq(read_sample(source, 0, &reserving, &encoded, error), STK_OK);
        ck_assert_uint_eq(encoded.from, ranges[i].from);
        ck_assert_uint_eq(encoded.len, ranges[i].len);
        ck_assert_mem_eq(encoded.data, &"0123456789"[ranges[i].from], ranges[i].len);
        ck_assert_uint_eq(reserving.bytes, ranges[i].len);
        ck_assert_uint_eq(reserving.file.bytes, 10);
        ck_assert_int_eq(reserving.file.mtime_ns, INT64_C(1234567890123456789));
        ck_assert_mem_eq(&encoded.file, &reserving.file, sizeof encoded.file);
    }
    source_close(&source);
}
END_TEST

START_TEST(a_part_that_is_gone_when_it_is_read_is_unreadable)
{
    put("a/1.jpg", "0123456789");
    struct source *source = open_root(1);
    struct reserving reserving = {.truncated = "a/1.jpg", .truncated_bytes = 6, .range = {4, 5}};
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE),
                     "changed since it was listed: 10 bytes then, 6 now");
    source_close(&source);
}
END_TEST

START_TEST(a_sample_that_changed_is_unreadable)
{
    put("a/1.jpg", "first");
    put("a/beside", "so that its folder is not empty");
    struct source *source = open_root(1);
    struct reserving reserving = {0};
    put("a/1.jpg", "longer now");
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE),
                     "changed since it was listed: 5 bytes then, 10 now");
    put("a/1.jpg", "");
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE), "empty file");
    ck_assert_int_eq(unlinkat(root_fd, "a/1.jpg", 0), 0);
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE),
                     "cannot open it: no such file or directory");
    ck_assert_int_eq(mkdirat(root_fd, "a/1.jpg", 0755), 0);
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE), "no regular file");
    ck_assert_uint_eq(reserving.calls, 0);
    source_close(&source);
}
END_TEST

static void move(const char *from, const char *to)
{
    ck_assert_int_eq(renameat(root_fd, from, root_fd, to), 0);
}

START_TEST(a_sample_whose_folder_is_gone_or_empty_may_come_back)
{
    put("a/b/1.jpg", "first");
    struct source *source = open_root(1);
    struct reserving reserving = {0};
    struct encoded encoded;
    move("a", "elsewhere");
    ASSERT_CONTAINS(unread(source, &reserving, STK_SYSTEM), "/a/b\" is gone or empty");
    put_folders("a/b/");
    ASSERT_CONTAINS(unread(source, &reserving, STK_SYSTEM), "/a/b\" is gone or empty");
    put("a/b/2.jpg", "another");
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE),
                     "cannot open it: no such file or directory");
    move("elsewhere/b/1.jpg", "a/b/1.jpg");
    ck_assert_int_eq(read_sample(source, 0, &reserving, &encoded, error), STK_OK);
    source_close(&source);
}
END_TEST

START_TEST(a_file_or_a_loop_in_a_folders_place_may_go_again)
{
    put("a/1.jpg", "first");
    struct source *source = open_root(1);
    struct reserving reserving = {0};
    struct encoded encoded;
    move("a", "elsewhere");
    put("a", "a file");
    ASSERT_CONTAINS(unread(source, &reserving, STK_SYSTEM), "/a\" is gone or empty");
    ck_assert_int_eq(unlinkat(root_fd, "a", 0), 0);
    put_link("a", "a");
    ASSERT_CONTAINS(unread(source, &reserving, STK_SYSTEM), "/a\" is gone or empty");
    ck_assert_int_eq(unlinkat(root_fd, "a", 0), 0);
    move("elsewhere", "a");
    ck_assert_int_eq(read_sample(source, 0, &reserving, &encoded, error), STK_OK);
    source_close(&source);
}
END_TEST

START_TEST(a_source_is_read_on_where_it_moves_and_found_where_it_comes_back)
{
    put("data/a/1.jpg", "first");
    char path[sizeof root + sizeof "/data"];
    snprintf(path, sizeof path, "%s/data", root);
    struct source *source;
    ck_assert_int_eq(source_open(&(struct source_place){path, "", "", 0, NULL}, 1, &source, error),
                     STK_OK);
    struct reserving reserving = {0};
    struct encoded encoded;
    move("data", "moved");
    ck_assert_int_eq(read_sample(source, 0, &reserving, &encoded, error), STK_OK);
    ck_assert_int_eq(unlinkat(root_fd, "moved/a/1.jpg", 0), 0);
    ck_assert_int_eq(unlinkat(root_fd, "moved/a", AT_REMOVEDIR), 0);
    ck_assert_int_eq(unlinkat(root_fd, "moved", AT_REMOVEDIR), 0);
    ASSERT_CONTAINS(unread(source, &reserving, STK_SYSTEM), "/data/a\" is gone or empty");
    put("data/a/1.jpg", "again");
    ck_assert_int_eq(read_sample(source, 0, &reserving, &encoded, error), STK_OK);
    ck_assert_mem_eq(encoded.data, "again", 5);
    source_close(&source);
}
END_TEST

START_TEST(an_empty_file_is_listed_and_unreadable)
{
    put("a/1.jpg", "");
    struct source *source = open_root(1);
    struct reserving reserving = {0};
    ck_assert_uint_eq(source_count(source), 1);
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE), "empty file");
    source_close(&source);
}
END_TEST

/* Nobody writes the FIFO: opening it without O_NONBLOCK would wait for ever. */
START_TEST(a_fifo_in_a_samples_place_does_not_hold_the_reader)
{
    put("a/1.jpg", "first");
    struct source *source = open_root(1);
    struct reserving reserving = {0};
    ck_assert_int_eq(unlinkat(root_fd, "a/1.jpg", 0), 0);
    ck_assert_int_eq(mkfifoat(root_fd, "a/1.jpg", 0644), 0);
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE), "no regular file");
    source_close(&source);
}
END_TEST

START_TEST(a_sample_that_shrinks_while_it_is_read_is_unreadable)
{
    put("a/1.jpg", "first");
    struct source *source = open_root(1);
    struct reserving reserving = {.truncated = "a/1.jpg", .truncated_bytes = 3};
    /* It is looked for once more, in its folder held open. */
    ck_assert_str_eq(unread(source, &reserving, STK_UNREADABLE),
                     "changed since it was listed: 5 bytes then, 3 now");
    source_close(&source);
}
END_TEST

START_TEST(what_reserve_returns_comes_back)
{
    put("a/1.jpg", "first");
    struct source *source = open_root(1);
    static const enum stk_status failures[] = {STK_LIMIT, STK_MEMORY, STK_CLOSED};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct reserving reserving = {.status = failures[i]};
        ASSERT_CONTAINS(unread(source, &reserving, failures[i]), "no room for its 5 bytes: ");
    }
    source_close(&source);
}
END_TEST

START_TEST(no_descriptors_left_to_read_is_the_systems_failure)
{
    put("a/1.jpg", "first");
    struct source *source = open_root(1);
    struct reserving reserving = {0};
    limit_descriptors(0);
    unread(source, &reserving, STK_SYSTEM);
    unlimit_descriptors();
    ck_assert_str_eq(error, "cannot open it: too many open files");
    source_close(&source);
}
END_TEST

static void *read_all(void *context)
{
    const struct source *source = context;
    for (uint64_t i = 0; i < source_count(source); i++) {
        struct reserving reserving = {0};
        struct encoded encoded = {0};
        char reason[SOURCE_ERROR_BYTES];
        if (read_sample(source, i, &reserving, &encoded, reason) != STK_OK ||
            encoded.len != strlen(source_name(source, i)) ||
            memcmp(encoded.data, source_name(source, i), encoded.len) != 0)
            return context;
    }
    return NULL;
}

START_TEST(threads_read_in_parallel)
{
    for (int i = 0; i < 64; i++) {
        char path[32];
        snprintf(path, sizeof path, "c%d/%d.jpg", i % 5, i);
        put(path, path);
    }
    struct source *source = open_root(4);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_all, source), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    source_close(&source);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("source_read");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, a_sample_is_read_whole);
    tcase_add_test(tests, the_part_of_a_sample_that_is_chosen_is_read);
    tcase_add_test(tests, a_part_that_is_gone_when_it_is_read_is_unreadable);
    tcase_add_test(tests, a_sample_that_changed_is_unreadable);
    tcase_add_test(tests, a_sample_whose_folder_is_gone_or_empty_may_come_back);
    tcase_add_test(tests, a_file_or_a_loop_in_a_folders_place_may_go_again);
    tcase_add_test(tests, a_source_is_read_on_where_it_moves_and_found_where_it_comes_back);
    tcase_add_test(tests, an_empty_file_is_listed_and_unreadable);
    tcase_add_test(tests, a_fifo_in_a_samples_place_does_not_hold_the_reader);
    tcase_add_test(tests, a_sample_that_shrinks_while_it_is_read_is_unreadable);
    tcase_add_test(tests, what_reserve_returns_comes_back);
    tcase_add_test(tests, no_descriptors_left_to_read_is_the_systems_failure);
    tcase_add_test(tests, threads_read_in_parallel);
    return suite_run("source_read", tests);
}
