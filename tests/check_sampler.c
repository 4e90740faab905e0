/*
 * The sampler: its laws on 10^5 draws with fixed seeds, its subsets, its golden values, and what it
 * refuses.
 */
#include "daemon/plan/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/rng.h"
#include "daemon/plan/plan.h"
#include "daemon/transform/transform.h"
#include "tests/samplers.h"
#include "tests/suite.h"

enum { DRAWS = 100000 };

static struct recipe recipe_of(enum sampler_law law, uint64_t seed)
{
    return (struct recipe){.seed = seed, .batch = 8, .sampler = law, .repeat = 1, .subset = 1};
}

static struct sampler open_sampler(const struct recipe *recipe, uint64_t count, uint32_t classes,
                                   const int32_t *labels, const double *weights)
{
    const struct test_samples test = {labels, weights};
    const struct sampler_samples samples = samples_of(&test, count, classes);
    struct sampler sampler;
    char error[SAMPLER_ERROR_BYTES];
    ck_assert_msg(sampler_init(&sampler, recipe, &samples, error) == STK_OK, "%s", error);
    ck_assert_str_eq(error, "");
    return sampler;
}

static uint64_t index_at(const struct sampler *sampler, uint32_t number, uint64_t place)
{
    struct sampler_epoch epoch;
    sampler_epoch_init(&epoch, sampler, number);
    return sampler_index(&epoch, place);
}

/* How often each of count samples stands at a place of an epoch of DRAWS places. */
static void count_draws(const struct sampler *sampler, uint32_t number, unsigned *counts)
{
    struct sampler_epoch epoch;
    sampler_epoch_init(&epoch, sampler, number);
    for (uint64_t place = 0; place < DRAWS; place++)
        counts[sampler_index(&epoch, place)]++;
}

/* The statistic whose law is chi-squared with one degree fewer than there are cells above 0. */
static double chi_squared(const unsigned *counts, const double *expected, unsigned cells)
{
    double sum = 0;
    for (unsigned i = 0; i < cells; i++) {
        if (expected[i] == 0)
            ck_assert_uint_eq(counts[i], 0);
        else
            sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
    }
    return sum;
}

/* PROTOCOL.md's numbers, which plan1.py computes as well. */
static const double golden_weights[] = {1, 0, 2.5, 0.001, 0, 1, 7, 1e-12};
static const int32_t golden_labels[] = {2, 0, 2, 5, 2, 0, 2, 2};

START_TEST(draws_are_those_of_the_protocol)
{
    static const uint64_t sums[] = {613566757,  613566757,  2147483648, 2148097215,
                                    2148097215, 2761663972, 7056631268, 7056631269};
    static const uint64_t weighted[] = {6, 0, 6, 2, 6, 2, 6, 6, 0, 6, 6, 6};
    static const uint64_t balanced[] = {3, 1, 3, 5, 7, 5, 3, 3, 1, 3, 3, 3};
    struct recipe recipe = recipe_of(SAMPLER_WEIGHTED, 42);
    recipe.epoch_samples = 12;
    struct sampler sampler = open_sampler(&recipe, 8, 6, golden_labels, golden_weights);
    ck_assert_mem_eq(sampler.sums, sums, sizeof sums);
    for (uint64_t place = 0; place < 12; place++)
        ck_assert_uint_eq(index_at(&sampler, 3, place), weighted[place]);
    sampler_release(&sampler);
    recipe.sampler = SAMPLER_BALANCED;
    sampler = open_sampler(&recipe, 8, 6, golden_labels, golden_weights);
    ck_assert_uint_eq(sampler.class_count, 3);
    for (uint64_t place = 0; place < 12; place++)
        ck_assert_uint_eq(index_at(&sampler, 3, place), balanced[place]);
    sampler_release(&sampler);
}
END_TEST

