/*
 * The boxes that CutMix cuts: the golden ones, and the laws of those that are drawn.
 */
#include <math.h>
#include <stdlib.h>

#include "daemon/plan/mix.h"
#include "tests/plan_mixes.h"

static const struct {
    enum mix_box rounding;
    uint32_t height, width;
    double lambda;
    uint32_t x, y;
    int32_t x1, y1, x2, y2;
    double after;
} golden[] = {
    {MIX_BOX_FLOOR, 224, 224, .25, 112, 112, 16, 16, 208, 208, .265306},
    {MIX_BOX_ROUND, 224, 224, .25, 112, 112, 15, 15, 209, 209, .249920},
    {MIX_BOX_FLOOR, 224, 224, .25, 0, 0, 0, 0, 96, 96, .816327},
    {MIX_BOX_ROUND, 224, 224, .25, 0, 0, 0, 0, 97, 97, .812480},
    {MIX_BOX_FLOOR, 224, 224, .3, 112, 112, 19, 19, 205, 205, .310507},
    {MIX_BOX_ROUND, 224, 224, .3, 112, 112, 19, 19, 205, 205, .310507},
    {MIX_BOX_FLOOR, 160, 224, .5, 30, 150, 0, 94, 109, 160, .799275},
    {MIX_BOX_ROUND, 160, 224, .5, 30, 150, 0, 94, 109, 160, .799275},
    {MIX_BOX_FLOOR, 224, 224, .9999, 50, 50, 49, 49, 51, 51, .999920},
    {MIX_BOX_ROUND, 224, 224, .9999, 50, 50, 49, 49, 51, 51, .999920},
    {MIX_BOX_FLOOR, 224, 224, 1, 50, 60, 50, 60, 50, 60, 1},
    {MIX_BOX_FLOOR, 7, 5, 0, 4, 6, 2, 3, 5, 7, 23.0 / 35},
};

START_TEST(boxes_are_the_conformance_tables)
{
    struct box box = plan_cut_box(golden[_i].rounding, golden[_i].lambda, golden[_i].height,
                                  golden[_i].width, golden[_i].y, golden[_i].x);
    ck_assert_int_eq(box.left, golden[_i].x1);
    ck_assert_int_eq(box.top, golden[_i].y1);
    ck_assert_int_eq(box.left + box.width, golden[_i].x2);
    ck_assert_int_eq(box.top + box.height, golden[_i].y2);
    float after = plan_cut_lambda(&box, golden[_i].height, golden[_i].width);
    ck_assert_double_eq_tol((double)after, golden[_i].after, 5e-7);
}
END_TEST

/* torchvision halves before it rounds down, and clips to the same box. */
START_TEST(halving_before_rounding_down_gives_the_same_box)
{
    for (unsigned i = 0; i < DRAWS; i++) {
        double lambda = (i + 0.5) / DRAWS;
        uint32_t side = 1 + i % 509;
        struct box box = plan_cut_box(MIX_BOX_FLOOR, lambda, 1 << 20, side, 1 << 19, side - 1);
        int32_t half = (int32_t)(0.5 * sqrt(1.0 - lambda) * side);
        int32_t left = (int32_t)side - 1 - half;
        ck_assert_int_eq(box.left, left > 0 ? left : 0);
    }
}
END_TEST

static void assert_inside(const struct box *cut, const struct recipe *recipe)
{
    ck_assert(cut->top >= 0 && cut->left >= 0 && cut->height >= 0 && cut->width >= 0);
    ck_assert_int_le(cut->top + cut->height, (int32_t)recipe->height);
    ck_assert_int_le(cut->left + cut->width, (int32_t)recipe->width);
}

