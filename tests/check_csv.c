/*
 * CSV sources and lists: labels of every kind, weights, targets, and the same listing with any
 * number of threads.  What is refused is tested through the daemon, in test_labels.py.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/source/labels.h"
#include "daemon/source/source.h"
#include "tests/suite.h"

enum { PICTURES = 20, MANY = 9000, PATH_BYTES = 256 };

static char root[PATH_BYTES / 2];
static char error[SOURCE_ERROR_BYTES];

static void path_of(char path[PATH_BYTES], const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", root, name);
}

static void put(const char *name, const char *text)
{
    char path[PATH_BYTES];
    path_of(path, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* Pictures 0.jpg to 19.jpg, of as many bytes as their names say. */
static void make_root(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const char *folder = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/check_csv.XXXXXX", folder != NULL ? folder : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    for (int i = 0; i < PICTURES; i++) {
        char name[16], text[PICTURES + 1] = "";
        snprintf(name, sizeof name, "%d.jpg", i);
        memset(text, 'x', (size_t)i);
        put(name, text);
    }
}

static void remove_root(void)
{
    char path[PATH_BYTES], name[16];
    for (int i = 0; i < PICTURES; i++) {
        snprintf(name, sizeof name, "%d.jpg", i);
        path_of(path, name);
        unlink(path);
    }
    path_of(path, "a.csv");
    unlink(path);
    path_of(path, "list");
    unlink(path);
    ck_assert_int_eq(rmdir(root), 0);
}

static struct source *open_csv(const char *text, const char *list, unsigned threads)
{
    char url[PATH_BYTES + 4], list_path[PATH_BYTES];
    put("a.csv", text);
    snprintf(url, sizeof url, "csv:%s/a.csv", root);
    if (list[0] != '\0')
        put("list", list);
    path_of(list_path, "list");
    const struct source_place place = {url, "", list[0] != '\0' ? list_path : "", 0, NULL};
    struct source *source;
    enum stk_status status = source_open(&place, threads, &source, error);
    ck_assert_msg(status == STK_OK, "%s", error);
    return source;
}

START_TEST(classes_are_numbered_by_name)
{
    struct source *source = open_csv("path,label\n3.jpg,dog\n1.jpg,Cat\n2.jpg,dog\n", "", 2);
    ck_assert_int_eq(source_labels(source), STK_LABEL_CLASS);
    ck_assert_uint_eq(source_count(source), 3);
    ck_assert_uint_eq(source_classes(source), 2);
    ck_assert_str_eq(source_class_name(source, 0), "Cat");
    ck_assert_str_eq(source_class_name(source, 1), "dog");
    ck_assert_uint_eq(source_class_count(source, 1), 2);
    ck_assert_str_eq(source_name(source, 0), "3.jpg");
    ck_assert_int_eq(source_label(source, 0), 1);
    ck_assert_int_eq(source_label(source, 1), 0);
    ck_assert_double_eq(source_weight(source, 2), 1);
    float row[2] = {10, 20};
    source_add_target(source, 2, 0.25f, row);
    ck_assert_float_eq(row[0], 10);
    ck_assert_float_eq(row[1], 20.25f);
    source_close(&source);
}
END_TEST

START_TEST(whole_numbers_are_the_class_numbers)
{
    struct source *source = open_csv("path,label\n3.jpg,10\n1.jpg,9\n2.jpg,0\n", "", 1);
    ck_assert_uint_eq(source_classes(source), 11);
    ck_assert_int_eq(source_label(source, 0), 10);
    ck_assert_int_eq(source_label(source, 1), 9);
    ck_assert_int_eq(source_label(source, 2), 0);
    ck_assert_str_eq(source_class_name(source, 10), "10");
    ck_assert_uint_eq(source_class_count(source, 5), 0);
    source_close(&source);
    source = open_csv("path,label\n3.jpg,10\n1.jpg,9\n2.jpg,x\n", "", 1); /* names, by bytes */
    ck_assert_uint_eq(source_classes(source), 3);
    ck_assert_int_eq(source_label(source, 0), 0);
    ck_assert_int_eq(source_label(source, 1), 1);
    source_close(&source);
}
END_TEST

