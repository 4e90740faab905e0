/*
 * Wants: how soon a client comes to a batch, and what the cache makes of it.
 */
#include "daemon/batch/want.h"

#include "daemon/batch/cache.h"
#include "tests/samplers.h"
#include "tests/suite.h"

enum { STEPS = 100 };

/* Static, so that the leak checker finds what a test leaves behind for the process's end. */
static struct layout layout;
static struct figures figures;
static struct cache *cache;
static int identity;
static const struct recipe recipe = {.batch = 4,
                                     .repeat = 1,
                                     .subset = 1,
                                     .last = STK_LAST_WRAP,
                                     .height = 8,
                                     .width = 6,
                                     .dtype = STK_U8,
                                     .mix = {.method = MIX_NONE}};

/* Only a stream's identity matters here. */
static const struct stream *stream(void)
{
    return (const struct stream *)(const void *)&identity;
}

static struct want want_at(uint32_t epoch, uint64_t step)
{
    struct want want = {.stream = stream()};
    want_note(&want, (struct stk_address){epoch, step}, STEPS);
    return want;
}

static uint64_t distance(const struct want *want, uint32_t epoch, uint64_t step)
{
    const struct batch batch = {.stream = stream(), .address = {epoch, step}};
    return want_distance(want, &batch);
}

START_TEST(a_batch_is_wanted_until_it_is_passed)
{
    struct want want = want_at(3, 10);
    ck_assert_uint_eq(distance(&want, 3, 11), 0);
    ck_assert_uint_eq(distance(&want, 3, 99), 88);
    ck_assert_uint_eq(distance(&want, 3, 10), WANT_NEVER);
    ck_assert_uint_eq(distance(&want, 3, 0), WANT_NEVER);
    ck_assert_uint_eq(distance(&want, 2, 11), WANT_NEVER);
    want_note(&want, (struct stk_address){3, 11}, STEPS);
    ck_assert_uint_eq(distance(&want, 3, 11), WANT_NEVER);
    ck_assert_uint_eq(distance(&want, 3, 12), 0);
}
END_TEST

START_TEST(a_later_epoch_comes_behind_the_rest_of_this_one)
{
    struct want want = want_at(3, 98);
    ck_assert_uint_lt(distance(&want, 3, 99), distance(&want, 4, 0));
    ck_assert_uint_lt(distance(&want, 4, 0), distance(&want, 4, 1));
    ck_assert_uint_lt(distance(&want, 4, 99), distance(&want, 5, 0));
    ck_assert_uint_lt(distance(&want, UINT32_MAX, 0), WANT_NEVER);
}
END_TEST

START_TEST(a_rank_passes_by_what_others_take)
{
    struct want want = want_at(0, 2);
    want_note(&want, (struct stk_address){0, 10}, STEPS);
    ck_assert_uint_eq(distance(&want, 0, 18), 0);
    ck_assert_uint_eq(distance(&want, 0, 26), 1);
    ck_assert_uint_eq(distance(&want, 0, 17), WANT_NEVER);
    /* Every other of its steps is asked of another daemon, and then all of them here. */
    want_note(&want, (struct stk_address){0, 26}, STEPS);
    ck_assert_uint_eq(distance(&want, 0, 34), 0);
    ck_assert_uint_eq(distance(&want, 0, 35), WANT_NEVER);
    want_note(&want, (struct stk_address){0, 27}, STEPS);
    ck_assert_uint_eq(distance(&want, 0, 29), 1);
}
END_TEST

START_TEST(who_goes_back_or_on_to_another_epoch_is_met_without_a_stride)
{
    struct want want = want_at(0, 2);
    want_note(&want, (struct stk_address){0, 10}, STEPS);
    want_note(&want, (struct stk_address){0, 10}, STEPS); /* asked again: nothing new */
    ck_assert_uint_eq(distance(&want, 0, 11), WANT_NEVER);
    want_note(&want, (struct stk_address){0, 3}, STEPS);
    ck_assert_uint_eq(distance(&want, 0, 4), 0);
    want_note(&want, (struct stk_address){0, 11}, STEPS);
    want_note(&want, (struct stk_address){1, 2}, STEPS);
    ck_assert_uint_eq(distance(&want, 1, 3), 0);
}
END_TEST

