/*
 * Transforms: what is drawn, by law and by golden values, and what is done to a slot.
 */
#include "daemon/transform/transform.h"

#include <math.h>
#include <string.h>

#include "proto/half.h"
#include "tests/suite.h"

enum { DRAWS = 100000, BINS = 20 };

/* Every transform at its default, and a list of those that are wanted. */
static struct recipe recipe_of(uint32_t height, uint32_t width, size_t count,
                               const enum transform *list)
{
    struct recipe recipe = {
        .seed = 42,
        .batch = 64,
        .height = height,
        .width = width,
        .random_resized_crop = {{0.08, 1.0}, {0.75, 4.0 / 3.0}},
        .resize = {{256}, 1},
        .pad_crop = {.padding = 4, .fill = {7, 8, 9}},
        .flip = {0.5},
        .random_erasing = {.prob = 0.5, .scale = {0.02, 0.33}, .ratio = {0.3, 3.3}},
        .transform_count = count,
    };
    memcpy(recipe.transforms, list, count * sizeof *list);
    return recipe;
}

#define RECIPE(height, width, ...)                                                                 \
    recipe_of(height, width, sizeof((enum transform[]){__VA_ARGS__}) / sizeof(enum transform),     \
              (enum transform[]){__VA_ARGS__})

/* The sum of squared deviations from equal counts, in units of what is expected of one. */
static double chi_square(const unsigned *counts, int bins)
{
    double sum = 0;
    double expected = 0;
    for (int i = 0; i < bins; i++)
        expected += (double)counts[i] / bins;
    for (int i = 0; i < bins; i++)
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    return sum;
}

/* 19 degrees of freedom: passed with p = 1e-4. */
static const double chi_square_max = 50.8;