START_TEST(weighted_draws_are_in_proportion_to_the_weights)
{
    enum { N = 40 };
    double weights[N], expected[N], total = 0;
    for (int i = 0; i < N; i++) {
        weights[i] = i % 5 == 0 ? 0 : i * 0.37;
        total += weights[i];
    }
    for (int i = 0; i < N; i++)
        expected[i] = weights[i] / total * DRAWS;
    struct recipe recipe = recipe_of(SAMPLER_WEIGHTED, 7);
    recipe.epoch_samples = DRAWS;
    struct sampler sampler = open_sampler(&recipe, N, 1, NULL, weights);
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        unsigned counts[N] = {0};
        count_draws(&sampler, epoch, counts);
        /* 31 degrees of freedom: 69.1 is passed with p = 1e-4. */
        ck_assert_double_lt(chi_squared(counts, expected, N), 69.1);
    }
    sampler_release(&sampler);
}
END_TEST

/* Classes of 1, 2, .. 12 samples, and an empty one, whose samples are strewn over the listing. */
START_TEST(balanced_draws_take_every_class_and_then_every_sample_alike)
{
    enum { CLASSES = 13, EMPTY = 5, N = 78 };
    int32_t labels[N];
    uint64_t count = 0;
    unsigned sizes[CLASSES] = {0};
    for (unsigned round = 0; round < 12; round++) {
        for (int32_t class = 0; class < CLASSES; class ++) {
            if (class != EMPTY && (unsigned)(class > EMPTY ? class - 1 : class) >= round) {
                labels[count++] = class;
                sizes[class]++;
            }
        }
    }
    ck_assert_uint_eq(count, N);
    struct recipe recipe = recipe_of(SAMPLER_BALANCED, 8);
    recipe.epoch_samples = DRAWS;
    struct sampler sampler = open_sampler(&recipe, N, CLASSES, labels, NULL);
    unsigned counts[N] = {0}, class_counts[CLASSES] = {0};
    count_draws(&sampler, 0, counts);
    double expected[N], class_expected[CLASSES];
    for (unsigned i = 0; i < N; i++) {
        expected[i] = (double)DRAWS / 12 / sizes[labels[i]];
        class_counts[labels[i]] += counts[i];
    }
    for (int i = 0; i < CLASSES; i++)
        class_expected[i] = i == EMPTY ? 0 : (double)DRAWS / 12;
    /* 11 and 77 degrees of freedom: 37.4 and 131.9 are passed with p = 1e-4. */
    ck_assert_double_lt(chi_squared(class_counts, class_expected, CLASSES), 37.4);
    ck_assert_double_lt(chi_squared(counts, expected, N), 131.9);
    sampler_release(&sampler);
}
END_TEST

/* Whether one place's sample tells anything of the next one's, or of the same in the next epoch. */
START_TEST(draws_of_neighbours_and_of_epochs_are_independent)
{
    enum { N = 6 };
    static const double weights[N] = {1, 2, 3, 4, 5, 6};
    struct recipe recipe = recipe_of(SAMPLER_WEIGHTED, 9);
    recipe.epoch_samples = DRAWS + 1;
    struct sampler sampler = open_sampler(&recipe, N, 1, NULL, weights);
    struct sampler_epoch first, second;
    sampler_epoch_init(&first, &sampler, 0);
    sampler_epoch_init(&second, &sampler, 1);
    unsigned next[N * N] = {0}, later[N * N] = {0};
    for (uint64_t place = 0; place < DRAWS; place++) {
        uint64_t index = sampler_index(&first, place);
        next[index * N + sampler_index(&first, place + 1)]++;
        later[index * N + sampler_index(&second, place)]++;
    }
    double expected[N * N];
    for (int i = 0; i < N * N; i++)
        expected[i] = DRAWS * weights[i / N] * weights[i % N] / (21 * 21);
    /* 35 degrees of freedom: 74.9 is passed with p = 1e-4. */
    ck_assert_double_lt(chi_squared(next, expected, N * N), 74.9);
    ck_assert_double_lt(chi_squared(later, expected, N * N), 74.9);
    sampler_release(&sampler);
}
END_TEST

/* Two equal weights have sums of 2^32 and 2^33; of 64 bits the upper 33 are the number drawn. */
START_TEST(a_number_at_a_running_sum_belongs_to_the_next_sample)
{
    static const double weights[] = {0, 1, 0, 1, 0};
    static const uint32_t words[][4] = {
        {0, 0}, {0x7fffffff, 0xffffffff}, {0x80000000, 0}, {0xffffffff, 0xffffffff}};
    static const uint64_t drawn[] = {1, 1, 3, 3};
    struct recipe recipe = recipe_of(SAMPLER_WEIGHTED, 0);
    struct sampler sampler = open_sampler(&recipe, 5, 1, NULL, weights);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(sampler_draw(&sampler, words[i]), drawn[i]);
    sampler_release(&sampler);
}
END_TEST

