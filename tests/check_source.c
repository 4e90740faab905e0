/*
 * Source: a folder's listing is ImageFolder's, does not depend on the number of threads, and a
 * folder that cannot be listed says why.
 */
#include "daemon/source/source.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/source/listing.h"
#include "tests/source_folder.h"

/* The sentence with which a url is refused. */
static const char *refused(const char *url, enum stk_status expected)
{
    struct source *source = (struct source *)root;
    ck_assert_int_eq(source_open(&(struct source_place){url, "", "", 0, NULL}, 4, &source, error),
                     expected);
    ck_assert_ptr_null(source);
    ck_assert_int_gt((int)strlen(error), 0);
    return error;
}

struct expected {
    int32_t label;
    const char *name;
};

static void assert_samples(const struct source *source, const struct expected *samples,
                           uint64_t count)
{
    for (uint64_t i = 0; i < count && i < source_count(source); i++) {
        ck_assert_str_eq(source_name(source, i), samples[i].name);
        ck_assert_int_eq(source_label(source, i), samples[i].label);
    }
    ck_assert_uint_eq(source_count(source), count);
}

#define ASSERT_SAMPLES(source, ...)                                                                \
    assert_samples(source, (const struct expected[]){__VA_ARGS__},                                 \
                   sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

START_TEST(classes_are_sorted_by_code_points)
{
    static const char *const sorted[] = {"10",
                                         "9",
                                         "A",
                                         "Z",
                                         "a",
                                         "a b",
                                         "a-b",
                                         "\xc3\xa9",
                                         "\xe2\x82\xac",
                                         "\xee\x80\x80",
                                         "\xf0\x9f\x98\x80"};
    size_t count = sizeof sorted / sizeof sorted[0];
    for (size_t i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/x.jpg", sorted[(i * 7) % count]);
        put(path, "x");
    }
    struct source *source = open_root(2);
    ck_assert_uint_eq(source_classes(source), count);
    ck_assert_uint_eq(source_count(source), count);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_str_eq(source_class_name(source, i), sorted[i]);
        ck_assert_int_eq(source_label(source, i), (int32_t)i);
    }
    source_close(&source);
    ck_assert_ptr_null(source);
}
END_TEST

/* sorted(os.walk(class)) sorts by the whole path of a folder: "c/a" < "c/a-b" < "c/a/b". */
START_TEST(samples_stand_in_the_order_of_imagefolder)
{
    put("c/a/b/3.jpg", "x");
    put("c/a-b/2.jpg", "x");
    put("c/a/1.jpg", "x");
    put("c/z.jpg", "x");
    put("c/A.JPG", "x");
    put("c-d/0.jpg", "x");
    put("b/9/9.jpg", "x");
    put("b/10/10.jpg", "x");
    struct source *source = open_root(3);
    ASSERT_SAMPLES(source, {0, "b/10/10.jpg"}, {0, "b/9/9.jpg"}, {1, "c/A.JPG"}, {1, "c/z.jpg"},
                   {1, "c/a/1.jpg"}, {1, "c/a-b/2.jpg"}, {1, "c/a/b/3.jpg"}, {2, "c-d/0.jpg"});
    source_close(&source);
}
END_TEST

