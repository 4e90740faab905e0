/*
 * The plan of mixing: lambda's laws, who shares what with whom, and what a draw depends on.
 */
#include "daemon/plan/mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plan_mixes.h"

/* Lambda. */

/* The distribution of Beta(a, a), by its power series below the middle and by symmetry above. */
static double beta_law(double x, double a)
{
    if (x <= 0)
        return 0;
    if (x > 0.5)
        return 1 - beta_law(1 - x, a);
    double term = 1, sum = 1 / a;
    for (int n = 1; n < 200; n++) {
        term *= (n - a) / n * x;
        sum += term / (a + n);
    }
    return exp(a * log(x) + lgamma(2 * a) - 2 * lgamma(a)) * sum;
}

/* Kolmogorov's distance between weights and their law, times the root of their number. */
static double distance(const struct plan_slot *slots, double alpha, bool fold)
{
    static unsigned counts[PLAN_LAMBDA_ONE + 1];
    memset(counts, 0, sizeof counts);
    for (unsigned i = 0; i < DRAWS; i++)
        counts[slots[i].weight]++;
    double largest = 0;
    unsigned sum = 0;
    for (unsigned k = 0; k < PLAN_LAMBDA_ONE; k++) {
        sum += counts[k];
        double law = beta_law((k + 0.5) / PLAN_LAMBDA_ONE, alpha);
        if (fold)
            law = k < PLAN_LAMBDA_ONE / 2 ? 0 : 2 * law - 1;
        largest = fmax(largest, fabs((double)sum / DRAWS - law));
    }
    return largest * sqrt(DRAWS);
}

static const double alphas[] = {0.1, 0.2, 0.4, 0.5, 0.6, 1.0, 2.0, 8.0};
enum { ALPHAS = sizeof alphas / sizeof alphas[0] };

START_TEST(mixups_lambda_follows_beta)
{
    struct recipe recipe = recipe_of(MIX_PRESET_FASTAI, &mixup);
    recipe.mix.alpha = alphas[_i];
    recipe.mix.fold = MIX_NO;
    struct plan_slot *slots = plan_epoch(&recipe, N);
    ck_assert_double_lt(distance(slots, alphas[_i], false), 2.2252); /* p = 1e-4 */
    double squares = 0, fourths = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        double off = (double)slots[i].lambda - 0.5;
        squares += off * off / DRAWS;
        fourths += off * off * off * off / DRAWS;
        ck_assert_float_eq(slots[i].lambda, (float)slots[i].weight / PLAN_LAMBDA_ONE);
    }
    double variance = 1 / (4 * (2 * alphas[_i] + 1));
    ck_assert_double_le(fabs(squares - variance),
                        z_two_sided * sqrt((fourths - variance * variance) / DRAWS));
    free(slots);
}
END_TEST

START_TEST(fastais_lambda_is_folded)
{
    static const double means[][2] = {{0.2, 0.89881}, {0.4, 0.83976}, {1.0, 0.75}};
    struct recipe recipe = recipe_of(MIX_PRESET_FASTAI, &mixup);
    recipe.mix.alpha = means[_i][0];
    struct plan_slot *slots = plan_epoch(&recipe, N);
    ck_assert_double_lt(distance(slots, recipe.mix.alpha, true), 2.2252);
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        ck_assert_uint_ge(slots[i].weight, PLAN_LAMBDA_ONE / 2);
        sum += (double)slots[i].lambda;
        squares += (double)slots[i].lambda * (double)slots[i].lambda;
    }
    double mean = sum / DRAWS;
    double error = sqrt((squares / DRAWS - mean * mean) / DRAWS);
    ck_assert_double_le(fabs(mean - means[_i][1]), z_two_sided * error);
    free(slots);
}
END_TEST

START_TEST(fastbooks_lambda_is_uniform_from_a_half)
{
    struct recipe recipe = recipe_of(MIX_PRESET_FASTBOOK, NULL);
    struct plan_slot *slots = plan_epoch(&recipe, N);
    unsigned counts[64] = {0};
    for (unsigned i = 0; i < DRAWS; i++) {
        unsigned cell = (slots[i].weight - PLAN_LAMBDA_ONE / 2u) / 128;
        counts[cell < 64 ? cell : 63]++;
    }
    assert_uniform(counts, 64);
    free(slots);
}
END_TEST

