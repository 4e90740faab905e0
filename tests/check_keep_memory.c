/*
 * Keeping memory: a large block that is freed and taken again is not mapped anew.
 *
 * Every test runs in its own process, because the setting is the process's.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "client/stoker.h"
#include "tests/suite.h"

enum { BLOCK_BYTES = 100 << 20, PAGE_BYTES = 4096, TIMES = 4 };
/* A fault brings a huge page in where the system maps those. */
enum { HUGE_PAGE_BYTES = 2 << 20 };
enum { FAULTS_MIN = BLOCK_BYTES / HUGE_PAGE_BYTES - 2 };

/* The sanitizers bring a malloc of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { OWN_MALLOC = 1 };
#else
enum { OWN_MALLOC = 0 };
#endif

static void use_block(void)
{
    volatile char *block = malloc(BLOCK_BYTES);
    ck_assert_ptr_nonnull((const void *)block);
    for (size_t i = 0; i < BLOCK_BYTES; i += PAGE_BYTES)
        block[i] = 1;
    free((void *)block);
}

/* Page faults of taking and filling a block again and again, after the first time. */
static void *count_faults(void *count)
{
    struct rusage before;
    struct rusage after;
    use_block();
    getrusage(RUSAGE_THREAD, &before);
    for (int i = 0; i < TIMES; i++)
        use_block();
    getrusage(RUSAGE_THREAD, &after);
    *(long *)count = after.ru_minflt - before.ru_minflt;
    return NULL;
}

static long faults_of_a_thread(void)
{
    long count = 0;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, count_faults, &count), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return count;
}

START_TEST(a_block_of_another_thread_is_kept)
{
    stk_keep_memory();
    long faults = faults_of_a_thread();
    if (!OWN_MALLOC)
        ck_assert_int_lt(faults, FAULTS_MIN);
}
END_TEST

START_TEST(without_it_every_page_is_mapped_anew)
{
    long faults = faults_of_a_thread();
    if (!OWN_MALLOC)
        ck_assert_int_ge(faults, TIMES * FAULTS_MIN);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("keep_memory");
    tcase_add_test(tests, a_block_of_another_thread_is_kept);
    tcase_add_test(tests, without_it_every_page_is_mapped_anew);
    return suite_run("keep_memory", tests);
}