START_TEST(only_jpg_and_jpeg_of_any_case_are_samples)
{
    static const char *const others[] = {"a/x.png", "a/jpg", "a/x.jpg.txt", "a/x.jpgx", "a/xjpg"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        put(others[i], "x");
    put("a/.jpg", "x");
    put("a/.hidden.jpg", "x");
    put("a/1.jpg", "x");
    put("a/2.JPEG", "x");
    put("a/3.JpeG", "x");
    put("a/4.jpg/5.jPg", "x");
    struct source *source = open_root(1);
    ASSERT_SAMPLES(source, {0, "a/.hidden.jpg"}, {0, "a/.jpg"}, {0, "a/1.jpg"}, {0, "a/2.JPEG"},
                   {0, "a/3.JpeG"}, {0, "a/4.jpg/5.jPg"});
    source_close(&source);
}
END_TEST

START_TEST(a_class_without_a_picture_keeps_its_number)
{
    put("a/x.jpg", "x");
    put("b/x.png", "x");
    put("c/x.jpg", "x");
    put_folders("d/empty/");
    struct source *source = open_root(2);
    ck_assert_uint_eq(source_classes(source), 4);
    ASSERT_SAMPLES(source, {0, "a/x.jpg"}, {2, "c/x.jpg"});
    source_close(&source);
}
END_TEST

START_TEST(links_to_files_and_folders_are_followed)
{
    put("a/1.jpg", "one");
    put("a/n/2.jpg", "two");
    put_link("a", "b");
    put_link("../a/n", "c/m");
    put_link("../a/1.jpg", "c/3.jpg");
    put_link("../a/1.jpg", "c/4.txt");
    put_link("../a/n/2.jpg/", "c/5.jpg");
    struct source *source = open_root(4);
    ASSERT_SAMPLES(source, {0, "a/1.jpg"}, {0, "a/n/2.jpg"}, {1, "b/1.jpg"}, {1, "b/n/2.jpg"},
                   {2, "c/3.jpg"}, {2, "c/m/2.jpg"});
    source_close(&source);
}
END_TEST

START_TEST(a_loop_of_links_ends)
{
    put("a/1.jpg", "x");
    put_link("..", "a/root");
    put_link(".", "a/self");
    put_link("../../b", "a/n/other");
    put("b/2.jpg", "x");
    put_link("../a", "b/back");
    struct source *source = open_root(4);
    ASSERT_SAMPLES(source, {0, "a/1.jpg"}, {0, "a/n/other/2.jpg"}, {1, "b/2.jpg"},
                   {1, "b/back/1.jpg"});
    source_close(&source);
}
END_TEST

START_TEST(a_picture_name_without_a_regular_file_is_left_out)
{
    put("a/1.jpg", "x");
    put_link("nowhere.jpg", "a/2.jpg");
    put_link("3.jpg", "a/3.jpg");
    ck_assert_int_eq(mkfifoat(root_fd, "a/4.jpg", 0644), 0);
    put_link("4.jpg", "a/5.jpg");
    put_link("/dev/zero", "a/6.jpg");
    struct source *source = open_root(2);
    ASSERT_SAMPLES(source, {0, "a/1.jpg"});
    source_close(&source);
}
END_TEST

START_TEST(names_of_any_bytes_are_listed)
{
    char path[600];
    char name[256];
    memset(name, 'n', 255);
    memcpy(name + 251, ".jpg", 5);
    snprintf(path, sizeof path, "\xff/%s", name);
    put("new\nline/a\nb.jpg", "x");
    put("\xc3(/\xff\xfe.jpg", "x");
    put(path, "x");
    struct source *source = open_root(2);
    ASSERT_SAMPLES(source, {0, "new\nline/a\nb.jpg"}, {1, "\xc3(/\xff\xfe.jpg"}, {2, path});
    ck_assert_str_eq(source_class_name(source, 0), "new\nline");
    ck_assert_str_eq(source_class_name(source, 1), "?(");
    ck_assert_str_eq(source_class_name(source, 2), "?");
    source_close(&source);
}
END_TEST

START_TEST(class_names_are_utf8)
{
    static const char *const names[][2] = {
        {"\xc0\xaf", "??"},                       /* longer than needed */
        {"\xe0\x80\xaf", "???"},                  /* likewise */
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},         /* the last before the surrogates */
        {"\xed\xa0\x80", "???"},                  /* a surrogate */
        {"\xef\xbf\xbf", "\xef\xbf\xbf"},         /* U+FFFF */
        {"\xf0\x80\x80\xaf", "????"},             /* longer than needed */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", "????"},             /* beyond it */
        {"\xf5\x80", "??"},                       /* no such start */
    };
    size_t count = sizeof names / sizeof names[0];
    for (size_t i = 0; i < count; i++) {
        char path[16];
        snprintf(path, sizeof path, "%s/x.jpg", names[i][0]);
        put(path, "x");
    }
    struct source *source = open_root(1);
    ck_assert_uint_eq(source_classes(source), count);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_str_eq(source_class_name(source, i), names[i][1]);
    source_close(&source);
}
END_TEST

