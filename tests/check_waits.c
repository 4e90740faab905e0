/*
 * Waits: quantiles are never too low and at most 3 % too high.
 */
/* The command is a program: there is no library to take it from. */
#include "client/command/waits.c"

#include "tests/suite.h"

START_TEST(quantiles_of_even_times_are_right_within_a_bucket)
{
    static struct waits waits;
    for (uint64_t ns = 1; ns <= 100000; ns++)
        waits_add(&waits, ns * 977);
    static const double shares[] = {0.01, 0.5, 0.9, 0.99, 1};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double wanted = shares[i] * 100000 * 977;
        double got = (double)waits_quantile(&waits, shares[i]);
        ck_assert_double_ge(got, wanted * 0.9999999);
        ck_assert_double_le(got, wanted * 1.0313);
    }
}
END_TEST

START_TEST(every_time_that_a_number_holds_has_a_bucket_that_ends_behind_it)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int below = 0; below < 2; below++) {
            static const struct waits none;
            struct waits waits = none;
            uint64_t ns = ((uint64_t)1 << bit) - (uint64_t)below;
            waits_add(&waits, ns);
            uint64_t got = waits_quantile(&waits, 0.5);
            ck_assert_uint_ge(got, ns);
            ck_assert_uint_le(got - ns, ns / 32);
        }
    }
}
END_TEST

START_TEST(merged_waits_count_together)
{
    static struct waits low, high;
    for (int i = 0; i < 99; i++)
        waits_add(&low, 10);
    waits_add(&high, 31);
    waits_merge(&low, &high);
    ck_assert_uint_eq(low.count, 100);
    ck_assert_uint_eq(waits_quantile(&low, 0.99), 10);
    ck_assert_uint_eq(waits_quantile(&low, 1), 31);
}
END_TEST

START_TEST(no_waits_have_no_quantile)
{
    static const struct waits waits;
    ck_assert_uint_eq(waits_quantile(&waits, 0.5), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("waits");
    tcase_add_test(tests, quantiles_of_even_times_are_right_within_a_bucket);
    tcase_add_test(tests, every_time_that_a_number_holds_has_a_bucket_that_ends_behind_it);
    tcase_add_test(tests, merged_waits_count_together);
    tcase_add_test(tests, no_waits_have_no_quantile);
    return suite_run("waits", tests);
}