START_TEST(equal_weights_draw_as_any_other_weight_of_all)
{
    static const double ones[] = {1, 1, 1, 1, 1},
                        thirds[] = {1. / 3, 1. / 3, 1. / 3, 1. / 3, 1. / 3};
    struct recipe recipe = recipe_of(SAMPLER_WEIGHTED, 10);
    recipe.epoch_samples = 1000;
    struct sampler left = open_sampler(&recipe, 5, 1, NULL, ones);
    struct sampler right = open_sampler(&recipe, 5, 1, NULL, thirds);
    for (uint64_t place = 0; place < 1000; place++)
        ck_assert_uint_eq(index_at(&left, 0, place), index_at(&right, 0, place));
    sampler_release(&left);
    sampler_release(&right);
}
END_TEST

START_TEST(every_sample_of_the_pool_stands_in_an_epoch_once)
{
    static const double shares[] = {1, 0.999, 0.5, 0.1, 0.0005};
    for (int order = ORDER_SHUFFLE; order <= ORDER_SEQUENTIAL; order++) {
        for (int s = 0; s < 5; s++) {
            struct recipe recipe = recipe_of(SAMPLER_ALL, 11);
            recipe.order = (enum order)order;
            recipe.subset = shares[s];
            struct sampler sampler = sampler_of(&recipe, 2001);
            ck_assert_uint_eq(sampler.length, (uint64_t)nearbyint(shares[s] * 2001));
            unsigned seen[2][2001] = {0};
            for (uint32_t epoch = 0; epoch < 2; epoch++) {
                for (uint64_t place = 0; place < sampler.length; place++)
                    seen[epoch][index_at(&sampler, epoch, place)]++;
            }
            unsigned count = 0;
            for (int i = 0; i < 2001; i++) {
                ck_assert_uint_le(seen[0][i], 1);
                count += seen[0][i];
            }
            ck_assert_uint_eq(count, sampler.length);
            ck_assert_mem_eq(seen[0], seen[1], sizeof seen[0]);
        }
    }
}
END_TEST

START_TEST(a_smaller_subset_is_a_part_of_a_larger_one_and_a_seed_has_its_own)
{
    struct recipe recipe = recipe_of(SAMPLER_ALL, 12);
    recipe.order = ORDER_SEQUENTIAL;
    recipe.subset = 0.1;
    struct sampler small = sampler_of(&recipe, 1000);
    recipe.subset = 0.5;
    struct sampler large = sampler_of(&recipe, 1000);
    recipe.seed = 13;
    struct sampler other = sampler_of(&recipe, 1000);
    unsigned shared = 0;
    for (uint64_t place = 0; place < 100; place++) {
        ck_assert_uint_eq(index_at(&small, 0, place), index_at(&large, 0, place));
        shared += index_at(&large, 0, place) == index_at(&other, 0, place);
    }
    ck_assert_uint_lt(shared, 10);
}
END_TEST

/* Every sample is as likely as any other to be in the subset: over seeds. */
START_TEST(a_subset_takes_every_sample_alike)
{
    enum { N = 50, SEEDS = 4000 };
    unsigned counts[N] = {0};
    double expected[N];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct recipe recipe = recipe_of(SAMPLER_ALL, seed);
        recipe.order = ORDER_SEQUENTIAL;
        recipe.subset = 0.5;
        struct sampler sampler = sampler_of(&recipe, N);
        for (uint64_t place = 0; place < N / 2; place++)
            counts[index_at(&sampler, 0, place)]++;
    }
    for (int i = 0; i < N; i++)
        expected[i] = SEEDS / 2.0;
    /* Half of a whole is drawn without replacement, so the statistic is half of one with 49 degrees
     * of freedom, of which 94.6 is passed with p = 1e-4. */
    ck_assert_double_lt(2 * chi_squared(counts, expected, N), 94.6);
}
END_TEST

