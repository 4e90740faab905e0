/*
 * The atlas: maps are found, shared, noted and finished; what cannot be used costs nothing else.
 */
#include "daemon/atlas.h"

#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/index/home.h"
#include "daemon/index/writer.h"
#include "tests/suite.h"

#define WAIT_NS UINT64_C(60000000000)

enum { SAMPLES = 5 };

static char root[64]; /* of the data */
static char state[64];
static struct atlas *atlas;
static struct index_buffer buffer;

static int remove_entry(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)file;
    (void)type;
    (void)walk;
    return remove(path);
}

static void setup(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(root, sizeof root, "/tmp/check-atlas-root-XXXXXX");
    snprintf(state, sizeof state, "/tmp/check-atlas-state-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_ptr_nonnull(mkdtemp(state));
    setenv("STATE_DIRECTORY", state, 1);
    ck_assert_int_eq(atlas_open(&atlas), STK_OK);
}

static void teardown(void)
{
    atlas_close(&atlas);
    index_buffer_release(&buffer);
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    nftw(state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static struct maps *take(const char *word)
{
    const struct maps_wish wish = {.index = word, .root = root, .samples = SAMPLES};
    struct maps *maps;
    ck_assert_int_eq(atlas_take(atlas, &wish, &maps), STK_OK);
    return maps;
}

static void let_go(struct maps **maps)
{
    maps_unref(maps, SAMPLES);
    ck_assert_ptr_null(*maps);
}

static const char *name_of(int i)
{
    static char name[24];
    snprintf(name, sizeof name, "a/%d.jpg", i);
    return name;
}

/* A file that nobody can enter: what a record says does not matter here. */
static struct index_sample sample_of(int i)
{
    return (struct index_sample){.path = name_of(i),
                                 .bytes = 1000,
                                 .mtime_ns = 7,
                                 .checksum = 1,
                                 .contents = INDEX_FOREIGN,
                                 .map = {.height = 3, .width = 4}};
}

static enum maps_found find_of(struct maps *maps, int i, int64_t mtime_ns)
{
    const struct source_state file = {1000, mtime_ns};
    struct index_sample sample;
    return maps_find(maps, name_of(i), &file, &buffer, &sample);
}

/* An index of the first so many samples. */
static void write_index(const char *path, int count)
{
    struct index_writer *writer;
    char error[INDEX_ERROR_BYTES];
    ck_assert_int_eq(index_writer_open(path, &writer, error), STK_OK);
    for (int i = 0; i < count; i++) {
        const struct index_sample sample = sample_of(i);
        ck_assert_int_eq(index_writer_add(writer, &sample, error), STK_OK);
    }
    ck_assert_int_eq(index_writer_finish(&writer, error), STK_OK);
}

static void write_beside(int count)
{
    char path[PATH_MAX];
    ck_assert_int_eq(index_home_beside(root, path), STK_OK);
    write_index(path, count);
}

static const char *state_path(void)
{
    static char path[PATH_MAX];
    ck_assert_int_eq(index_home_state(root, path), STK_OK);
    return path;
}

static void wait_noting(const struct maps *maps, bool wanted)
{
    uint64_t start_ns = clock_now_ns();
    while (maps_wants(maps) != wanted) {
        ck_assert_uint_lt(clock_now_ns() - start_ns, WAIT_NS);
        sched_yield();
    }
}

/* Missing a sample begins it. */
static struct maps *take_noting(void)
{
    struct maps *maps = take("auto");
    ck_assert_int_eq(find_of(maps, 0, 7), MAPS_MISSING);
    wait_noting(maps, true);
    return maps;
}

static void add(struct maps *maps, int i)
{
    const struct index_sample sample = sample_of(i);
    maps_add(maps, &sample);
}

START_TEST(off_has_no_maps)
{
    ck_assert_ptr_null(take("off"));
}
END_TEST

START_TEST(a_file_is_found_as_it_was_indexed)
{
    write_beside(2);
    struct maps *maps = take("auto");
    ck_assert_int_eq(find_of(maps, 1, 7), MAPS_USELESS);
    ck_assert_int_eq(find_of(maps, 1, 8), MAPS_STALE);
    ck_assert_int_eq(find_of(maps, 2, 7), MAPS_MISSING);
    let_go(&maps);
}
END_TEST

START_TEST(the_state_directory_knows_what_the_data_does_not)
{
    write_beside(1);
    write_index(state_path(), 3);
    struct maps *maps = take("auto");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(find_of(maps, i, 7), MAPS_USELESS);
    let_go(&maps);
}
END_TEST

START_TEST(a_named_file_is_read_and_never_noted_in)
{
    char path[sizeof state + 16];
    snprintf(path, sizeof path, "%s/mine", state);
    write_index(path, 1);
    struct maps *maps = take(path);
    ck_assert_int_eq(find_of(maps, 0, 7), MAPS_USELESS);
    for (int i = 0; i < 3 * SAMPLES; i++)
        ck_assert_int_eq(find_of(maps, 4, 7), MAPS_MISSING);
    ck_assert(!maps_wants(maps));
    let_go(&maps);
    ck_assert_int_ne(access(state_path(), F_OK), 0);
}
END_TEST

START_TEST(streams_over_one_root_share_maps_until_their_files_change)
{
    write_beside(1);
    struct maps *one = take("auto");
    struct maps *two = take("auto");
    ck_assert_ptr_eq(one, two);
    write_beside(2);
    struct maps *three = take("auto");
    ck_assert_ptr_ne(one, three);
    ck_assert_int_eq(find_of(one, 1, 7), MAPS_MISSING);
    ck_assert_int_eq(find_of(three, 1, 7), MAPS_USELESS);
    let_go(&one);
    let_go(&two);
    let_go(&three);
}
END_TEST

START_TEST(what_is_noted_is_found_at_once_and_finished_when_all_is_known)
{
    struct maps *maps = take_noting();
    for (int i = 0; i < SAMPLES - 1; i++) {
        add(maps, i);
        ck_assert_int_eq(find_of(maps, i, 7), MAPS_USELESS);
    }
    ck_assert(maps_wants(maps));
    ck_assert_int_ne(access(state_path(), F_OK), 0);
    add(maps, SAMPLES - 1);
    wait_noting(maps, false);
    let_go(&maps);
    atlas_close(&atlas);
    ck_assert_int_eq(access(state_path(), F_OK), 0);
    ck_assert_int_eq(atlas_open(&atlas), STK_OK);
    maps = take("auto");
    for (int i = 0; i < SAMPLES; i++)
        ck_assert_int_eq(find_of(maps, i, 7), MAPS_USELESS);
    let_go(&maps);
}
END_TEST

START_TEST(noting_ends_when_an_epoch_brought_nothing_new)
{
    struct maps *maps = take_noting();
    add(maps, 0);
    for (int i = 0; i <= SAMPLES; i++)
        ck_assert_int_eq(find_of(maps, 0, 7), MAPS_USELESS);
    wait_noting(maps, false);
    let_go(&maps);
}
END_TEST

START_TEST(what_was_noted_is_left_to_who_goes_on)
{
    struct maps *maps = take_noting();
    add(maps, 0);
    let_go(&maps);
    atlas_close(&atlas);
    ck_assert_int_ne(access(state_path(), F_OK), 0);
    ck_assert_int_eq(atlas_open(&atlas), STK_OK);
    maps = take_noting();
    ck_assert_int_eq(find_of(maps, 0, 7), MAPS_USELESS);
    let_go(&maps);
}
END_TEST

START_TEST(one_in_a_hundred_may_be_missing)
{
    write_index(state_path(), SAMPLES);
    const struct maps_wish wish = {.index = "auto", .root = root, .samples = 300};
    struct maps *maps;
    ck_assert_int_eq(atlas_take(atlas, &wish, &maps), STK_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(find_of(maps, SAMPLES, 7), MAPS_MISSING);
    ck_assert(!maps_wants(maps));
    ck_assert_int_eq(find_of(maps, SAMPLES, 7), MAPS_MISSING);
    wait_noting(maps, true);
    ck_assert_int_eq(find_of(maps, 0, 7), MAPS_USELESS);
    maps_unref(&maps, 300);
}
END_TEST

START_TEST(a_directory_of_another_program_is_left_alone)
{
    ck_assert_int_eq(mkdir(state_path(), 0755), 0);
    struct maps *maps = take("auto");
    ck_assert_int_eq(find_of(maps, 0, 7), MAPS_MISSING);
    let_go(&maps);
    atlas_close(&atlas);
    ck_assert_int_eq(access(state_path(), F_OK), 0);
}
END_TEST

START_TEST(memory_grows_with_the_samples)
{
    struct maps *maps = take("auto");
    ck_assert_uint_ge(maps_bytes(maps, 1000000), 16000000);
    ck_assert_uint_lt(maps_bytes(maps, 1000000), 100000000);
    let_go(&maps);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("atlas");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, off_has_no_maps);
    tcase_add_test(tests, a_file_is_found_as_it_was_indexed);
    tcase_add_test(tests, the_state_directory_knows_what_the_data_does_not);
    tcase_add_test(tests, a_named_file_is_read_and_never_noted_in);
    tcase_add_test(tests, streams_over_one_root_share_maps_until_their_files_change);
    tcase_add_test(tests, what_is_noted_is_found_at_once_and_finished_when_all_is_known);
    tcase_add_test(tests, noting_ends_when_an_epoch_brought_nothing_new);
    tcase_add_test(tests, what_was_noted_is_left_to_who_goes_on);
    tcase_add_test(tests, one_in_a_hundred_may_be_missing);
    tcase_add_test(tests, a_directory_of_another_program_is_left_alone);
    tcase_add_test(tests, memory_grows_with_the_samples);
    return suite_run("atlas", tests);
}