static void count_in(unsigned counts[BINS], double value, double low, double high)
{
    int bin = (int)((value - low) / (high - low) * BINS);
    counts[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
}

START_TEST(flips_have_their_probability)
{
    static const double probabilities[] = {0.0, 0.25, 0.5, 1.0};
    struct recipe recipe = RECIPE(32, 32, TRANSFORM_RESIZE, TRANSFORM_FLIP);
    for (int p = 0; p < 4; p++) {
        recipe.flip.prob = probabilities[p];
        unsigned flips = 0;
        for (uint64_t position = 0; position < DRAWS; position++)
            flips += transform_draw(&recipe, 0, position, 40, 40).flip;
        double deviation = sqrt(DRAWS * recipe.flip.prob * (1 - recipe.flip.prob));
        ck_assert_double_le(fabs(flips - recipe.flip.prob * DRAWS), 3.9 * deviation);
    }
}
END_TEST

START_TEST(what_is_not_in_the_list_is_not_done)
{
    struct recipe recipe = RECIPE(32, 48, TRANSFORM_RESIZE);
    recipe.flip.prob = recipe.random_erasing.prob = 1;
    struct transform_drawn drawn = transform_draw(&recipe, 0, 5, 100, 90);
    const struct view expected = {
        .box = {0, 0, 100, 90}, .resized_height = 32, .resized_width = 48};
    ck_assert_mem_eq(&drawn.view.box, &expected.box, sizeof expected.box);
    ck_assert_uint_eq(drawn.view.resized_height, 32);
    ck_assert_uint_eq(drawn.view.resized_width, 48);
    ck_assert_int_eq(drawn.view.top, 0);
    ck_assert_int_eq(drawn.view.left, 0);
    ck_assert(!drawn.flip);
    ck_assert_int_eq(drawn.erase.height, 0);
}
END_TEST

/* Area uniform in scale and log(ratio) uniform, wherever the first try fits: on a picture so large
 * that scale 0.08 .. 0.5 always does. */
START_TEST(crops_follow_torchvisions_law)
{
    struct recipe recipe = RECIPE(224, 224, TRANSFORM_RANDOM_RESIZED_CROP);
    recipe.random_resized_crop.scale[1] = 0.5;
    unsigned areas[BINS] = {0}, ratios[BINS] = {0}, tops[BINS] = {0}, lefts[BINS] = {0};
    for (uint64_t position = 0; position < DRAWS; position++) {
        struct view view = transform_draw(&recipe, 1, position, 4000, 4000).view;
        count_in(areas, (double)view.box.height * view.box.width / 16e6, 0.08, 0.5);
        count_in(ratios, log((double)view.box.width / view.box.height), log(0.75), log(4.0 / 3));
        count_in(tops, view.box.top, 0, 4001 - view.box.height);
        count_in(lefts, view.box.left, 0, 4001 - view.box.width);
        ck_assert_int_ge(view.box.top, 0);
        ck_assert_int_ge(view.box.left, 0);
        ck_assert_int_le(view.box.top + view.box.height, 4000);
        ck_assert_int_le(view.box.left + view.box.width, 4000);
    }
    ck_assert_double_lt(chi_square(areas, BINS), chi_square_max);
    ck_assert_double_lt(chi_square(ratios, BINS), chi_square_max);
    ck_assert_double_lt(chi_square(tops, BINS), chi_square_max);
    ck_assert_double_lt(chi_square(lefts, BINS), chi_square_max);
}
END_TEST

START_TEST(a_crop_that_cannot_fit_falls_back_to_the_centre)
{
    struct recipe recipe = RECIPE(224, 224, TRANSFORM_RANDOM_RESIZED_CROP);
    recipe.random_resized_crop.scale[0] = 1.0;
    struct box wide = transform_draw(&recipe, 0, 0, 100, 1000).view.box;
    ck_assert_int_eq(wide.height, 100);
    ck_assert_int_eq(wide.width, 133);
    ck_assert_int_eq(wide.top, 0);
    ck_assert_int_eq(wide.left, 433);
    struct box tall = transform_draw(&recipe, 0, 0, 1000, 100).view.box;
    ck_assert_int_eq(tall.height, 133);
    ck_assert_int_eq(tall.top, 433);
    struct box dot = transform_draw(&recipe, 0, 0, 1, 1).view.box;
    ck_assert_int_eq(dot.height, 1);
    ck_assert_int_eq(dot.width, 1);
    struct box line = transform_draw(&recipe, 0, 0, 1, 65500).view.box;
    ck_assert_int_eq(line.height, 1);
    ck_assert_int_ge(line.width, 1);
}
END_TEST

START_TEST(resize_and_center_crop_are_torchvisions)
{
    struct recipe recipe = RECIPE(224, 224, TRANSFORM_RESIZE, TRANSFORM_CENTER_CROP);
    struct view view = transform_draw(&recipe, 0, 0, 375, 500).view;
    ck_assert_uint_eq(view.resized_height, 256);
    ck_assert_uint_eq(view.resized_width, 341);
    ck_assert_int_eq(view.top, 16);
    ck_assert_int_eq(view.left, 58); /* 58.5, half to even */
    struct box source = view_source(&view, 224, 224);
    ck_assert_int_eq(source.top, 23);     /* 16 * 375 / 256 = 23.4 */
    ck_assert_int_eq(source.height, 329); /* 240 * 375 / 256 = 351.6, up */
    view = transform_draw(&recipe, 0, 0, 500, 375).view;
    ck_assert_uint_eq(view.resized_height, 341);
    ck_assert_uint_eq(view.resized_width, 256);
    recipe.resize.side[1] = 300;
    recipe.resize.side_count = 2;
    view = transform_draw(&recipe, 0, 0, 500, 375).view;
    ck_assert_uint_eq(view.resized_height, 256);
    ck_assert_uint_eq(view.resized_width, 300);
    ck_assert_int_eq(view.left, 38);
}
END_TEST

START_TEST(center_crop_pads_the_smaller_half_first)
{
    struct recipe recipe = RECIPE(40, 41, TRANSFORM_CENTER_CROP);
    struct view view = transform_draw(&recipe, 0, 0, 33, 100).view;
    ck_assert_int_eq(view.top, -3);  /* of 7 rows three are above */
    ck_assert_int_eq(view.left, 30); /* 29.5, half to even */
    ck_assert_mem_eq(view.fill, (const uint8_t[3]){0}, sizeof view.fill);
    struct box source = view_source(&view, 40, 41);
    const struct box expected = {-3, 30, 40, 41};
    ck_assert_mem_eq(&source, &expected, sizeof source);
}
END_TEST

START_TEST(a_view_is_mapped_back_outwards_also_beyond_the_picture)
{
    const struct view view = {.box = {10, 20, 100, 50},
                              .resized_height = 30,
                              .resized_width = 100,
                              .top = -4,
                              .left = 95};
    struct box source = view_source(&view, 40, 8);
    ck_assert_int_eq(source.top, 10 - 14);     /* -13.3, down */
    ck_assert_int_eq(source.height, 14 + 120); /* to 120, exactly */
    ck_assert_int_eq(source.left, 20 + 47);    /* 47.5, down */
    ck_assert_int_eq(source.width, 52 - 47);   /* 51.5, up */
}
END_TEST

/* Every place is as likely as any other: 9 x 9 of them on CIFAR's pictures. */
START_TEST(pad_crops_reach_every_place_alike)
{
    enum { PLACES = 9 };
    struct recipe recipe = RECIPE(32, 32, TRANSFORM_PAD_CROP);
    unsigned places[PLACES * PLACES] = {0};
    for (uint64_t position = 0; position < DRAWS; position++) {
        struct view view = transform_draw(&recipe, 2, position, 32, 32).view;
        ck_assert(view.top >= -4 && view.top <= 4 && view.left >= -4 && view.left <= 4);
        places[(view.top + 4) * PLACES + view.left + 4]++;
        ck_assert_uint_eq(view.fill[0], 7);
        ck_assert_uint_eq(view.fill[2], 9);
    }
    /* 80 degrees of freedom: 135.8 is passed with p = 1e-4. */
    ck_assert_double_lt(chi_square(places, PLACES * PLACES), 135.8);
}
END_TEST

/* torchvision's pad_if_needed: 20 pixels and twice 4 lack 4 of 32, so both ends get 4 more. */
START_TEST(a_picture_too_small_for_its_padding_is_padded_until_it_fits)
{
    struct recipe recipe = RECIPE(32, 8, TRANSFORM_PAD_CROP);
    bool top_seen[64] = {false}, left_seen[64] = {false};
    for (uint64_t position = 0; position < 2000; position++) {
        struct view view = transform_draw(&recipe, 2, position, 20, 1).view;
        ck_assert(view.top >= -8 && view.top <= -4 && view.left >= -4 && view.left <= -3);
        top_seen[-view.top] = left_seen[-view.left] = true;
    }
    ck_assert(top_seen[8] && top_seen[7] && top_seen[6] && top_seen[5] && top_seen[4]);
    ck_assert(left_seen[4] && left_seen[3]);
}
END_TEST

/* On a picture so large that rounding does not show, with boxes of which every first try fits. */
START_TEST(erased_boxes_follow_torchvisions_law)
{
    struct recipe recipe = RECIPE(4000, 3000, TRANSFORM_RESIZE, TRANSFORM_RANDOM_ERASING);
    recipe.random_erasing.scale[1] = 0.2;
    unsigned areas[BINS] = {0}, ratios[BINS] = {0}, tops[BINS] = {0}, lefts[BINS] = {0};
    unsigned erased = 0;
    for (uint64_t position = 0; position < DRAWS; position++) {
        struct box box = transform_draw(&recipe, 1, position, 10, 10).erase;
        if (box.height == 0)
            continue;
        erased++;
        count_in(areas, (double)box.height * box.width / 12e6, 0.02, 0.2);
        count_in(ratios, log((double)box.height / box.width), log(0.3), log(3.3));
        count_in(tops, box.top, 0, 4001 - box.height);
        count_in(lefts, box.left, 0, 3001 - box.width);
        ck_assert(box.top >= 0 && box.top + box.height <= 4000);
        ck_assert(box.left >= 0 && box.left + box.width <= 3000);
    }
    ck_assert_double_le(fabs(erased - 0.5 * DRAWS), 3.9 * sqrt(0.25 * DRAWS));
    ck_assert_double_lt(chi_square(areas, BINS), chi_square_max);
    ck_assert_double_lt(chi_square(ratios, BINS), chi_square_max);
    ck_assert_double_lt(chi_square(tops, BINS), chi_square_max);
    ck_assert_double_lt(chi_square(lefts, BINS), chi_square_max);
}
END_TEST

START_TEST(nothing_is_erased_where_no_box_is_smaller_than_the_picture_or_all_vanish)
{
    struct recipe recipe = RECIPE(64, 64, TRANSFORM_RESIZE, TRANSFORM_RANDOM_ERASING);
    recipe.random_erasing.prob = 1;
    recipe.random_erasing.scale[0] = recipe.random_erasing.scale[1] = 1;
    recipe.random_erasing.ratio[0] = recipe.random_erasing.ratio[1] = 1;
    for (uint64_t position = 0; position < 100; position++)
        ck_assert_int_eq(transform_draw(&recipe, 0, position, 10, 10).erase.height, 0);
    recipe.random_erasing.scale[0] = recipe.random_erasing.scale[1] = 1e-6;
    for (uint64_t position = 0; position < 100; position++)
        ck_assert_int_eq(transform_draw(&recipe, 0, position, 10, 10).erase.height, 0);
}
END_TEST

/* One element of a slot, as its number. */
static double element(const struct image_format *format, const void *slot, uint32_t y, uint32_t x,
                      uint32_t c)
{
    size_t at = ((size_t)y * format->width + x) * 3 + c;
    if (format->layout == STK_NCHW)
        at = ((size_t)c * format->height + y) * format->width + x;
    switch (format->dtype) {
    case STK_U8:
        return ((const uint8_t *)slot)[at];
    case STK_F32:
        return (double)((const float *)slot)[at];
    case STK_F16:
        return stk_f16_decode(((const uint16_t *)slot)[at]);
    default:
        return stk_bf16_decode(((const uint16_t *)slot)[at]);
    }
}

/* What an 8-bit value is in a format. */
static double number_of(const struct image_format *format, unsigned value, uint32_t c)
{
    if (format->dtype == STK_U8)
        return value;
    if (format->dtype == STK_F32)
        return (double)format->value.f32[c][value];
    uint16_t bits = format->value.half[c][value];
    return format->dtype == STK_F16 ? stk_f16_decode(bits) : stk_bf16_decode(bits);
}

static bool in_box(const struct box *box, uint32_t y, uint32_t x)
{
    return (int32_t)y >= box->top && (int32_t)y < box->top + box->height &&
           (int32_t)x >= box->left && (int32_t)x < box->left + box->width;
}

/* A picture wider than what is written at once, so that a row comes in pieces. */
START_TEST(a_box_is_covered_by_its_value_in_every_format)
{
    static const enum stk_dtype dtypes[] = {STK_U8, STK_F32, STK_F16, STK_BF16};
    enum { HEIGHT = 9, WIDTH = 700 };
    static const double mean[3] = {0.485, 0.456, 0.406}, std[3] = {0.229, 0.224, 0.225};
    static struct image_format format;
    static float before[HEIGHT * WIDTH * 3], slot[HEIGHT * WIDTH * 3]; /* of the largest dtype */
    struct recipe recipe = RECIPE(HEIGHT, WIDTH, TRANSFORM_RESIZE, TRANSFORM_RANDOM_ERASING);
    const struct transform_drawn drawn = {.erase = {2, 30, 5, 640}};
    recipe.random_erasing.value[0] = 10;
    recipe.random_erasing.value[1] = 255;
    image_format_init(&format, HEIGHT, WIDTH, dtypes[_i / 2], _i % 2 ? STK_NCHW : STK_NHWC, mean,
                      std);
    memset(before, 0x11, sizeof before);
    memcpy(slot, before, sizeof slot);
    transform_apply(&recipe, &drawn, &format, slot);
    for (uint32_t i = 0; i < HEIGHT * WIDTH * 3; i++) {
        uint32_t y = i / 3 / WIDTH, x = i / 3 % WIDTH, c = i % 3;
        double expected = in_box(&drawn.erase, y, x)
                              ? number_of(&format, recipe.random_erasing.value[c], c)
                              : element(&format, before, y, x, c);
        ck_assert(element(&format, slot, y, x, c) == expected);
    }
}
END_TEST

START_TEST(noise_has_every_byte_alike_and_differs_by_picture_and_place)
{
    enum { HEIGHT = 200, WIDTH = 300 };
    static struct image_format format;
    static uint8_t slots[2][HEIGHT][WIDTH][3];
    struct recipe recipe = RECIPE(HEIGHT, WIDTH, TRANSFORM_RESIZE, TRANSFORM_RANDOM_ERASING);
    recipe.random_erasing.prob = 1;
    recipe.random_erasing.mode = ERASE_NOISE;
    image_format_init(&format, HEIGHT, WIDTH, STK_U8, STK_NHWC, NULL, NULL);
    unsigned counts[3][256] = {{0}};
    unsigned pixels = 0;
    for (uint64_t position = 0; position < 2; position++) {
        struct transform_drawn drawn = transform_draw(&recipe, 0, position, 10, 10);
        drawn.erase = (struct box){1, 0, HEIGHT - 1, WIDTH};
        transform_apply(&recipe, &drawn, &format, slots[position]);
    }
    for (uint32_t i = WIDTH; i < HEIGHT * WIDTH; i++, pixels++) {
        for (int c = 0; c < 3; c++)
            counts[c][(&slots[0][0][0][0])[i * 3 + (unsigned)c]]++;
    }
    /* 255 degrees of freedom: 347.7 is passed with p = 1e-4. */
    for (int c = 0; c < 3; c++)
        ck_assert_double_lt(chi_square(counts[c], 256), 347.7);
    ck_assert_mem_ne(slots[0][1], slots[1][1], sizeof slots[0][1]);
    ck_assert_mem_ne(slots[0][1], slots[0][2], sizeof slots[0][1]);
    for (int i = 0; i < WIDTH; i++)
        ck_assert_uint_eq(slots[0][0][i][0], 0); /* outside of the box */
}
END_TEST

/* The worked example of PROTOCOL.md. */
START_TEST(the_draws_are_plan_1s)
{
    static const struct {
        bool flip;
        struct box crop;
    } rows[] = {
        {false, {8, 152, 280, 336}},
        {true, {58, 22, 269, 313}},
        {false, {175, 239, 180, 193}},
        {true, {135, 62, 204, 178}},
    };
    struct recipe recipe = RECIPE(224, 224, TRANSFORM_RANDOM_RESIZED_CROP, TRANSFORM_FLIP);
    for (uint64_t i = 0; i < 4; i++) {
        struct transform_drawn drawn = transform_draw(&recipe, 0, i, 375, 500);
        ck_assert_int_eq(drawn.flip, rows[i].flip);
        ck_assert_mem_eq(&drawn.view.box, &rows[i].crop, sizeof drawn.view.box);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("transform");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, flips_have_their_probability);
    tcase_add_test(tests, what_is_not_in_the_list_is_not_done);
    tcase_add_test(tests, crops_follow_torchvisions_law);
    tcase_add_test(tests, a_crop_that_cannot_fit_falls_back_to_the_centre);
    tcase_add_test(tests, resize_and_center_crop_are_torchvisions);
    tcase_add_test(tests, center_crop_pads_the_smaller_half_first);
    tcase_add_test(tests, a_view_is_mapped_back_outwards_also_beyond_the_picture);
    tcase_add_test(tests, pad_crops_reach_every_place_alike);
    tcase_add_test(tests, a_picture_too_small_for_its_padding_is_padded_until_it_fits);
    tcase_add_test(tests, erased_boxes_follow_torchvisions_law);
    tcase_add_test(tests, nothing_is_erased_where_no_box_is_smaller_than_the_picture_or_all_vanish);
    tcase_add_loop_test(tests, a_box_is_covered_by_its_value_in_every_format, 0, 8);
    tcase_add_test(tests, noise_has_every_byte_alike_and_differs_by_picture_and_place);
    tcase_add_test(tests, the_draws_are_plan_1s);
    return suite_run("transform", tests);
}