START_TEST(draws_and_stand_ins_stay_in_the_subset_and_have_no_weight_of_zero)
{
    enum { N = 200 };
    int32_t labels[N];
    double weights[N];
    for (int i = 0; i < N; i++) {
        labels[i] = i % 7;
        weights[i] = i % 3;
    }
    struct recipe recipe = recipe_of(SAMPLER_ALL, 14);
    recipe.order = ORDER_SEQUENTIAL;
    recipe.subset = 0.2;
    struct sampler all = sampler_of(&recipe, N);
    bool inside[N] = {false};
    for (uint64_t place = 0; place < 40; place++)
        inside[index_at(&all, 0, place)] = true;
    for (int law = SAMPLER_ALL; law <= SAMPLER_BALANCED; law++) {
        recipe.sampler = (enum sampler_law)law;
        recipe.order = ORDER_SHUFFLE;
        struct sampler sampler = open_sampler(&recipe, N, 7, labels, weights);
        ck_assert_uint_eq(sampler.length, 40);
        for (uint64_t i = 0; i < 1000; i++) {
            uint64_t index = index_at(&sampler, (uint32_t)i, i % 40);
            uint64_t stand_in = plan_replacement(&sampler, 0, i, 0);
            ck_assert(inside[index] && inside[stand_in]);
            ck_assert(law != SAMPLER_WEIGHTED || (weights[index] > 0 && weights[stand_in] > 0));
        }
        sampler_release(&sampler);
    }
}
END_TEST

START_TEST(one_sample_alone_is_known_by_what_can_be_drawn)
{
    static const double one[] = {0, 0, 2.5, 0}, two[] = {1, 0, 0, 1e-12};
    struct recipe recipe = recipe_of(SAMPLER_ALL, 0);
    struct sampler sampler = open_sampler(&recipe, 4, 1, NULL, one);
    ck_assert(!sampler_is_single(&sampler));
    recipe.subset = 0.25;
    sampler = open_sampler(&recipe, 4, 1, NULL, one);
    ck_assert(sampler_is_single(&sampler));
    recipe.subset = 1;
    recipe.sampler = SAMPLER_WEIGHTED;
    sampler = open_sampler(&recipe, 4, 1, NULL, one);
    ck_assert(sampler_is_single(&sampler));
    sampler_release(&sampler);
    sampler = open_sampler(&recipe, 4, 1, NULL, two);
    ck_assert(!sampler_is_single(&sampler));
    sampler_release(&sampler);
}
END_TEST

START_TEST(tables_are_counted_and_given_back)
{
    struct recipe recipe = recipe_of(SAMPLER_ALL, 0);
    struct sampler sampler = open_sampler(&recipe, 8, 6, golden_labels, golden_weights);
    ck_assert_uint_eq(sampler_bytes(&sampler), 0);
    recipe.sampler = SAMPLER_WEIGHTED;
    sampler = open_sampler(&recipe, 8, 6, golden_labels, golden_weights);
    ck_assert_uint_eq(sampler_bytes(&sampler), 8 * 8);
    sampler_release(&sampler);
    ck_assert_uint_eq(sampler_bytes(&sampler), 0);
    recipe.sampler = SAMPLER_BALANCED;
    sampler = open_sampler(&recipe, 8, 6, golden_labels, golden_weights);
    ck_assert_uint_eq(sampler_bytes(&sampler), 8 * 4 + 4 * 8);
    sampler_release(&sampler);
}
END_TEST

static void assert_refused(const struct recipe *recipe, uint64_t count, const int32_t *labels,
                           const double *weights, const char *sentence)
{
    const struct test_samples test = {labels, weights};
    const struct sampler_samples samples = samples_of(&test, count, 6);
    const struct sampler zero = {0};
    struct sampler sampler;
    char error[SAMPLER_ERROR_BYTES];
    ck_assert_int_eq(sampler_init(&sampler, recipe, &samples, error), STK_CONFIG);
    ck_assert_str_eq(error, sentence);
    ck_assert_mem_eq(&sampler, &zero, sizeof zero);
}

