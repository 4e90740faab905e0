/*
 * Counter-based random numbers: Random123's known answers, and the ranges of the conversions.
 */
#include "daemon/base/rng.h"

#include "tests/suite.h"

/* Random123's kat_vectors for philox4x32-10: counter and key all ones. */
START_TEST(philox_gives_the_published_words)
{
    uint32_t words[4];
    struct rng rng = {.seed = UINT64_MAX,
                      .epoch = UINT32_MAX,
                      .purpose = (enum rng_purpose)0xffff,
                      .position = UINT64_MAX};
    rng_block(&rng, 0xffff, words);
    ck_assert_uint_eq(words[0], 0x408f276d);
    ck_assert_uint_eq(words[1], 0x41c83b0e);
    ck_assert_uint_eq(words[2], 0xa20bc7c6);
    ck_assert_uint_eq(words[3], 0x6d5451fd);
}
END_TEST

START_TEST(every_part_of_the_counter_changes_the_words)
{
    const struct rng base = {.seed = 1, .epoch = 2, .purpose = RNG_CROP, .position = 3};
    struct rng changed[] = {base, base, base, base, base, base};
    changed[1].seed ^= UINT64_C(1) << 40;
    changed[2].epoch++;
    changed[3].purpose = RNG_FLIP;
    changed[4].position++;
    changed[5].position ^= UINT64_C(1) << 40;
    uint32_t first[4];
    rng_block(&base, 0, first);
    for (int i = 0; i < 6; i++) {
        uint32_t words[4];
        rng_block(&changed[i], i == 0 ? 1 : 0, words);
        ck_assert(words[0] != first[0] || words[1] != first[1]);
    }
}
END_TEST

START_TEST(units_are_inside_the_open_interval)
{
    ck_assert_double_gt(rng_unit(0), 0.0);
    ck_assert_double_lt(rng_unit(UINT32_MAX), 1.0);
    ck_assert_double_gt(rng_unit52(0, 0), 0.0);
    ck_assert_double_lt(rng_unit52(UINT32_MAX, UINT32_MAX), 1.0);
}
END_TEST

START_TEST(integers_reach_both_ends_and_no_further)
{
    ck_assert_uint_eq(rng_below(0, 7), 0);
    ck_assert_uint_eq(rng_below(UINT32_MAX, 7), 6);
    ck_assert_uint_eq(rng_below64(0, 0, 1000000007), 0);
    ck_assert_uint_eq(rng_below64(UINT32_MAX, UINT32_MAX, 1000000007), 1000000006);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("rng");
    tcase_add_test(tests, philox_gives_the_published_words);
    tcase_add_test(tests, every_part_of_the_counter_changes_the_words);
    tcase_add_test(tests, units_are_inside_the_open_interval);
    tcase_add_test(tests, integers_reach_both_ends_and_no_further);
    return suite_run("rng", tests);
}
