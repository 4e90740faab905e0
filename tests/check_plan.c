/*
 * The plan: steps, slots and lambdas, by law and by golden values.
 */
#include "daemon/plan/plan.h"

#include <math.h>
#include <string.h>

#include "daemon/plan/beta.h"
#include "daemon/plan/exact.h"
#include "tests/samplers.h"
#include "tests/suite.h"

static struct recipe recipe_of_imagenet(void)
{
    return (struct recipe){
        .seed = 42, .batch = 64, .repeat = 1, .subset = 1, .height = 224, .width = 224};
}

static struct recipe recipe_of_preset(enum mix_preset preset)
{
    struct recipe recipe = recipe_of_imagenet();
    recipe.mix = mix_preset_keys(preset, NULL);
    return recipe;
}

static void plan(const struct recipe *recipe, uint64_t samples, struct stk_address address,
                 struct plan_slot *slots)
{
    struct sampler sampler = sampler_of(recipe, samples);
    plan_batch(recipe, &sampler, address, slots);
    sampler_release(&sampler);
}

START_TEST(log_and_exp_agree_with_libm)
{
    for (double x = 1e-12; x < 1e12; x *= 1.37) {
        ck_assert_double_le(fabs(exact_log(x) - log(x)), 1e-15 * fmax(1.0, fabs(log(x))) * 4);
        double y = log(x);
        ck_assert_double_le(fabs(exact_exp(y) / exp(y) - 1), 2e-14);
    }
    ck_assert_double_eq(exact_log(1.0), 0.0);
    ck_assert_double_eq(exact_exp(0.0), 1.0);
    ck_assert_double_eq(exact_exp(-1e9), 0.0);
}
END_TEST

START_TEST(last_decides_the_steps_and_the_last_batch)
{
    struct recipe recipe = recipe_of_imagenet();
    recipe.last = STK_LAST_DROP;
    ck_assert_uint_eq(plan_steps(&recipe, 1000), 15);
    ck_assert_uint_eq(plan_steps(&recipe, 63), 0);
    recipe.last = STK_LAST_PARTIAL;
    ck_assert_uint_eq(plan_steps(&recipe, 1000), 16);
    ck_assert_uint_eq(plan_count(&recipe, 1000, 15), 40);
    ck_assert_uint_eq(plan_count(&recipe, 1000, 14), 64);
    ck_assert_uint_eq(plan_steps(&recipe, 640), 10);
    ck_assert_uint_eq(plan_count(&recipe, 640, 9), 64);
    recipe.last = STK_LAST_WRAP;
    ck_assert_uint_eq(plan_steps(&recipe, 1000), 16);
    ck_assert_uint_eq(plan_count(&recipe, 1000, 15), 64);
}
END_TEST

START_TEST(a_partial_epoch_has_every_sample_once)
{
    enum { N = 1003 };
    struct recipe recipe = recipe_of_imagenet();
    recipe.last = STK_LAST_PARTIAL;
    unsigned seen[N] = {0};
    for (uint64_t step = 0; step < plan_steps(&recipe, N); step++) {
        struct plan_slot slots[64];
        plan(&recipe, N, (struct stk_address){3, step}, slots);
        for (uint32_t i = 0; i < plan_count(&recipe, N, step); i++)
            seen[slots[i].index]++;
    }
    for (int i = 0; i < N; i++)
        ck_assert_uint_eq(seen[i], 1);
}
END_TEST

START_TEST(a_wrapped_epoch_begins_again_with_other_draws)
{
    struct recipe recipe = recipe_of_imagenet();
    recipe.last = STK_LAST_WRAP;
    struct plan_slot first[64];
    struct plan_slot last[64];
    plan(&recipe, 100, (struct stk_address){0, 0}, first);
    plan(&recipe, 100, (struct stk_address){0, 1}, last);
    ck_assert_uint_eq(last[36].index, first[0].index);
    ck_assert_uint_eq(last[36].position, 100);
}
END_TEST

START_TEST(sequential_order_counts_up)
{
    struct recipe recipe = recipe_of_imagenet();
    recipe.order = ORDER_SEQUENTIAL;
    struct plan_slot slots[64];
    plan(&recipe, 1000, (struct stk_address){5, 2}, slots);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_uint_eq(slots[i].index, 128 + i);
}
END_TEST

/* Mean and variance of Beta(a, a): 1/2 and 1 / (4 (2a + 1)); four standard errors. */
START_TEST(beta_has_its_moments)
{
    enum { N = 100000 };
    static const double alphas[] = {0.1, 0.2, 0.4, 0.5, 0.6, 1.0, 2.0, 8.0};
    for (int k = 0; k < 8; k++) {
        double alpha = alphas[k];
        double sum = 0;
        double squares = 0;
        double fourths = 0;
        for (uint64_t i = 0; i < N; i++) {
            double value = beta_draw(&(struct rng){11, 0, RNG_LAMBDA, i}, alpha);
            ck_assert(value >= 0.0 && value <= 1.0);
            double off = value - 0.5;
            sum += off;
            squares += off * off;
            fourths += off * off * off * off;
        }
        double variance = 1 / (4 * (2 * alpha + 1));
        ck_assert_double_le(fabs(sum / N), 4 * sqrt(variance / N));
        double error = sqrt((fourths / N - variance * variance) / N);
        ck_assert_double_le(fabs(squares / N - variance), 4 * error);
    }
}
END_TEST

