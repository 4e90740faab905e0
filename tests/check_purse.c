/*
 * Purse: what looks may take, over time.
 */
#include "daemon/purse.h"

#include "tests/suite.h"

#define MS ((uint64_t)1000000)

enum {
    WORKERS = 2,
    FULL_MS = WORKERS * PURSE_MS_PER_WORKER,
    FILL_MS = WORKERS * PURSE_SHARE_PERMILLE, /* in a second */
    ADVANCE_MS = FILL_MS * PURSE_ADVANCE_S,
    MOST_MS = FULL_MS + ADVANCE_MS,
};

static struct purse purse;

static void begin(void)
{
    purse_init(&purse, WORKERS);
}

static uint64_t share_ms(uint64_t look)
{
    return purse_share(&purse, look).ns / MS;
}

/* Looks that take all that they may until there is nothing. */
static void empty(void)
{
    for (uint64_t look = 1000; share_ms(look) > 0; look++)
        purse_pay(&purse, look, share_ms(look) * MS, false);
}

START_TEST(a_look_may_take_what_is_there_and_four_seconds_in_advance)
{
    ck_assert_uint_eq(share_ms(1), MOST_MS);
    ck_assert(purse_share(&purse, 1).most);
    purse_pay(&purse, 1, 700 * MS, false);
    ck_assert_uint_eq(share_ms(1), MOST_MS - 700);
    ck_assert(!purse_share(&purse, 1).most);
}
END_TEST

START_TEST(after_whatever_look_the_next_begins_within_seconds)
{
    for (int i = 0; i < 100; i++) {
        empty();
        int seconds = 0;
        for (; share_ms(1) == 0; seconds++)
            purse_fill(&purse, 1000);
        ck_assert_int_le(seconds, PURSE_ADVANCE_S + 1);
    }
}
END_TEST

/* It asks without end, another thing each time, and takes half a row's time more than it may. */
START_TEST(the_dearest_look_again_and_again_takes_the_share_alone)
{
    enum { SECONDS = 100000, MORE_MS = 3 };
    uint64_t taken_ms = 0;
    for (uint64_t second = 0; second < SECONDS; second++) {
        for (uint64_t look = second * 100; share_ms(look) > 0; look++) {
            uint64_t ms = share_ms(look) + MORE_MS;
            purse_pay(&purse, look, ms * MS, true);
            taken_ms += ms;
        }
        purse_fill(&purse, 1000);
    }
    ck_assert_uint_le(taken_ms, MOST_MS + MORE_MS + (uint64_t)FILL_MS * SECONDS);
    ck_assert_uint_ge(taken_ms, (uint64_t)FILL_MS * SECONDS);
}
END_TEST

START_TEST(a_purse_that_nobody_needs_does_not_overflow)
{
    purse_fill(&purse, 1000000000);
    ck_assert_uint_eq(share_ms(1), MOST_MS);
    empty();
    purse_fill(&purse, 1000000000);
    ck_assert_uint_eq(share_ms(1), MOST_MS);
}
END_TEST

START_TEST(a_look_that_was_stopped_waits_for_more_and_others_do_not)
{
    empty();
    purse_fill(&purse, (PURSE_ADVANCE_S + 1) * 1000);
    uint64_t first_ms = share_ms(1);
    ck_assert_uint_eq(first_ms, FILL_MS + ADVANCE_MS);
    purse_pay(&purse, 1, first_ms * MS, true);
    purse_fill(&purse, (PURSE_ADVANCE_S + 1) * 1000);
    ck_assert_uint_eq(share_ms(1), 0);
    ck_assert_uint_eq(share_ms(2), first_ms);
    while (share_ms(2) < PURSE_MORE * first_ms) {
        ck_assert_uint_eq(share_ms(1), 0);
        purse_fill(&purse, 1000);
    }
    ck_assert_uint_eq(share_ms(1), share_ms(2));
}
END_TEST

START_TEST(a_look_that_always_was_stopped_begins_with_the_most)
{
    for (int i = 0; i < 3; i++) {
        purse_pay(&purse, 1, MOST_MS * MS, true);
        purse_fill(&purse, 1000000);
        ck_assert_uint_eq(share_ms(1), MOST_MS);
        ck_assert(purse_share(&purse, 1).most);
    }
}
END_TEST

START_TEST(the_looks_stopped_last_are_remembered)
{
    for (uint64_t look = 0; look < 10 * PURSE_REMEMBERED; look++)
        purse_pay(&purse, look, 400 * MS, true);
    purse_fill(&purse, 1000000000);
    purse_pay(&purse, 1 << 20, 300 * MS, false);
    for (uint64_t look = 0; look < 10 * PURSE_REMEMBERED; look++)
        ck_assert_int_eq(share_ms(look) == 0, look >= 9 * PURSE_REMEMBERED);
}
END_TEST

START_TEST(with_many_workers_one_look_is_over_in_seconds)
{
    purse_init(&purse, 64);
    ck_assert_uint_eq(share_ms(1), PURSE_LOOK_MS_MAX);
    ck_assert(purse_share(&purse, 1).most);
    purse_pay(&purse, 1, 64 * PURSE_MS_PER_WORKER * MS - 1, true);
    ck_assert_uint_eq(share_ms(1), PURSE_LOOK_MS_MAX);
    purse_pay(&purse, 2, 1, false);
    ck_assert_uint_eq(share_ms(2), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("purse");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, a_look_may_take_what_is_there_and_four_seconds_in_advance);
    tcase_add_test(tests, after_whatever_look_the_next_begins_within_seconds);
    tcase_add_test(tests, the_dearest_look_again_and_again_takes_the_share_alone);
    tcase_add_test(tests, a_purse_that_nobody_needs_does_not_overflow);
    tcase_add_test(tests, a_look_that_was_stopped_waits_for_more_and_others_do_not);
    tcase_add_test(tests, a_look_that_always_was_stopped_begins_with_the_most);
    tcase_add_test(tests, the_looks_stopped_last_are_remembered);
    tcase_add_test(tests, with_many_workers_one_look_is_over_in_seconds);
    return suite_run("purse", tests);
}