START_TEST(lambda_on_the_wire_is_what_the_box_leaves)
{
    struct recipe recipe = recipe_of(MIX_PRESET_TIMM, &cutmix);
    recipe.mix.per = MIX_PER_SAMPLE;
    recipe.height = 160;
    if (_i == 1)
        recipe.mix.cutmix_box = MIX_BOX_ROUND;
    if (_i == 2) {
        recipe.mix.cutmix_box = MIX_BOX_MINMAX;
        recipe.mix.box_range[0] = 0.2;
        recipe.mix.box_range[1] = 0.8;
    }
    struct plan_slot *slots = plan_epoch(&recipe, N);
    for (unsigned i = 0; i < DRAWS; i++) {
        ck_assert_int_eq(slots[i].mixing, PLAN_CUT);
        assert_inside(&slots[i].cut, &recipe);
        int64_t area = (int64_t)slots[i].cut.height * slots[i].cut.width;
        ck_assert_float_eq(slots[i].lambda, (float)(1.0 - (double)area / (160.0 * 224.0)));
    }
    free(slots);
}
END_TEST

/* A box that is empty stands at its centre; near alpha = 0 every second one is. */
START_TEST(centres_are_uniform_and_independent)
{
    struct recipe recipe = recipe_of(MIX_PRESET_TIMM, &cutmix);
    recipe.mix.per = MIX_PER_SAMPLE;
    recipe.mix.cutmix_alpha = 0.01;
    recipe.height = 160;
    unsigned rows[160] = {0}, columns[224] = {0}, squares[8 * 8] = {0}, empty = 0;
    for (recipe.seed = 1; empty < DRAWS; recipe.seed++) {
        struct plan_slot *slots = plan_epoch(&recipe, N);
        for (unsigned i = 0; i < DRAWS; i++) {
            const struct box *cut = &slots[i].cut;
            if (cut->height > 0 || cut->width > 0)
                continue;
            empty++;
            rows[cut->top]++;
            columns[cut->left]++;
            squares[cut->top / 20 * 8 + cut->left / 28]++;
        }
        free(slots);
    }
    assert_uniform(rows, 160);
    assert_uniform(columns, 224);
    assert_uniform(squares, 64);
}
END_TEST

/* int(100 * .2) up to, not with, int(100 * .8); places up to, not with, the last. */
START_TEST(minmax_draws_sides_and_places_as_timm)
{
    struct recipe recipe = recipe_of(MIX_PRESET_TIMM, &cutmix);
    recipe.mix.per = MIX_PER_SAMPLE;
    recipe.mix.cutmix_box = MIX_BOX_MINMAX;
    recipe.mix.box_range[0] = 0.2;
    recipe.mix.box_range[1] = 0.8;
    recipe.height = recipe.width = 100;
    unsigned heights[60] = {0}, widths[60] = {0}, tops[50] = {0}, lefts[50] = {0};
    struct plan_slot *slots = plan_epoch(&recipe, N);
    for (unsigned i = 0; i < DRAWS; i++) {
        const struct box *cut = &slots[i].cut;
        ck_assert(cut->height >= 20 && cut->height < 80 && cut->width >= 20 && cut->width < 80);
        ck_assert(cut->top + cut->height < 100 && cut->left + cut->width < 100);
        heights[cut->height - 20]++;
        widths[cut->width - 20]++;
        if (cut->height == 50)
            tops[cut->top]++;
        if (cut->width == 50)
            lefts[cut->left]++;
    }
    free(slots);
    assert_uniform(heights, 60);
    assert_uniform(widths, 60);
    assert_uniform(tops, 50);
    assert_uniform(lefts, 50);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("plan_cut");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, boxes_are_the_conformance_tables, 0,
                        sizeof golden / sizeof golden[0]);
    tcase_add_test(tests, halving_before_rounding_down_gives_the_same_box);
    tcase_add_loop_test(tests, lambda_on_the_wire_is_what_the_box_leaves, 0, 3);
    tcase_add_test(tests, centres_are_uniform_and_independent);
    tcase_add_test(tests, minmax_draws_sides_and_places_as_timm);
    return suite_run("plan_cut", tests);
}