START_TEST(one_row_with_several_classes_makes_all_rows_several)
{
    struct source *source =
        open_csv("weight,path,label\n0.5,3.jpg,b\n0,1.jpg,\"a\tc b\"\n1e3,2.jpg,c\n", "", 2);
    ck_assert_int_eq(source_labels(source), STK_LABEL_CLASSES);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_int_eq(source_label(source, i), -1);
    ck_assert_uint_eq(source_class_count(source, 1), 2);
    ck_assert_double_eq(source_weight(source, 0), 0.5);
    ck_assert_double_eq(source_weight(source, 1), 0);
    ck_assert_double_eq(source_weight(source, 2), 1000);
    float row[3] = {0};
    source_add_target(source, 1, 0.75f, row);
    source_add_target(source, 2, 0.25f, row);
    ck_assert_float_eq(row[0], 0.75f);
    ck_assert_float_eq(row[1], 0.75f);
    ck_assert_float_eq(row[2], 1);
    source_close(&source);
}
END_TEST

START_TEST(numbers_come_in_the_order_of_their_columns)
{
    struct source *source = open_csv("y,path,x\n-0,3.jpg,0.1\n1e-50,1.jpg,-7\n", "", 2);
    ck_assert_int_eq(source_labels(source), STK_LABEL_NUMBERS);
    ck_assert_uint_eq(source_classes(source), 2);
    ck_assert_str_eq(source_class_name(source, 0), "y");
    ck_assert_str_eq(source_class_name(source, 1), "x");
    ck_assert_uint_eq(source_class_count(source, 0), 2);
    float row[2] = {0};
    source_add_target(source, 0, 1, row);
    ck_assert_float_eq(row[0], 0);
    ck_assert_float_eq(row[1], 0.1f);
    source_add_target(source, 1, 0.5f, row);
    ck_assert_float_eq(row[1], 0.1f - 3.5f);
    source_close(&source);
}
END_TEST

START_TEST(a_list_keeps_labels_and_weights_beside_their_samples)
{
    static const char *const texts[] = {
        "path,label,weight\n0.jpg,a,0\n1.jpg,b,1\n2.jpg,a,2\n3.jpg,c,3\n3.jpg,b,4\n",
        "path,labels,weight\n0.jpg,c,0\n1.jpg,b a,1\n2.jpg,,2\n3.jpg,a,3\n3.jpg,c b,4\n",
        "path,x,weight,y\n0.jpg,0,0,0\n1.jpg,1,1,-1\n2.jpg,2,2,-2\n3.jpg,3,3,-3\n3.jpg,4,4,-4\n",
    };
    static const uint64_t kept[] = {1, 3, 4};
    struct source *whole = open_csv(texts[_i], "", 2);
    struct source *split = open_csv(texts[_i], "3\n./1.jpg\n", 2);
    ck_assert_uint_eq(source_count(split), 3);
    ck_assert_uint_eq(source_classes(split), source_classes(whole));
    ck_assert_uint_lt(source_listing_bytes(split), source_listing_bytes(whole));
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert_str_eq(source_name(split, i), source_name(whole, kept[i]));
        ck_assert_int_eq(source_label(split, i), source_label(whole, kept[i]));
        ck_assert_double_eq(source_weight(split, i), (double)kept[i]);
        float rows[2][3] = {0};
        source_add_target(split, i, 1, rows[0]);
        source_add_target(whole, kept[i], 1, rows[1]);
        ck_assert_mem_eq(rows[0], rows[1], sizeof rows[0]);
    }
    source_close(&split);
    source_close(&whole);
}
END_TEST

/* What the memory plan counts is what there is. */
START_TEST(labels_that_are_not_kept_give_their_memory_back)
{
    uint64_t bits[MANY / 64 + 1] = {2};
    struct labels labels = {.kind = STK_LABEL_NUMBERS, .count = MANY, .width = 10};
    labels.numbers = calloc(MANY * 10, sizeof labels.numbers[0]);
    labels.weights = calloc(MANY, sizeof labels.weights[0]);
    ck_assert(labels.numbers != NULL && labels.weights != NULL);
    labels.numbers[10] = 4;
    labels.weights[1] = 5;
    labels_keep(&labels, bits);
    ck_assert_uint_eq(labels.count, 1);
    ck_assert_float_eq(labels.numbers[0], 4);
    ck_assert_double_eq(labels.weights[0], 5);
    /* A long array shrinks by whole pages. */
    ck_assert_uint_lt(malloc_usable_size(labels.numbers), 16384);
    ck_assert_uint_lt(malloc_usable_size(labels.weights), 16384);
    labels_release(&labels);
}
END_TEST