START_TEST(what_cannot_be_drawn_from_is_refused)
{
    static const double zeros[3] = {0, 0, 0}, negative[3] = {1, -0.5, 1}, nan[3] = {1, 1, NAN},
                        infinite[3] = {INFINITY, 1, 1};
    static const int32_t labels[3] = {0, 5, -1};
    struct recipe recipe = recipe_of(SAMPLER_WEIGHTED, 0);
    assert_refused(&recipe, 3, NULL, zeros,
                   "sampler = weighted, but no sample has a weight above 0");
    assert_refused(&recipe, 3, NULL, negative,
                   "sample 1 has the weight -0.5; weights are numbers of at least 0");
    assert_refused(&recipe, 3, NULL, nan,
                   "sample 2 has the weight nan; weights are numbers of at least 0");
    assert_refused(&recipe, 3, NULL, infinite,
                   "sample 0 has the weight inf; weights are numbers of at least 0");
    assert_refused(&recipe, SAMPLER_TABLE_MAX + 1, NULL, NULL,
                   "more than 2^31 samples to draw from; sampler = all takes any number, and "
                   "subset makes them fewer");
    recipe.sampler = SAMPLER_BALANCED;
    assert_refused(&recipe, 3, labels, NULL,
                   "sampler = balanced draws a class first, but sample 2 has no class number");
    recipe.sampler = SAMPLER_ALL;
    recipe.subset = 0.001;
    assert_refused(&recipe, 400, NULL, NULL,
                   "subset = 0.001 of 400 samples is none; make it larger");
}
END_TEST

START_TEST(a_billion_samples_cost_what_a_thousand_cost)
{
    struct recipe recipe = recipe_of(SAMPLER_ALL, 15);
    recipe.subset = 0.5;
    struct sampler sampler = sampler_of(&recipe, UINT64_C(1) << 40);
    ck_assert_uint_eq(sampler.length, UINT64_C(1) << 39);
    ck_assert_uint_eq(sampler_bytes(&sampler), 0);
    ck_assert_uint_ne(index_at(&sampler, 0, 0), index_at(&sampler, 0, sampler.length - 1));
}
END_TEST

/* Steps that repeat each other hold the same samples in the same slots, with other draws. */
START_TEST(repeats_are_steps_in_a_row_with_draws_of_their_own)
{
    enum { K = 3, STEPS = 12 };
    struct recipe recipe = recipe_of(SAMPLER_ALL, 16);
    recipe.repeat = K;
    recipe.height = recipe.width = 8;
    recipe.transforms[0] = TRANSFORM_RESIZE;
    recipe.transforms[1] = TRANSFORM_FLIP;
    recipe.transform_count = 2;
    recipe.flip.prob = 0.5;
    struct sampler sampler = sampler_of(&recipe, 8 * STEPS);
    ck_assert_uint_eq(plan_steps(&recipe, sampler.length), STEPS);
    struct plan_slot slots[STEPS][8];
    for (uint64_t step = 0; step < STEPS; step++)
        plan_batch(&recipe, &sampler, (struct stk_address){0, step}, slots[step]);
    unsigned flips_differ = 0;
    bool seen[8 * STEPS] = {false};
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < 8; i++) {
            const struct plan_slot *slot = &slots[step][i], *first = &slots[step / K * K][i];
            ck_assert_uint_eq(slot->position, (uint64_t)(step * 8 + i));
            ck_assert_uint_eq(slot->index, first->index);
            ck_assert(step % K != 0 || !seen[slot->index]);
            seen[slot->index] = true;
            flips_differ += transform_draw(&recipe, 0, slot->position, 8, 8).flip !=
                            transform_draw(&recipe, 0, first->position, 8, 8).flip;
        }
    }
    ck_assert_uint_gt(flips_differ, 10);
}
END_TEST

/* Rank r of W takes the steps r, r + W, ...; K repeats of a sample go to K ranks, or in equal parts
 * to all of them where there are fewer. */