START_TEST(lambdas_of_neighbours_are_independent)
{
    struct recipe recipe = recipe_of(MIX_PRESET_FASTAI, &mixup);
    recipe.mix.alpha = 1;
    recipe.mix.fold = MIX_NO;
    struct plan_slot *slots = plan_epoch(&recipe, N);
    double sum = 0;
    for (unsigned i = 1; i < DRAWS; i++)
        sum += ((double)slots[i].lambda - 0.5) * ((double)slots[i - 1].lambda - 0.5);
    ck_assert_double_le(fabs(sum * 12) / sqrt(DRAWS), z_two_sided);
    free(slots);
}
END_TEST

/* CutMix's is not folded, and its area follows Beta but for clipping, which takes lambda up. */
START_TEST(cutmix_is_never_folded)
{
    struct recipe recipe = recipe_of(MIX_PRESET_FASTAI, &cutmix);
    recipe.mix.per = MIX_PER_SAMPLE;
    recipe.mix.fold = MIX_YES;
    struct plan_slot *slots = plan_epoch(&recipe, N);
    unsigned below = 0;
    for (unsigned i = 0; i < DRAWS; i++)
        below += slots[i].lambda < 0.5f;
    ck_assert_uint_gt(below, DRAWS / 20);
    free(slots);
}
END_TEST

/* Who shares. */

static bool same_share(const struct plan_slot *a, const struct plan_slot *b)
{
    return a->mixing == b->mixing && a->weight == b->weight && a->lambda == b->lambda &&
           memcmp(&a->cut, &b->cut, sizeof a->cut) == 0;
}

START_TEST(a_batch_or_a_pair_shares_all_of_its_draws)
{
    struct recipe recipe = recipe_of(MIX_PRESET_TIMM, NULL);
    recipe.mix.prob = 0.8;
    recipe.mix.per = (enum mix_per)_i;
    unsigned differ = 0, kinds[3] = {0};
    struct plan_slot *slots = plan_epoch(&recipe, N);
    for (unsigned step = 0; step < STEPS; step++) {
        const struct plan_slot *batch = slots + step * B;
        for (unsigned i = 0; i < B; i++) {
            kinds[batch[i].mixing]++;
            differ += !same_share(&batch[i], &batch[0]);
            if (recipe.mix.per != MIX_PER_SAMPLE)
                ck_assert(same_share(&batch[i], &batch[B - 1 - i]));
        }
    }
    ck_assert(recipe.mix.per == MIX_PER_BATCH ? differ == 0 : differ > DRAWS / 2);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_gt(kinds[i], DRAWS / 10);
    free(slots);
}
END_TEST

START_TEST(mixing_and_switching_have_their_probabilities)
{
    static const double rows[][2] = {{1, 0.5}, {0.3, 0.25}, {0.9, 1}, {0.5, 0}, {0, 0.5}};
    struct recipe recipe = recipe_of(MIX_PRESET_TIMM, NULL);
    recipe.mix.per = MIX_PER_SAMPLE;
    recipe.mix.prob = rows[_i][0];
    recipe.mix.switch_prob = rows[_i][1];
    unsigned kinds[3] = {0};
    struct plan_slot *slots = plan_epoch(&recipe, N);
    for (unsigned i = 0; i < DRAWS; i++)
        kinds[slots[i].mixing]++;
    assert_frequency(DRAWS - kinds[PLAN_KEEP], DRAWS, recipe.mix.prob);
    assert_frequency(kinds[PLAN_CUT], DRAWS - kinds[PLAN_KEEP], recipe.mix.switch_prob);
    free(slots);
}
END_TEST

/* Partners. */

/* Cells of random permutations have (b - 1)^2 degrees of freedom, b / (b - 1) times as wide. */
START_TEST(a_permutation_pairs_everyone_with_everyone)
{
    enum { SIDE = 10 };
    struct recipe recipe = recipe_of(MIX_PRESET_PAPER, NULL);
    recipe.batch = SIDE;
    unsigned cells[SIDE * SIDE] = {0};
    struct plan_slot *slots = plan_epoch(&recipe, N);
    for (unsigned i = 0; i < DRAWS; i++)
        cells[i % SIDE * SIDE + slots[i].partner]++;
    for (unsigned i = 0; i < DRAWS; i += SIDE) {
        unsigned seen = 0;
        for (unsigned k = 0; k < SIDE; k++)
            seen |= 1u << slots[i + k].partner;
        ck_assert_uint_eq(seen, (1u << SIDE) - 1);
    }
    double statistic = chi_square(cells, SIDE * SIDE) * (SIDE - 1) / SIDE;
    ck_assert_double_lt(statistic, chi_square_limit((SIDE - 1) * (SIDE - 1)));
    free(slots);
}
END_TEST