/* A digest that depends on the order of the bytes and not on how they are cut. */
static void digest(void *context, const void *bytes, size_t len)
{
    uint64_t *state = context;
    for (size_t i = 0; i < len; i++)
        *state = (*state ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
}

START_TEST(the_listing_does_not_depend_on_the_number_of_threads)
{
    static char text[MANY * 24];
    size_t len = (size_t)sprintf(text, "path,label\n");
    for (int i = 0; i < MANY; i++)
        len += (size_t)sprintf(text + len, "%d.jpg,c%d\n", i * 7 % PICTURES, i % 91);
    static const unsigned threads[] = {1, 2, 8, 64};
    uint64_t digests[4] = {0};
    for (int i = 0; i < 4; i++) {
        struct source *source = open_csv(text, "", threads[i]);
        ck_assert_uint_eq(source_count(source), MANY);
        ck_assert_uint_eq(source_classes(source), 91);
        source_feed_listing(source, digest, &digests[i]);
        ck_assert_uint_eq(digests[i], digests[0]);
        source_close(&source);
    }
}
END_TEST

static enum stk_status reserve(void *context, struct encoded *encoded, size_t bytes)
{
    (void)context;
    encoded->data = malloc(bytes);
    encoded->capacity = bytes;
    return STK_OK;
}

static const struct source_reading reading = {.reserve = reserve};

START_TEST(a_sample_is_read_from_its_own_file)
{
    char text[PATH_BYTES * 2];
    snprintf(text, sizeof text, "path,label\n7.jpg,a\n%s/9.jpg,a\n", root);
    struct source *source = open_csv(text, "", 1);
    for (uint64_t i = 0; i < 2; i++) {
        struct encoded encoded = {0};
        ck_assert_int_eq(source_read(source, i, &reading, &encoded, error), STK_OK);
        ck_assert_uint_eq(encoded.len, 7 + 2 * i);
        free(encoded.data);
    }
    put("7.jpg", "longer now");
    struct encoded encoded = {0};
    ck_assert_int_eq(source_read(source, 0, &reading, &encoded, error), STK_UNREADABLE);
    source_close(&source);
}
END_TEST

START_TEST(every_failed_opening_gives_back_what_it_took)
{
    static const char *const texts[] = {"", "path\n", "path,label\n1.jpg,a\nnone,b\n",
                                        "path,x\n1.jpg,1\n2.jpg,y\n"};
    struct source *source = (struct source *)root;
    char url[PATH_BYTES + 4];
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);
    put("a.csv", texts[_i]);
    snprintf(url, sizeof url, "csv:%s/a.csv", root);
    const struct source_place place = {url, "", "", 0, NULL};
    ck_assert_int_ne(source_open(&place, 4, &source, error), STK_OK);
    ck_assert_ptr_null(source);
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    ck_assert_int_eq(before, after);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("csv");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, classes_are_numbered_by_name);
    tcase_add_test(tests, whole_numbers_are_the_class_numbers);
    tcase_add_test(tests, one_row_with_several_classes_makes_all_rows_several);
    tcase_add_test(tests, numbers_come_in_the_order_of_their_columns);
    tcase_add_loop_test(tests, a_list_keeps_labels_and_weights_beside_their_samples, 0, 3);
    tcase_add_test(tests, labels_that_are_not_kept_give_their_memory_back);
    tcase_add_test(tests, the_listing_does_not_depend_on_the_number_of_threads);
    tcase_add_test(tests, a_sample_is_read_from_its_own_file);
    tcase_add_loop_test(tests, every_failed_opening_gives_back_what_it_took, 0, 4);
    return suite_run("csv", tests);
}
