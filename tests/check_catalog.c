/*
 * The catalog: which streams of two configurations are the same, and who frees them.
 *
 * Pictures here are a few bytes: nobody decodes them.
 */
#include "daemon/catalog.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/suite.h"

static char root[64];
static char error[CONFIG_ERROR_BYTES];
static struct catalog_row rows[CATALOG_ROWS_MAX];

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_folder(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_root(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    snprintf(root, sizeof root, "/tmp/check_catalog.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    make_folder("one");
    make_folder("one/class");
    put("one/class/0.jpg", "picture");
    put("one/class/1.jpg", "picture");
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_root(void)
{
    ck_assert_int_eq(nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A catalog of streams NAME over FOLDER with a batch of so many, or a status. */
static enum stk_status open_catalog(const char *const (*streams)[3], size_t count,
                                    const struct catalog *before, struct source_watch *watch,
                                    struct catalog **catalog)
{
    char text[1024] = "";
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "stream %s { source = %s/%s\n batch = %s }\n",
                 streams[i][0], root, streams[i][1], streams[i][2]);
    }
    put("conf", text);
    char path[128];
    snprintf(path, sizeof path, "%s/conf", root);
    const struct stream_listing listing = {.threads = 2, .watch = watch};
    struct config *config;
    ck_assert_msg(config_open(path, &config, error) == STK_OK, "%s", error);
    enum stk_status status = catalog_open(&config, &listing, before, catalog, error);
    ck_assert_int_eq(status == STK_OK, config == NULL);
    config_close(&config);
    return status;
}

static struct catalog *catalog_of(const char *const (*streams)[3], size_t count,
                                  const struct catalog *before)
{
    struct catalog *catalog;
    ck_assert_msg(open_catalog(streams, count, before, NULL, &catalog) == STK_OK, "%s", error);
    return catalog;
}

START_TEST(a_stream_that_is_listed_as_before_is_the_same_object)
{
    static const char *const streams[][3] = {{"a", "one", "2"}};
    struct catalog *before = catalog_of(streams, 1, NULL);
    struct catalog *after = catalog_of(streams, 1, before);
    ck_assert_uint_eq(catalog_compare(before, after, rows), 1);
    ck_assert_int_eq(rows[0].change, CATALOG_SAME);
    ck_assert_ptr_eq(rows[0].before, rows[0].after);
    catalog_close(&before);
    ck_assert_str_eq(after->streams[0]->name, "a");
    catalog_close(&after);
}
END_TEST

START_TEST(rows_tell_what_was_added_removed_and_changed_by_name)
{
    static const char *const old[][3] = {{"b", "one", "2"}, {"c", "one", "2"}, {"d", "one", "2"}};
    static const char *const new[][3] = {{"a", "one", "1"}, {"c", "one", "1"}, {"d", "one", "2"}};
    static const enum catalog_change expected[] = {CATALOG_ADDED, CATALOG_REMOVED, CATALOG_CHANGED,
                                                   CATALOG_SAME};
    struct catalog *before = catalog_of(old, 3, NULL);
    struct catalog *after = catalog_of(new, 3, before);
    ck_assert_uint_eq(catalog_compare(before, after, rows), 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(rows[i].change, expected[i]);
    ck_assert(rows[0].before == NULL && strcmp(rows[0].after->name, "a") == 0);
    ck_assert(rows[1].after == NULL && strcmp(rows[1].before->name, "b") == 0);
    ck_assert_ptr_ne(rows[2].before, rows[2].after);
    catalog_close(&before);
    catalog_close(&after);
}
END_TEST

START_TEST(another_picture_is_another_stream)
{
    static const char *const streams[][3] = {{"a", "one", "2"}};
    struct catalog *before = catalog_of(streams, 1, NULL);
    put("one/class/2.jpg", "picture");
    struct catalog *after = catalog_of(streams, 1, before);
    ck_assert_uint_eq(catalog_compare(before, after, rows), 1);
    ck_assert_int_eq(rows[0].change, CATALOG_CHANGED);
    ck_assert_uint_eq(rows[0].before->samples, 2);
    ck_assert_uint_eq(rows[0].after->samples, 3);
    catalog_close(&before);
    catalog_close(&after);
}
END_TEST

START_TEST(the_same_pictures_in_another_folder_renew_a_stream)
{
    static const char *const old[][3] = {{"a", "one", "2"}};
    static const char *const new[][3] = {{"a", "two", "2"}};
    make_folder("two");
    make_folder("two/class");
    put("two/class/0.jpg", "PICTURE");
    put("two/class/1.jpg", "PICTURE");
    struct catalog *before = catalog_of(old, 1, NULL);
    struct catalog *after = catalog_of(new, 1, before);
    ck_assert_uint_eq(catalog_compare(before, after, rows), 1);
    ck_assert_int_eq(rows[0].change, CATALOG_RENEWED);
    catalog_close(&before);
    catalog_close(&after);
}
END_TEST

START_TEST(a_stream_outlives_its_catalog_while_it_is_referred_to)
{
    static const char *const streams[][3] = {{"a", "one", "2"}};
    struct catalog *catalog = catalog_of(streams, 1, NULL);
    const struct stream *stream = stream_ref(catalog->streams[0]);
    catalog_close(&catalog);
    ck_assert_ptr_null(catalog);
    ck_assert_str_eq(source_name(stream->source, 1), "class/1.jpg");
    stream_unref(&stream);
    ck_assert_ptr_null(stream);
}
END_TEST

START_TEST(a_catalog_that_fails_leaves_the_configuration_to_its_caller)
{
    static const char *const streams[][3] = {{"a", "one", "2"}, {"b", "one", "3"}};
    struct catalog *catalog;
    ck_assert_int_eq(open_catalog(streams, 2, NULL, NULL, &catalog), STK_CONFIG);
    ck_assert_ptr_null(catalog);
    ck_assert_ptr_nonnull(strstr(error, "fewer than one batch of 3"));
}
END_TEST

START_TEST(a_listing_that_is_stopped_is_closed)
{
    static const char *const streams[][3] = {{"a", "one", "2"}};
    static struct source_watch watch = {.stop = true};
    struct catalog *catalog;
    ck_assert_int_eq(open_catalog(streams, 1, NULL, &watch, &catalog), STK_CLOSED);
    ck_assert_ptr_null(catalog);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("catalog");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, a_stream_that_is_listed_as_before_is_the_same_object);
    tcase_add_test(tests, rows_tell_what_was_added_removed_and_changed_by_name);
    tcase_add_test(tests, another_picture_is_another_stream);
    tcase_add_test(tests, the_same_pictures_in_another_folder_renew_a_stream);
    tcase_add_test(tests, a_stream_outlives_its_catalog_while_it_is_referred_to);
    tcase_add_test(tests, a_catalog_that_fails_leaves_the_configuration_to_its_caller);
    tcase_add_test(tests, a_listing_that_is_stopped_is_closed);
    return suite_run("catalog", tests);
}