/* Make a chain of folders c/dddd.../dddd..., and leave a picture in the last one. */
static size_t put_chain(unsigned depth)
{
    char name[101];
    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    put("c/top.jpg", "x");
    int fd = openat(root_fd, "c", O_RDONLY | O_DIRECTORY);
    for (unsigned i = 0; i < depth; i++) {
        ck_assert_int_eq(mkdirat(fd, name, 0755), 0);
        int below = openat(fd, name, O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = below;
    }
    int file = openat(fd, "x.jpg", O_WRONLY | O_CREAT, 0644);
    ck_assert_int_ge(file, 0);
    close(file);
    close(fd);
    return 1 + depth * sizeof name + strlen("/x.jpg");
}

START_TEST(deep_folders_are_listed)
{
    size_t len = put_chain(40);
    struct source *source = open_root(2);
    ck_assert_uint_eq(source_count(source), 2);
    ck_assert_uint_eq(strlen(source_name(source, 1)), len);
    source_close(&source);
}
END_TEST

START_TEST(a_path_that_cannot_be_opened_is_refused)
{
    put_chain(41);
    ASSERT_CONTAINS(refused(root, STK_LIMIT), "more than 4095 bytes");
    ASSERT_CONTAINS(error, "\"...ddd");
}
END_TEST

/* Bytes that source_feed_listing hands on. */
struct fed {
    uint8_t *bytes;
    size_t len;
};

static void feed(void *context, const void *bytes, size_t len)
{
    struct fed *fed = context;
    fed->bytes = realloc(fed->bytes, fed->len + len);
    ck_assert_ptr_nonnull(fed->bytes);
    memcpy(fed->bytes + fed->len, bytes, len);
    fed->len += len;
}

START_TEST(the_listing_is_fed_as_documented)
{
    char text[0x203];
    memset(text, 'x', sizeof text);
    text[0x202] = '\0';
    put("a/x.jpg", text);
    put("b/n/y.jpeg", "");
    static const uint8_t expected[] = "a/x.jpg\0\2\2\0\0\0\0\0\0\0\0\0\0"
                                      "b/n/y.jpeg\0\0\0\0\0\0\0\0\0\1\0\0\0"
                                      "class\0a\0b";
    struct source *source = open_root(1);
    struct fed fed = {0};
    source_feed_listing(source, feed, &fed);
    ck_assert_uint_eq(fed.len, sizeof expected);
    ck_assert_mem_eq(fed.bytes, expected, sizeof expected);
    free(fed.bytes);
    source_close(&source);
}
END_TEST

/* Folders of 1 to 400 pictures at three depths, and one of several slices. */
static void put_many(void)
{
    char path[64];
    char text[16];
    for (int i = 0; i < 2500; i++) {
        snprintf(path, sizeof path, "big/%d.jpg", i * 7919 % 100003);
        memset(text, 'x', sizeof text);
        text[i % 16] = '\0';
        put(path, text);
    }
    for (int i = 0; i < 1500; i++) {
        const char *const below[] = {"", "/n", "/n/m"};
        snprintf(path, sizeof path, "c%d%s/%d.jpg", i * i % 19, below[i % 3], i);
        put(path, "xy");
    }
}

START_TEST(the_listing_does_not_depend_on_the_number_of_threads)
{
    put_many();
    struct fed expected = {0};
    struct source *source = open_root(1);
    ck_assert_uint_eq(source_count(source), 4000);
    source_feed_listing(source, feed, &expected);
    source_close(&source);
    static const unsigned threads[] = {2, 8, 64, SOURCE_THREADS_MAX};
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        struct fed fed = {0};
        source = open_root(threads[i]);
        source_feed_listing(source, feed, &fed);
        ck_assert_uint_eq(fed.len, expected.len);
        ck_assert_mem_eq(fed.bytes, expected.bytes, expected.len);
        free(fed.bytes);
        source_close(&source);
    }
    free(expected.bytes);
}
END_TEST

/* As when a file vanishes between the listing of its name and the look at its size. */
START_TEST(a_sample_of_unknown_size_is_left_out)
{
    static const uint64_t bytes[] = {LISTING_BYTES_UNKNOWN, 5, LISTING_BYTES_UNKNOWN, 7};
    struct names classes = {0};
    struct listing listing;
    struct listing_run run;
    ck_assert_int_eq(names_add(&classes, "class", 0), STK_OK);
    ck_assert_int_eq(listing_init(&listing, 2, &classes), STK_OK);
    ck_assert_int_eq(listing_run_init(&run, 1, 0), STK_OK);
    run.bytes[0] = LISTING_BYTES_UNKNOWN;
    listing_add_run(&listing, &run);
    ck_assert_ptr_null(run.bytes);
    ck_assert_uint_eq(listing.run_count, 0);
    ck_assert_int_eq(listing_run_init(&run, 4, sizeof "0\0001\0002\0003"), STK_OK);
    memcpy(run.paths, "0\0001\0002\0003", sizeof "0\0001\0002\0003");
    for (uint32_t i = 0; i < 4; i++) {
        run.bytes[i] = bytes[i];
        run.offsets[i] = 2 * i;
    }
    listing_add_run(&listing, &run);
    ck_assert_uint_eq(listing.count, 2);
    ck_assert_str_eq(listing_get(&listing, 0).path, "1");
    ck_assert_uint_eq(listing_get(&listing, 0).bytes, 5);
    ck_assert_str_eq(listing_get(&listing, 1).path, "3");
    ck_assert_uint_eq(listing_get(&listing, 1).bytes, 7);
    listing_release(&listing);
    names_release(&classes);
}
END_TEST

