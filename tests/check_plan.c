/*
 * The plan: steps, slots, crops and lambdas, by law and by golden values.
 */
#include "daemon/plan/plan.h"

#include <math.h>
#include <string.h>

#include "daemon/plan/beta.h"
#include "daemon/plan/exact.h"
#include "tests/suite.h"

static struct recipe recipe_of_imagenet(void)
{
    return (struct recipe){.seed = 42,
                           .batch = 64,
                           .height = 224,
                           .width = 224,
                           .crop = CROP_RANDOM,
                           .scale = {0.08, 1.0},
                           .ratio = {0.75, 4.0 / 3.0},
                           .resize = 256,
                           .flip = 0.5};
}

static struct recipe recipe_of_preset(enum mix_preset preset)
{
    struct recipe recipe = recipe_of_imagenet();
    recipe.mix = mix_preset_keys(preset, NULL);
    return recipe;
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
        plan_batch(&recipe, N, (struct stk_address){3, step}, slots);
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
    plan_batch(&recipe, 100, (struct stk_address){0, 0}, first);
    plan_batch(&recipe, 100, (struct stk_address){0, 1}, last);
    ck_assert_uint_eq(last[36].index, first[0].index);
    ck_assert_uint_eq(last[36].position, 100);
}
END_TEST

START_TEST(sequential_order_counts_up)
{
    struct recipe recipe = recipe_of_imagenet();
    recipe.order = ORDER_SEQUENTIAL;
    struct plan_slot slots[64];
    plan_batch(&recipe, 1000, (struct stk_address){5, 2}, slots);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_uint_eq(slots[i].index, 128 + i);
}
END_TEST

START_TEST(flips_have_their_probability)
{
    struct recipe recipe = recipe_of_imagenet();
    static const double probabilities[] = {0.0, 0.25, 0.5, 1.0};
    for (int p = 0; p < 4; p++) {
        recipe.flip = probabilities[p];
        unsigned flips = 0;
        for (uint64_t step = 0; step < 500; step++) {
            struct plan_slot slots[64];
            plan_batch(&recipe, 32000, (struct stk_address){0, step}, slots);
            for (int i = 0; i < 64; i++)
                flips += slots[i].flip;
        }
        double expected = recipe.flip * 32000;
        double deviation = sqrt(32000 * recipe.flip * (1 - recipe.flip));
        ck_assert_double_le(fabs(flips - expected), 4 * deviation);
    }
}
END_TEST

/* Area uniform in scale and log(ratio) uniform, wherever the first try fits: on a picture so large
 * that scale 0.08 .. 0.5 always does. */
START_TEST(crops_follow_torchvisions_law)
{
    enum { N = 100000, BINS = 20 };
    struct recipe recipe = recipe_of_imagenet();
    recipe.scale[1] = 0.5;
    unsigned areas[BINS] = {0};
    unsigned ratios[BINS] = {0};
    for (uint64_t position = 0; position < N; position++) {
        struct view view = plan_view(&recipe, 1, position, 4000, 4000);
        double area = (double)view.box.height * view.box.width / 16e6;
        double ratio = log((double)view.box.width / view.box.height);
        int a = (int)((area - 0.08) / 0.42 * BINS);
        int r = (int)((ratio - log(0.75)) / (log(4.0 / 3.0) - log(0.75)) * BINS);
        areas[a < 0 ? 0 : a >= BINS ? BINS - 1 : a]++;
        ratios[r < 0 ? 0 : r >= BINS ? BINS - 1 : r]++;
        ck_assert_int_ge(view.box.top, 0);
        ck_assert_int_le(view.box.top + view.box.height, 4000);
        ck_assert_int_le(view.box.left + view.box.width, 4000);
    }
    double chi_area = 0;
    double chi_ratio = 0;
    for (int i = 0; i < BINS; i++) {
        double expected = (double)N / BINS;
        chi_area += (areas[i] - expected) * (areas[i] - expected) / expected;
        chi_ratio += (ratios[i] - expected) * (ratios[i] - expected) / expected;
    }
    /* 19 degrees of freedom: 50.8 is passed with p = 1e-4. */
    ck_assert_double_lt(chi_area, 50.8);
    ck_assert_double_lt(chi_ratio, 50.8);
}
END_TEST

START_TEST(a_crop_that_cannot_fit_falls_back_to_the_centre)
{
    struct recipe recipe = recipe_of_imagenet();
    recipe.scale[0] = 1.0;
    struct view wide = plan_view(&recipe, 0, 0, 100, 1000);
    ck_assert_int_eq(wide.box.height, 100);
    ck_assert_int_eq(wide.box.width, 133);
    ck_assert_int_eq(wide.box.top, 0);
    ck_assert_int_eq(wide.box.left, 433);
    struct view tall = plan_view(&recipe, 0, 0, 1000, 100);
    ck_assert_int_eq(tall.box.height, 133);
    ck_assert_int_eq(tall.box.top, 433);
    struct view dot = plan_view(&recipe, 0, 0, 1, 1);
    ck_assert_int_eq(dot.box.height, 1);
    ck_assert_int_eq(dot.box.width, 1);
    struct view line = plan_view(&recipe, 0, 0, 1, 65500);
    ck_assert_int_eq(line.box.height, 1);
    ck_assert_int_ge(line.box.width, 1);
}
END_TEST