START_TEST(fastai_draws_a_folded_lambda_for_every_slot)
{
    struct recipe recipe = recipe_of_preset(MIX_PRESET_FASTAI);
    double sum = 0;
    unsigned partners[64];
    unsigned equal = 0;
    for (uint64_t step = 0; step < 500; step++) {
        struct plan_slot slots[64];
        plan(&recipe, 32000, (struct stk_address){0, step}, slots);
        memset(partners, 0, sizeof partners);
        for (int i = 0; i < 64; i++) {
            ck_assert_uint_ge(slots[i].weight, PLAN_LAMBDA_ONE / 2);
            ck_assert_uint_le(slots[i].weight, PLAN_LAMBDA_ONE);
            sum += (double)slots[i].weight / PLAN_LAMBDA_ONE;
            partners[slots[i].partner]++;
            equal += slots[i].partner == (uint32_t)i;
        }
        for (int i = 0; i < 64; i++)
            ck_assert_uint_eq(partners[i], 1);
    }
    /* Beta(.4, .4) folded has mean .83976 and standard deviation .168; 32,000 draws. */
    ck_assert_double_le(fabs(sum / 32000 - 0.83976), 4 * 0.168 / sqrt(32000));
    /* A permutation keeps one place on average: Poisson, 500 expected. */
    ck_assert_uint_gt(equal, 400);
    ck_assert_uint_lt(equal, 600);
}
END_TEST

START_TEST(the_paper_draws_one_lambda_for_the_batch)
{
    struct recipe recipe = recipe_of_preset(MIX_PRESET_PAPER);
    double sum = 0;
    unsigned below = 0;
    for (uint64_t step = 0; step < 5000; step++) {
        struct plan_slot slots[64];
        plan(&recipe, 320000, (struct stk_address){0, step}, slots);
        for (int i = 1; i < 64; i++)
            ck_assert_uint_eq(slots[i].weight, slots[0].weight);
        sum += (double)slots[0].weight / PLAN_LAMBDA_ONE;
        below += slots[0].weight < PLAN_LAMBDA_ONE / 2;
    }
    ck_assert_double_le(fabs(sum / 5000 - 0.5), 4 * sqrt(1.0 / 12 / 5000));
    ck_assert_uint_gt(below, 2300);
}
END_TEST

START_TEST(mixing_a_partial_batch_stays_inside_it)
{
    struct recipe recipe = recipe_of_preset(MIX_PRESET_FASTAI);
    recipe.last = STK_LAST_PARTIAL;
    struct plan_slot slots[64];
    plan(&recipe, 67, (struct stk_address){0, 1}, slots);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_lt(slots[i].partner, 3);
    plan(&recipe, 65, (struct stk_address){0, 1}, slots);
    ck_assert_uint_eq(slots[0].partner, 0);
}
END_TEST

START_TEST(without_mixing_lambda_is_one)
{
    struct recipe recipe = recipe_of_imagenet();
    struct plan_slot slots[64];
    plan(&recipe, 1000, (struct stk_address){0, 0}, slots);
    for (uint32_t i = 0; i < 64; i++) {
        ck_assert_uint_eq(slots[i].partner, i);
        ck_assert_int_eq(slots[i].mixing, PLAN_KEEP);
        ck_assert_float_eq(slots[i].lambda, 1);
    }
}
END_TEST

/* The worked example of PROTOCOL.md; what it draws for the pictures is in check_transform.c. */
START_TEST(the_plan_is_plan_1)
{
    static const struct {
        uint64_t index;
        uint32_t partner;
        uint16_t weight;
    } rows[] = {
        {147, 9, 9019},
        {493, 49, 16034},
        {252, 10, 11311},
        {309, 59, 15959},
    };
    struct recipe recipe = recipe_of_preset(MIX_PRESET_FASTAI);
    struct plan_slot slots[64];
    plan(&recipe, 1000, (struct stk_address){0, 0}, slots);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(slots[i].index, rows[i].index);
        ck_assert_uint_eq(slots[i].partner, rows[i].partner);
        ck_assert_uint_eq(slots[i].weight, rows[i].weight);
    }
}
END_TEST

START_TEST(stand_ins_differ_by_attempt_and_are_samples)
{
    struct recipe recipe = recipe_of_imagenet();
    struct sampler sampler = sampler_of(&recipe, 1000000);
    uint64_t first = plan_replacement(&sampler, 0, 5, 0);
    uint64_t second = plan_replacement(&sampler, 0, 5, 1);
    ck_assert_uint_lt(first, 1000000);
    ck_assert_uint_ne(first, second);
    struct sampler one = sampler_of(&recipe, 1);
    ck_assert_uint_eq(plan_replacement(&one, 0, 5, 0), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("plan");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, log_and_exp_agree_with_libm);
    tcase_add_test(tests, last_decides_the_steps_and_the_last_batch);
    tcase_add_test(tests, a_partial_epoch_has_every_sample_once);
    tcase_add_test(tests, a_wrapped_epoch_begins_again_with_other_draws);
    tcase_add_test(tests, sequential_order_counts_up);
    tcase_add_test(tests, beta_has_its_moments);
    tcase_add_test(tests, fastai_draws_a_folded_lambda_for_every_slot);
    tcase_add_test(tests, the_paper_draws_one_lambda_for_the_batch);
    tcase_add_test(tests, mixing_a_partial_batch_stays_inside_it);
    tcase_add_test(tests, without_mixing_lambda_is_one);
    tcase_add_test(tests, the_plan_is_plan_1);
    tcase_add_test(tests, stand_ins_differ_by_attempt_and_are_samples);
    return suite_run("plan", tests);
}