START_TEST(reverse_and_roll_are_timms_and_torchvisions)
{
    for (uint32_t count = 1; count <= 9; count++) {
        struct recipe reverse = recipe_of(MIX_PRESET_TIMM, NULL);
        struct recipe roll = recipe_of(MIX_PRESET_TORCHVISION, NULL);
        reverse.batch = roll.batch = count;
        struct plan_slot reversed[9], rolled[9];
        plan_step(&reverse, N, (struct stk_address){0, 0}, reversed);
        plan_step(&roll, N, (struct stk_address){0, 0}, rolled);
        for (uint32_t i = 0; i < count; i++) {
            ck_assert_uint_eq(reversed[i].partner, count - i - 1);
            ck_assert_uint_eq(rolled[i].partner, (i + count - 1) % count);
        }
        if (count % 2 == 1) /* the middle one is left with itself */
            ck_assert_uint_eq(reversed[count / 2].partner, count / 2);
    }
}
END_TEST

START_TEST(partners_from_the_data_set_are_uniform_and_another_sample)
{
    struct recipe recipe = recipe_of(MIX_PRESET_FASTBOOK, NULL);
    recipe.mix.partner_self = _i == 1 ? MIX_YES : MIX_NO;
    unsigned partners[N] = {0}, apart[N] = {0};
    struct plan_slot *slots = plan_epoch(&recipe, N);
    for (unsigned i = 0; i < DRAWS; i++) {
        ck_assert_uint_lt(slots[i].partner_index, N);
        ck_assert_uint_eq(slots[i].partner, i % B);
        partners[slots[i].partner_index]++;
        apart[(slots[i].partner_index + N - slots[i].index) % N]++;
    }
    assert_uniform(partners, N);
    if (recipe.mix.partner_self == MIX_YES)
        assert_uniform(apart, N);
    else
        assert_uniform(apart + 1, N - 1);
    ck_assert(recipe.mix.partner_self == MIX_YES || apart[0] == 0);
    free(slots);
}
END_TEST

START_TEST(of_two_samples_the_partner_is_the_other_one)
{
    struct recipe recipe = recipe_of(MIX_PRESET_FASTBOOK, NULL);
    struct plan_slot *slots = plan_epoch(&recipe, 2);
    for (unsigned i = 0; i < DRAWS; i++)
        ck_assert_uint_eq(slots[i].partner_index, 1 - slots[i].index);
    free(slots);
}
END_TEST

/* By weight, a sample of none is nobody's partner; a slot's own is left out of what is drawn. */
START_TEST(partners_from_the_data_set_follow_the_sampler)
{
    enum { FEW = 4 };
    static const double weights[FEW] = {3, 0, 1, 2};
    const struct test_samples test = {.weights = weights};
    const struct sampler_samples samples = samples_of(&test, FEW, 1);
    struct recipe recipe = recipe_of(MIX_PRESET_FASTBOOK, NULL);
    recipe.sampler = SAMPLER_WEIGHTED;
    recipe.epoch_samples = DRAWS;
    struct sampler sampler;
    char error[SAMPLER_ERROR_BYTES];
    ck_assert_int_eq(sampler_init(&sampler, &recipe, &samples, error), STK_OK);
    unsigned drawn[FEW] = {0}, pairs[FEW][FEW] = {{0}};
    for (uint64_t step = 0; step < STEPS; step++) {
        struct plan_slot slots[B];
        plan_batch(&recipe, &sampler, (struct stk_address){0, step}, slots);
        for (int i = 0; i < B; i++) {
            drawn[slots[i].index]++;
            pairs[slots[i].index][slots[i].partner_index]++;
        }
    }
    sampler_release(&sampler);
    for (int i = 0; i < FEW; i++) {
        for (int k = 0; k < FEW; k++)
            assert_frequency(pairs[i][k], drawn[i], i == k ? 0 : weights[k] / (6 - weights[i]));
    }
}
END_TEST

/* What it depends on. */

static const enum mix_partner partners[] = {MIX_PARTNER_PERMUTATION, MIX_PARTNER_REVERSE,
                                            MIX_PARTNER_ROLL, MIX_PARTNER_DATASET};