START_TEST(the_centre_view_is_torchvisions)
{
    struct recipe recipe = recipe_of_imagenet();
    recipe.crop = CROP_CENTER;
    struct view view = plan_view(&recipe, 0, 0, 375, 500);
    ck_assert_uint_eq(view.resized_height, 256);
    ck_assert_uint_eq(view.resized_width, 341);
    ck_assert_uint_eq(view.top, 16);
    ck_assert_uint_eq(view.left, 58); /* 58.5, half to even */
    struct box source = plan_view_source(&view, 224, 224);
    ck_assert_int_eq(source.top, 23);     /* 16 * 375 / 256 = 23.4 */
    ck_assert_int_eq(source.height, 329); /* 240 * 375 / 256 = 351.6, up */
    view = plan_view(&recipe, 0, 0, 500, 375);
    ck_assert_uint_eq(view.resized_height, 341);
    ck_assert_uint_eq(view.resized_width, 256);
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
        plan_batch(&recipe, 32000, (struct stk_address){0, step}, slots);
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
        plan_batch(&recipe, 320000, (struct stk_address){0, step}, slots);
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
    plan_batch(&recipe, 67, (struct stk_address){0, 1}, slots);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_lt(slots[i].partner, 3);
    plan_batch(&recipe, 65, (struct stk_address){0, 1}, slots);
    ck_assert_uint_eq(slots[0].partner, 0);
}
END_TEST

START_TEST(without_mixing_lambda_is_one)
{
    struct recipe recipe = recipe_of_imagenet();
    struct plan_slot slots[64];
    plan_batch(&recipe, 1000, (struct stk_address){0, 0}, slots);
    for (uint32_t i = 0; i < 64; i++) {
        ck_assert_uint_eq(slots[i].partner, i);
        ck_assert_int_eq(slots[i].mixing, PLAN_KEEP);
        ck_assert_float_eq(slots[i].lambda, 1);
    }
}
END_TEST

/* The worked example of PROTOCOL.md. */
START_TEST(the_plan_is_plan_1)
{
    static const struct {
        uint64_t index;
        bool flip;
        uint32_t partner;
        uint16_t weight;
        struct box box;
    } rows[] = {
        {147, false, 9, 9019, {8, 152, 280, 336}},
        {493, true, 49, 16034, {58, 22, 269, 313}},
        {252, false, 10, 11311, {175, 239, 180, 193}},
        {309, true, 59, 15959, {135, 62, 204, 178}},
    };
    struct recipe recipe = recipe_of_preset(MIX_PRESET_FASTAI);
    struct plan_slot slots[64];
    plan_batch(&recipe, 1000, (struct stk_address){0, 0}, slots);
    for (int i = 0; i < 4; i++) {
        struct view view = plan_view(&recipe, 0, slots[i].position, 375, 500);
        ck_assert_uint_eq(slots[i].index, rows[i].index);
        ck_assert_int_eq(slots[i].flip, rows[i].flip);
        ck_assert_uint_eq(slots[i].partner, rows[i].partner);
        ck_assert_uint_eq(slots[i].weight, rows[i].weight);
        ck_assert_mem_eq(&view.box, &rows[i].box, sizeof view.box);
    }
}
END_TEST

START_TEST(stand_ins_differ_by_attempt_and_are_samples)
{
    struct recipe recipe = recipe_of_imagenet();
    uint64_t first = plan_replacement(&recipe, 1000000, 0, 5, 0);
    uint64_t second = plan_replacement(&recipe, 1000000, 0, 5, 1);
    ck_assert_uint_lt(first, 1000000);
    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(plan_replacement(&recipe, 1, 0, 5, 0), 0);
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
    tcase_add_test(tests, flips_have_their_probability);
    tcase_add_test(tests, crops_follow_torchvisions_law);
    tcase_add_test(tests, a_crop_that_cannot_fit_falls_back_to_the_centre);
    tcase_add_test(tests, the_centre_view_is_torchvisions);
    tcase_add_test(tests, beta_has_its_moments);
    tcase_add_test(tests, fastai_draws_a_folded_lambda_for_every_slot);
    tcase_add_test(tests, the_paper_draws_one_lambda_for_the_batch);
    tcase_add_test(tests, mixing_a_partial_batch_stays_inside_it);
    tcase_add_test(tests, without_mixing_lambda_is_one);
    tcase_add_test(tests, the_plan_is_plan_1);
    tcase_add_test(tests, stand_ins_differ_by_attempt_and_are_samples);
    return suite_run("plan", tests);
}
