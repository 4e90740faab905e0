/*
 * Buckets: tokens of addresses, over time.
 */
#include "daemon/buckets.h"

#include "tests/suite.h"

#define S ((uint64_t)1000000000)

enum { RATE = 10, DEPTH = 50 };

static const struct bucket_law law = {.token_ns = S / RATE, .depth_ns = DEPTH * (S / RATE)};
static struct buckets buckets;

static unsigned taken(struct bucket_owner owner, unsigned tries, uint64_t now_ns)
{
    unsigned count = 0;
    for (unsigned i = 0; i < tries; i++)
        count += buckets_take(&buckets, &law, owner, now_ns);
    return count;
}

static struct bucket_owner host(uint64_t number)
{
    return (struct bucket_owner){.number = number, .kind = 1};
}

START_TEST(a_quiet_address_may_take_a_bucket_at_once_and_then_as_it_fills)
{
    ck_assert_uint_eq(taken(host(1), 1000, S), DEPTH);
    ck_assert_uint_eq(taken(host(1), 1000, S), 0);
    ck_assert_uint_eq(taken(host(1), 1000, 2 * S), RATE);
    for (uint64_t tenth = 1; tenth <= 100; tenth++)
        ck_assert_uint_eq(taken(host(1), 1000, 2 * S + tenth * S / RATE), 1);
    ck_assert_uint_eq(taken(host(1), 1000, 1000 * S), DEPTH);
}
END_TEST

START_TEST(one_address_leaves_the_others_theirs)
{
    ck_assert_uint_eq(taken(host(1), 1000, S), DEPTH);
    ck_assert_uint_eq(taken(host(2), 1000, S), DEPTH);
    const struct bucket_owner user = {.number = 1, .kind = 2};
    ck_assert_uint_eq(taken(user, 1000, S), DEPTH);
    for (uint64_t s = 2; s < 100; s++) {
        ck_assert_uint_eq(taken(host(1), 1000, s * S), RATE);
        ck_assert_uint_eq(taken(host(3), 1, s * S), 1);
    }
}
END_TEST

START_TEST(all_together_have_four_times_as_much)
{
    unsigned count = 0;
    for (uint64_t number = 0; number < 100000; number++)
        count += taken(host(number << 8), 1, S);
    ck_assert_uint_eq(count, BUCKETS_ADDRESSES * DEPTH);
    ck_assert_uint_eq(taken(host(1), 1000, S), 0);
    count = 0;
    for (uint64_t number = 0; number < 100000; number++)
        count += taken(host(number), 1, 2 * S);
    ck_assert_uint_eq(count, BUCKETS_ADDRESSES * RATE);
}
END_TEST

/* Whoever brings many addresses does not get an empty bucket forgotten by it. */
START_TEST(an_empty_bucket_is_forgotten_last)
{
    ck_assert_uint_eq(taken(host(1), 1000, 100 * S), DEPTH);
    for (uint64_t number = 2; number < 100000; number++)
        (void)taken(host(number), 1, 100 * S + number * S / 1000);
    ck_assert_uint_lt(taken(host(1), 1000, 102 * S), DEPTH);
}
END_TEST

START_TEST(without_a_rate_nothing_is_limited)
{
    const struct bucket_law none = {.token_ns = 0};
    for (int i = 0; i < 100000; i++)
        ck_assert(buckets_take(&buckets, &none, host(1), S));
    ck_assert_uint_eq(taken(host(1), 1000, S), DEPTH);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("buckets");
    tcase_add_test(tests, a_quiet_address_may_take_a_bucket_at_once_and_then_as_it_fills);
    tcase_add_test(tests, one_address_leaves_the_others_theirs);
    tcase_add_test(tests, all_together_have_four_times_as_much);
    tcase_add_test(tests, an_empty_bucket_is_forgotten_last);
    tcase_add_test(tests, without_a_rate_nothing_is_limited);
    return suite_run("buckets", tests);
}