START_TEST(a_listing_of_names_like_imagenets_takes_60_bytes_a_sample)
{
    for (int i = 0; i < 1000; i++) {
        char path[64];
        snprintf(path, sizeof path, "n01440764/n01440764_%05d.JPEG", i);
        put(path, "x");
    }
    struct source *source = open_root(2);
    size_t paths = 1000 * sizeof "n01440764/n01440764_12345.JPEG";
    ck_assert_uint_le(source_listing_bytes(source), 60 * 1000);
    ck_assert_uint_ge(source_listing_bytes(source), paths);
    source_close(&source);
}
END_TEST

START_TEST(a_folder_that_is_missing_is_unreadable)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "folder:%s/mis\"sing\n", root);
    ASSERT_CONTAINS(refused(path, STK_UNREADABLE), "no folder \"");
    ASSERT_CONTAINS(error, "/mis\\\"sing\\x0a\"; give ");
    ASSERT_CONTAINS(refused("", STK_UNREADABLE), "no folder \"\"");
}
END_TEST

START_TEST(a_file_is_no_folder)
{
    char path[PATH_MAX + 32];
    put("x.jpg", "x");
    snprintf(path, sizeof path, "%s/x.jpg", root);
    ASSERT_CONTAINS(refused(path, STK_UNREADABLE), "not a folder: \"");
}
END_TEST

START_TEST(a_folder_without_class_folders_is_refused)
{
    put("readme.txt", "x");
    ASSERT_CONTAINS(refused(root, STK_INVALID), "no class folder in \"");
    ASSERT_CONTAINS(error, ".jpg or .jpeg");
    put("x.jpg", "x");
    put("y.jpg", "x");
    ASSERT_CONTAINS(refused(root, STK_INVALID), "but pictures: 2;");
}
END_TEST

START_TEST(class_folders_without_a_picture_are_refused)
{
    put("a/x.png", "x");
    put_folders("b/");
    ASSERT_CONTAINS(refused(root, STK_INVALID), "no .jpg or .jpeg file in the class folders of \"");
    ck_assert_ptr_null(strstr(error, "no class:"));
    put("x.jpg", "x");
    ASSERT_CONTAINS(refused(root, STK_INVALID), "the pictures directly in it have no class: 1");
}
END_TEST

START_TEST(an_unknown_kind_is_refused)
{
    ASSERT_CONTAINS(refused("tar:/x", STK_INVALID), "no such kind of source: \"tar:/x\"");
    ASSERT_CONTAINS(refused("folders:/x", STK_INVALID), "no such kind");
    ASSERT_CONTAINS(refused("fold:/x", STK_INVALID), "no such kind");
    ASSERT_CONTAINS(refused("holder:/x", STK_INVALID), "no such kind");
    ASSERT_CONTAINS(refused("./tar:/x", STK_UNREADABLE), "no folder \"./tar:/x\"");
}
END_TEST

START_TEST(a_url_names_a_folder)
{
    char url[PATH_MAX + 32];
    put("a/x.jpg", "x");
    snprintf(url, sizeof url, "folder:%s", root);
    struct source *source;
    ck_assert_int_eq(source_open(&(struct source_place){url, "", "", 0, NULL}, 1, &source, error),
                     STK_OK);
    ck_assert_uint_eq(source_count(source), 1);
    source_close(&source);
    source_close(&source);
}
END_TEST

enum { NOBODY = 65534 };

/* In a process that root's rights were taken from. */
static int open_as_nobody(void)
{
    struct source *source;
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        return 1;
    if (source_open(&(struct source_place){root, "", "", 0, NULL}, 4, &source, error) !=
            STK_UNREADABLE ||
        source != NULL)
        return 2;
    return strstr(error, "/b/n\": permission denied; let the user") != NULL ? 0 : 3;
}

