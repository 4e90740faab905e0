/*
 * Health: what is bad is counted once, listed in order, bounded; too much of it stops a stream.
 */
#include "daemon/health.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/suite.h"

enum { SAMPLES = HEALTH_ROWS_MAX + 100 };

static const struct stk_address place = {3, 17};
static char root[64];
static struct source *source;
static struct health *health;

static void visit_files(void (*visit)(const char *path))
{
    for (int i = 0; i < SAMPLES; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/class/%05d.jpg", root, i);
        visit(path);
    }
}

static void make_file(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
}

static void remove_file(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
}

static void setup(void)
{
    char path[128], error[SOURCE_ERROR_BYTES];
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(root, sizeof root, "/tmp/check-health-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(path, sizeof path, "%s/class", root);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    visit_files(make_file);
    const struct source_place where = {root, "", "", 0, NULL};
    ck_assert_int_eq(source_open(&where, 2, &source, error), STK_OK);
}

static void teardown(void)
{
    char path[128];
    source_close(&source);
    visit_files(remove_file);
    snprintf(path, sizeof path, "%s/class", root);
    rmdir(path);
    rmdir(root);
}

static void health_begin(uint64_t pool, double corrupt_max)
{
    const struct health_options options = {"train", source, pool, corrupt_max};
    ck_assert_int_eq(health_open(&options, &health), STK_OK);
}

static void find_bad(uint64_t index, const char *reason)
{
    const uint64_t stand_in = 7;
    health_bad(health, index, place, &stand_in, STK_CORRUPT, reason);
}

START_TEST(a_sample_is_counted_once_and_its_slots_each_time)
{
    health_begin(SAMPLES, 0);
    struct health_row rows[4];
    ck_assert_uint_eq(health_list(health, 0, rows, 4), 0);
    find_bad(300, "premature end");
    find_bad(5, "no JPEG");
    find_bad(300, "another crop's reason");
    ck_assert_uint_eq(health_bad_count(health), 2);
    ck_assert_uint_eq(health_list(health, 0, rows, 4), 2);
    ck_assert_uint_eq(rows[0].index, 300);
    ck_assert_uint_eq(rows[0].slots, 2);
    ck_assert_uint_eq(rows[0].address.epoch, 3);
    ck_assert_uint_eq(rows[0].address.step, 17);
    ck_assert_str_eq(rows[0].reason, "corrupt: premature end");
    ck_assert_uint_eq(rows[1].index, 5);
    ck_assert_uint_eq(rows[1].slots, 1);
    health_close(&health);
}
END_TEST

START_TEST(the_list_is_bounded_and_the_count_is_not)
{
    static struct health_row rows[100];
    health_begin(SAMPLES, 0);
    for (int again = 0; again < 2; again++) {
        for (uint64_t i = 0; i < SAMPLES; i++)
            find_bad(SAMPLES - 1 - i, "");
    }
    ck_assert_uint_eq(health_bad_count(health), SAMPLES);
    uint32_t listed = 0;
    for (uint32_t count; (count = health_list(health, listed, rows, 100)) > 0; listed += count) {
        for (uint32_t i = 0; i < count; i++) {
            ck_assert_uint_eq(rows[i].index, SAMPLES - 1 - listed - i);
            ck_assert_uint_eq(rows[i].slots, 2);
        }
    }
    ck_assert_uint_eq(listed, HEALTH_ROWS_MAX);
    ck_assert_uint_eq(health_list(health, UINT32_MAX, rows, 100), 0);
    health_close(&health);
}
END_TEST

START_TEST(a_stream_stops_beyond_its_share_of_the_pool_and_not_at_it)
{
    char sentence[HEALTH_SENTENCE_BYTES] = "";
    health_begin(10, 0.5);
    for (uint64_t i = 0; i < 5; i++) {
        find_bad(i, "");
        find_bad(i, "");
    }
    ck_assert(!health_is_stopped(health, sentence));
    ck_assert_str_eq(sentence, "");
    find_bad(9, "");
    ck_assert(health_is_stopped(health, sentence));
    ck_assert_ptr_nonnull(strstr(sentence, "6 of its 10 samples"));
    ck_assert_ptr_nonnull(strstr(sentence, "corrupt_max is 0.5"));
    health_close(&health);
}
END_TEST

START_TEST(a_share_counts_whole_samples_whatever_binary_fractions_say)
{
    char sentence[HEALTH_SENTENCE_BYTES];
    health_begin(100, 0.29);
    for (uint64_t i = 0; i < 29; i++)
        find_bad(i, "");
    ck_assert(!health_is_stopped(health, sentence));
    find_bad(29, "");
    ck_assert(health_is_stopped(health, sentence));
    health_close(&health);
}
END_TEST

START_TEST(a_share_of_0_stops_nothing_and_of_1_neither)
{
    char sentence[HEALTH_SENTENCE_BYTES];
    for (int share = 0; share < 2; share++) {
        health_begin(SAMPLES, share);
        for (uint64_t i = 0; i < SAMPLES; i++)
            find_bad(i, "");
        ck_assert(!health_is_stopped(health, sentence));
        health_close(&health);
    }
}
END_TEST

START_TEST(memory_is_planned_for_the_samples_that_there_are)
{
    ck_assert_uint_lt(health_bytes(10), 32 << 10);
    ck_assert_uint_lt(health_bytes(UINT64_C(1) << 30), (128 << 20) + (1 << 20));
    ck_assert_uint_gt(health_bytes(UINT64_C(1) << 30), 128 << 20);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("health");
    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_sample_is_counted_once_and_its_slots_each_time);
    tcase_add_test(tests, the_list_is_bounded_and_the_count_is_not);
    tcase_add_test(tests, a_stream_stops_beyond_its_share_of_the_pool_and_not_at_it);
    tcase_add_test(tests, a_share_counts_whole_samples_whatever_binary_fractions_say);
    tcase_add_test(tests, a_share_of_0_stops_nothing_and_of_1_neither);
    tcase_add_test(tests, memory_is_planned_for_the_samples_that_there_are);
    return suite_run("health", tests);
}