START_TEST(repeats_of_a_sample_go_to_different_ranks)
{
    enum { WORLD_MAX = 12, N = 8 * 144 };
    for (uint32_t world = 1; world <= WORLD_MAX; world++) {
        for (uint32_t repeat = 1; repeat <= WORLD_MAX; repeat++) {
            if (world % repeat != 0 && repeat % world != 0)
                continue;
            struct recipe recipe = recipe_of(SAMPLER_ALL, 17);
            recipe.repeat = repeat;
            struct sampler sampler = sampler_of(&recipe, N);
            static unsigned taken[N][WORLD_MAX];
            memset(taken, 0, sizeof taken);
            for (uint64_t step = 0; step < 144 / repeat * repeat; step++) {
                struct plan_slot slots[8];
                plan_batch(&recipe, &sampler, (struct stk_address){0, step}, slots);
                for (int i = 0; i < 8; i++)
                    taken[slots[i].index][step % world]++;
            }
            for (int i = 0; i < N; i++) {
                unsigned ranks = 0, most = 0, total = 0;
                for (uint32_t rank = 0; rank < world; rank++) {
                    ranks += taken[i][rank] > 0;
                    total += taken[i][rank];
                    most = taken[i][rank] > most ? taken[i][rank] : most;
                }
                ck_assert(total == 0 || total == repeat);
                ck_assert(total == 0 || ranks == (repeat < world ? repeat : world));
                ck_assert(total == 0 || most == (repeat < world ? 1 : repeat / world));
            }
        }
    }
}
END_TEST

START_TEST(a_masked_epoch_counts_every_sample_once_and_goes_on_behind_its_end)
{
    enum { N = 21 };
    struct recipe recipe = recipe_of(SAMPLER_ALL, 18);
    recipe.order = ORDER_SEQUENTIAL;
    recipe.last = STK_LAST_MASK;
    struct sampler sampler = sampler_of(&recipe, N);
    ck_assert_uint_eq(plan_steps(&recipe, N), 3);
    unsigned counted[N] = {0};
    for (uint64_t step = 0; step < 6; step++) {
        struct plan_slot slots[8];
        ck_assert_uint_eq(plan_count(&recipe, N, step), 8);
        plan_batch(&recipe, &sampler, (struct stk_address){0, step}, slots);
        for (uint64_t i = 0; i < 8; i++) {
            ck_assert_uint_eq(slots[i].index, (step * 8 + i) % N);
            ck_assert_int_eq(slots[i].valid, step * 8 + i < N);
            counted[slots[i].index] += slots[i].valid;
        }
    }
    for (int i = 0; i < N; i++)
        ck_assert_uint_eq(counted[i], 1);
    ck_assert(plan_has_step(&recipe, N, 2 + PLAN_MASKED_STEPS));
    ck_assert(!plan_has_step(&recipe, N, 3 + PLAN_MASKED_STEPS));
    ck_assert(!plan_has_step(&recipe, N, UINT64_MAX));
    recipe.last = STK_LAST_PARTIAL;
    ck_assert(!plan_has_step(&recipe, N, 3));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("sampler");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, draws_are_those_of_the_protocol);
    tcase_add_test(tests, weighted_draws_are_in_proportion_to_the_weights);
    tcase_add_test(tests, balanced_draws_take_every_class_and_then_every_sample_alike);
    tcase_add_test(tests, draws_of_neighbours_and_of_epochs_are_independent);
    tcase_add_test(tests, a_number_at_a_running_sum_belongs_to_the_next_sample);
    tcase_add_test(tests, equal_weights_draw_as_any_other_weight_of_all);
    tcase_add_test(tests, every_sample_of_the_pool_stands_in_an_epoch_once);
    tcase_add_test(tests, a_smaller_subset_is_a_part_of_a_larger_one_and_a_seed_has_its_own);
    tcase_add_test(tests, a_subset_takes_every_sample_alike);
    tcase_add_test(tests, draws_and_stand_ins_stay_in_the_subset_and_have_no_weight_of_zero);
    tcase_add_test(tests, one_sample_alone_is_known_by_what_can_be_drawn);
    tcase_add_test(tests, tables_are_counted_and_given_back);
    tcase_add_test(tests, what_cannot_be_drawn_from_is_refused);
    tcase_add_test(tests, a_billion_samples_cost_what_a_thousand_cost);
    tcase_add_test(tests, repeats_are_steps_in_a_row_with_draws_of_their_own);
    tcase_add_test(tests, repeats_of_a_sample_go_to_different_ranks);
    tcase_add_test(tests, a_masked_epoch_counts_every_sample_once_and_goes_on_behind_its_end);
    return suite_run("sampler", tests);
}
