/*
 * The keyed permutation: it is one, and it is uniform.
 */
#include "daemon/plan/permute.h"

#include <string.h>

#include "tests/suite.h"

static struct permute keyed(uint64_t seed, uint32_t epoch, uint64_t n)
{
    struct permute permute;
    permute_init(&permute, &(struct rng){seed, epoch, RNG_SHUFFLE, 0}, n);
    return permute;
}

START_TEST(every_position_goes_to_another_place)
{
    enum { N_MAX = 3000 };
    for (uint64_t n = 1; n <= N_MAX; n = n < 70 ? n + 1 : n * 3 / 2) {
        char seen[N_MAX] = {0};
        struct permute permute = keyed(n, 0, n);
        for (uint64_t x = 0; x < n; x++) {
            uint64_t place = permute_at(&permute, x);
            ck_assert_uint_lt(place, n);
            ck_assert_msg(!seen[place], "n %lu: %lu is hit twice", n, place);
            seen[place] = 1;
        }
    }
}
END_TEST

START_TEST(seed_and_epoch_change_the_order)
{
    struct permute a = keyed(1, 0, 1000);
    struct permute b = keyed(2, 0, 1000);
    struct permute c = keyed(1, 1, 1000);
    int same_seed = 0;
    int same_epoch = 0;
    for (uint64_t x = 0; x < 1000; x++) {
        same_seed += permute_at(&a, x) == permute_at(&b, x);
        same_epoch += permute_at(&a, x) == permute_at(&c, x);
    }
    /* One match is expected of two independent permutations. */
    ck_assert_int_lt(same_seed, 12);
    ck_assert_int_lt(same_epoch, 12);
}
END_TEST

/* All 24 orders of 4: chi-squared with 23 degrees of freedom; 56 is passed with p = 1.4e-4. */
START_TEST(all_orders_of_four_are_equally_likely)
{
    enum { DRAWS = 48000 };
    unsigned counts[256] = {0};
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        struct permute permute = keyed(seed, 7, 4);
        unsigned order = 0;
        for (uint64_t x = 0; x < 4; x++)
            order = order << 2 | (unsigned)permute_at(&permute, x);
        counts[order]++;
    }
    double chi = 0;
    int orders = 0;
    for (int i = 0; i < 256; i++) {
        double off = counts[i] - DRAWS / 24.0;
        orders += counts[i] > 0;
        chi += counts[i] > 0 ? off * off / (DRAWS / 24.0) : 0;
    }
    ck_assert_int_eq(orders, 24);
    ck_assert_double_lt(chi, 56.0);
}
END_TEST

/* Where position x of 100 goes, over many epochs: 9,801 degrees of freedom of a 100 x 100 table. */
START_TEST(every_position_reaches_every_place_equally_often)
{
    enum { N = 100, EPOCHS = 20000 };
    static unsigned counts[N][N];
    memset(counts, 0, sizeof counts);
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        struct permute permute = keyed(99, epoch, N);
        for (uint64_t x = 0; x < N; x++)
            counts[x][permute_at(&permute, x)]++;
    }
    double chi = 0;
    double expected = (double)EPOCHS / N;
    for (int x = 0; x < N; x++) {
        for (int y = 0; y < N; y++)
            chi += (counts[x][y] - expected) * (counts[x][y] - expected) / expected;
    }
    /* Mean 9,801, standard deviation 140: within four of them. */
    ck_assert_double_gt(chi, 9801 - 4 * 140);
    ck_assert_double_lt(chi, 9801 + 4 * 140);
}
END_TEST

/* Neighbours stay neighbours with probability 1 / n: what a weak cipher gets wrong first. */
START_TEST(neighbours_are_torn_apart)
{
    enum { N = 1 << 20 };
    struct permute permute = keyed(5, 0, N);
    unsigned close = 0;
    uint64_t before = permute_at(&permute, 0);
    for (uint64_t x = 1; x < 200000; x++) {
        uint64_t place = permute_at(&permute, x);
        close += place > before ? place - before < 64 : before - place < 64;
        before = place;
    }
    /* Expected 200,000 * 126 / 2^20 = 24. */
    ck_assert_uint_gt(close, 4);
    ck_assert_uint_lt(close, 50);
}
END_TEST

START_TEST(a_billion_samples_cost_no_memory)
{
    struct permute permute = keyed(3, 0, 1000000000);
    uint64_t sum = 0;
    for (uint64_t x = 0; x < 1000; x++)
        sum += permute_at(&permute, x * 999983);
    ck_assert_uint_gt(sum / 1000, 400000000);
    ck_assert_uint_lt(sum / 1000, 600000000);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("permute");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_position_goes_to_another_place);
    tcase_add_test(tests, seed_and_epoch_change_the_order);
    tcase_add_test(tests, all_orders_of_four_are_equally_likely);
    tcase_add_test(tests, every_position_reaches_every_place_equally_often);
    tcase_add_test(tests, neighbours_are_torn_apart);
    tcase_add_test(tests, a_billion_samples_cost_no_memory);
    return suite_run("permute", tests);
}