START_TEST(other_pictures_are_not_wanted)
{
    struct want want = want_at(0, 2), none = {.stream = stream()};
    struct batch batch = {.stream = stream(), .address = {0, 5}, .unmixed = STK_UNMIXED_OWN};
    ck_assert_uint_eq(want_distance(&want, &batch), WANT_NEVER);
    batch.unmixed = STK_MIXED;
    ck_assert_uint_eq(want_distance(&want, &batch), 2);
    ck_assert_uint_eq(want_distance(&none, &batch), WANT_NEVER);
    batch.stream = NULL;
    ck_assert_uint_eq(want_distance(&want, &batch), WANT_NEVER);
}
END_TEST

static void cache_init(unsigned slabs)
{
    layout_init(&layout, &recipe, 0);
    ck_assert_int_eq(cache_open(slabs * layout.bytes, &figures, &cache), STK_OK);
}

static struct batch *make(uint64_t step)
{
    struct batch *batch;
    struct sampler sampler = sampler_of(&recipe, 4 * 1000);
    ck_assert_int_eq(cache_take(cache, &layout, &batch), STK_OK);
    batch_plan(batch, stream(), &recipe, &sampler, (struct stk_address){0, step}, STK_MIXED);
    cache_put(cache, batch);
    batch_set_state(batch, BATCH_FILLING);
    batch_seal(batch);
    batch_set_state(batch, BATCH_READY);
    return batch;
}

static void make_and_let_go(uint64_t step)
{
    struct batch *batch = make(step);
    cache_unref(cache, &batch);
}

static bool is_there(uint64_t step)
{
    return cache_find(cache, stream(), (struct stk_address){0, step}, STK_MIXED) != NULL;
}

START_TEST(what_all_have_passed_goes_before_what_a_laggard_will_want)
{
    struct want leader = want_at(0, 5), laggard = want_at(0, 1);
    cache_init(4);
    cache_want_add(cache, &leader);
    cache_want_add(cache, &laggard);
    for (uint64_t step = 2; step <= 5; step++)
        make_and_let_go(step % 4); /* 2, 3, 0, 1 */
    make_and_let_go(20);
    ck_assert(is_there(0) != is_there(1) && is_there(2) && is_there(3));
    make_and_let_go(21);
    ck_assert(!is_there(0) && !is_there(1) && is_there(2) && is_there(3));
    ck_assert_uint_eq(figure_get(&figures.batches_evicted_wanted), 0);
    make_and_let_go(22); /* all are wanted: what is wanted latest goes */
    ck_assert(is_there(2) && is_there(3) && is_there(20) && !is_there(21));
    ck_assert_uint_eq(figure_get(&figures.batches_evicted), 3);
    ck_assert_uint_eq(figure_get(&figures.batches_evicted_wanted), 1);
    cache_want_remove(&laggard);
    make_and_let_go(23); /* it has left */
    make_and_let_go(24);
    ck_assert(!is_there(2) && !is_there(3) && is_there(20));
    cache_close(&cache);
}
END_TEST

START_TEST(what_is_not_wanted_is_found_behind_many_that_are)
{
    struct want laggard = want_at(0, 10);
    cache_init(400);
    cache_want_add(cache, &laggard);
    for (uint64_t step = 11; step < 410; step++)
        make_and_let_go(step);
    make_and_let_go(5);
    make_and_let_go(500);
    ck_assert(!is_there(5));
    ck_assert_uint_eq(figure_get(&figures.batches_evicted_wanted), 0);
    make_and_let_go(501);
    ck_assert(!is_there(500) && is_there(11) && is_there(409));
    cache_close(&cache);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("want");
    tcase_add_test(tests, a_batch_is_wanted_until_it_is_passed);
    tcase_add_test(tests, a_later_epoch_comes_behind_the_rest_of_this_one);
    tcase_add_test(tests, a_rank_passes_by_what_others_take);
    tcase_add_test(tests, who_goes_back_or_on_to_another_epoch_is_met_without_a_stride);
    tcase_add_test(tests, other_pictures_are_not_wanted);
    tcase_add_test(tests, what_all_have_passed_goes_before_what_a_laggard_will_want);
    tcase_add_test(tests, what_is_not_wanted_is_found_behind_many_that_are);
    return suite_run("want", tests);
}