START_TEST(a_folder_without_permission_is_unreadable)
{
    put("a/x.jpg", "x");
    put("b/n/x.jpg", "x");
    ck_assert_int_eq(fchmodat(root_fd, "b/n", 0, 0), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(open_as_nobody());
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(fchmodat(root_fd, "b/n", 0755, 0), 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(no_descriptors_left_to_list_is_the_systems_failure)
{
    put("a/x.jpg", "x");
    for (unsigned more = 0; more < 2; more++) {
        limit_descriptors(more);
        refused(root, STK_SYSTEM);
        unlimit_descriptors();
        ASSERT_CONTAINS(error, "too many open files");
    }
}
END_TEST

START_TEST(threads_that_list_are_within_their_limits)
{
    static const unsigned threads[][2] = {{0, 8}, {1, 8}, {5, 10}, {31, 62}, {32, 64}, {1024, 64}};
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
        ck_assert_uint_eq(source_threads(threads[i][0]), threads[i][1]);
}
END_TEST

START_TEST(what_was_left_out_is_logged_once)
{
    put("a/1.jpg", "x");
    put("a/2.png", "x");
    put("b/n/3.txt", "x");
    put_folders("c/");
    put("top.jpg", "x");
    put_link("nowhere", "a/4.jpg");
    ck_assert_int_eq(mkfifoat(root_fd, "a/5.jpg", 0644), 0);
    put_link(".", "b/loop");
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    int kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_set_level(LOG_LEVEL_NOTICE);
    struct source *source = open_root(4);
    dup2(kept, STDERR_FILENO);
    static char text[1 << 14];
    ssize_t len = read(ends[0], text, sizeof text - 1);
    close(kept);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_gt(len, 0);
    ASSERT_CONTAINS(text, "notice source.ignored source=");
    ASSERT_CONTAINS(text, " files=4 ");
    ASSERT_CONTAINS(text, " names=1 first_in=a\n");
    ASSERT_CONTAINS(text, " links=1 first=b/loop\n");
    ASSERT_CONTAINS(text, "warn source.empty_class source=");
    ASSERT_CONTAINS(text, " classes=2 first=b\n");
    ASSERT_CONTAINS(text, "notice source.listed source=");
    ASSERT_CONTAINS(text, " classes=3 samples=1 directories=5 ");
    unsigned lines = 0;
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 5);
    source_close(&source);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("source");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, classes_are_sorted_by_code_points);
    tcase_add_test(tests, samples_stand_in_the_order_of_imagefolder);
    tcase_add_test(tests, only_jpg_and_jpeg_of_any_case_are_samples);
    tcase_add_test(tests, a_class_without_a_picture_keeps_its_number);
    tcase_add_test(tests, links_to_files_and_folders_are_followed);
    tcase_add_test(tests, a_loop_of_links_ends);
    tcase_add_test(tests, a_picture_name_without_a_regular_file_is_left_out);
    tcase_add_test(tests, names_of_any_bytes_are_listed);
    tcase_add_test(tests, class_names_are_utf8);
    tcase_add_test(tests, deep_folders_are_listed);
    tcase_add_test(tests, a_path_that_cannot_be_opened_is_refused);
    tcase_add_test(tests, the_listing_is_fed_as_documented);
    tcase_add_test(tests, the_listing_does_not_depend_on_the_number_of_threads);
    tcase_add_test(tests, a_sample_of_unknown_size_is_left_out);
    tcase_add_test(tests, a_listing_of_names_like_imagenets_takes_60_bytes_a_sample);
    tcase_add_test(tests, a_folder_that_is_missing_is_unreadable);
    tcase_add_test(tests, a_file_is_no_folder);
    tcase_add_test(tests, a_folder_without_class_folders_is_refused);
    tcase_add_test(tests, class_folders_without_a_picture_are_refused);
    tcase_add_test(tests, an_unknown_kind_is_refused);
    tcase_add_test(tests, a_url_names_a_folder);
    tcase_add_test(tests, a_folder_without_permission_is_unreadable);
    tcase_add_test(tests, no_descriptors_left_to_list_is_the_systems_failure);
    tcase_add_test(tests, threads_that_list_are_within_their_limits);
    tcase_add_test(tests, what_was_left_out_is_logged_once);
    return suite_run("source", tests);
}