START_TEST(one_slot_and_odd_batches_work_in_every_mode)
{
    struct recipe recipe = recipe_of(MIX_PRESET_TIMM, NULL);
    recipe.mix.partner = partners[_i / 3];
    recipe.mix.per = (enum mix_per)(_i % 3);
    if (recipe.mix.per == MIX_PER_PAIR && recipe.mix.partner != MIX_PARTNER_REVERSE)
        return; /* the configuration refuses it */
    for (recipe.batch = 1; recipe.batch <= 7; recipe.batch += 2) {
        for (uint64_t step = 0; step < 20; step++) {
            struct plan_slot slots[7];
            unsigned seen = 0;
            plan_step(&recipe, N, (struct stk_address){0, step}, slots);
            for (uint32_t i = 0; i < recipe.batch; i++) {
                ck_assert_int_ne(slots[i].mixing, PLAN_KEEP);
                ck_assert(slots[i].lambda >= 0 && slots[i].lambda <= 1);
                seen |= 1u << slots[i].partner;
            }
            ck_assert_uint_eq(seen, (1u << recipe.batch) - 1);
        }
    }
}
END_TEST

/* Seed, epoch and position make a draw of a sample; how many are in a batch does not. */
START_TEST(a_samples_draws_depend_on_its_position_alone)
{
    struct recipe recipe = recipe_of(MIX_PRESET_TIMM, NULL);
    recipe.mix.per = MIX_PER_SAMPLE;
    recipe.mix.partner = MIX_PARTNER_DATASET;
    struct plan_slot *wide = plan_epoch(&recipe, N);
    recipe.batch = 20;
    struct plan_slot *narrow = plan_epoch(&recipe, N);
    for (unsigned i = 0; i < DRAWS; i++) {
        ck_assert(same_share(&wide[i], &narrow[i]));
        ck_assert_uint_eq(wide[i].partner_index, narrow[i].partner_index);
    }
    free(wide);
    free(narrow);
}
END_TEST

START_TEST(seed_epoch_and_step_change_every_draw)
{
    static const struct stk_address addresses[] = {{0, 0}, {1, 0}, {0, 1}, {0, 0}};
    struct recipe recipe = recipe_of(MIX_PRESET_PAPER, NULL);
    struct plan_slot slots[4][B];
    for (int i = 0; i < 4; i++) {
        recipe.seed = i == 3 ? 21 : 20;
        plan_step(&recipe, N, addresses[i], slots[i]);
        for (int k = 0; k < i; k++) {
            ck_assert_uint_ne(slots[i][0].weight, slots[k][0].weight);
            unsigned same = 0;
            for (int slot = 0; slot < B; slot++)
                same += slots[i][slot].partner == slots[k][slot].partner;
            ck_assert_uint_lt(same, B / 4);
        }
    }
}
END_TEST

START_TEST(only_epochs_from_and_until_are_mixed)
{
    struct recipe recipe = recipe_of(MIX_PRESET_TORCHVISION, NULL);
    recipe.mix.from_epoch = 2;
    for (uint32_t until = 0; until <= 5; until += 5) {
        recipe.mix.until_epoch = until;
        for (uint32_t epoch = 0; epoch < 9; epoch++) {
            struct plan_slot slots[B];
            plan_step(&recipe, N, (struct stk_address){epoch, 7}, slots);
            bool mixed = epoch >= 2 && (until == 0 || epoch < until);
            for (uint32_t i = 0; i < B; i++) {
                ck_assert_int_eq(slots[i].mixing != PLAN_KEEP, mixed);
                ck_assert(mixed || (slots[i].partner == i && slots[i].lambda == 1));
            }
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("plan_mix");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, mixups_lambda_follows_beta, 0, ALPHAS);
    tcase_add_loop_test(tests, fastais_lambda_is_folded, 0, 3);
    tcase_add_test(tests, fastbooks_lambda_is_uniform_from_a_half);
    tcase_add_test(tests, lambdas_of_neighbours_are_independent);
    tcase_add_test(tests, cutmix_is_never_folded);
    tcase_add_loop_test(tests, a_batch_or_a_pair_shares_all_of_its_draws, 0, 3);
    tcase_add_loop_test(tests, mixing_and_switching_have_their_probabilities, 0, 5);
    tcase_add_test(tests, a_permutation_pairs_everyone_with_everyone);
    tcase_add_test(tests, reverse_and_roll_are_timms_and_torchvisions);
    tcase_add_loop_test(tests, partners_from_the_data_set_are_uniform_and_another_sample, 0, 2);
    tcase_add_test(tests, of_two_samples_the_partner_is_the_other_one);
    tcase_add_test(tests, partners_from_the_data_set_follow_the_sampler);
    tcase_add_loop_test(tests, one_slot_and_odd_batches_work_in_every_mode, 0, 12);
    tcase_add_test(tests, a_samples_draws_depend_on_its_position_alone);
    tcase_add_test(tests, seed_epoch_and_step_change_every_draw);
    tcase_add_test(tests, only_epochs_from_and_until_are_mixed);
    return suite_run("plan_mix", tests);
}
