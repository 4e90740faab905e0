/*
 * Recipes and configurations for tests: the default recipe, and what makes two of them equal.
 */
#ifndef STK_TESTS_RECIPES_H
#define STK_TESTS_RECIPES_H

#include "config/config.h"
#include "tests/suite.h"

static const struct recipe default_recipe = {
    .seed = 0,
    .batch = 64,
    .order = ORDER_SHUFFLE,
    .last = STK_LAST_DROP,
    .sampler = SAMPLER_ALL,
    .repeat = 1,
    .subset = 1,
    .on_corrupt = ON_CORRUPT_REPLACE,
    .image_pixels_max = 100000000,
    .image_bytes_max = 32 << 20,
    .height = 224,
    .width = 224,
    .interpolation = INTERPOLATION_BILINEAR,
    .transforms = {TRANSFORM_RANDOM_RESIZED_CROP, TRANSFORM_FLIP},
    .transform_count = 2,
    .random_resized_crop = {.scale = {0.08, 1.0}, .ratio = {3.0 / 4.0, 4.0 / 3.0}},
    .resize = {.side = {256}, .side_count = 1},
    .pad_crop = {.padding = 4},
    .flip = {.prob = 0.5},
    .random_erasing = {.prob = 0.5, .scale = {0.02, 0.33}, .ratio = {0.3, 3.3}},
    .dtype = STK_U8,
    .layout = STK_NHWC,
    .mean = {0.485, 0.456, 0.406},
    .std = {0.229, 0.224, 0.225},
    .labels = LABELS_INDEX,
    .mix = {.method = MIX_NONE},
};

static inline void assert_transforms_equal(const struct recipe *left, const struct recipe *right)
{
    ck_assert_uint_eq(left->transform_count, right->transform_count);
    for (size_t i = 0; i < left->transform_count; i++)
        ck_assert_int_eq(left->transforms[i], right->transforms[i]);
    ck_assert_mem_eq(&left->random_resized_crop, &right->random_resized_crop,
                     sizeof(left->random_resized_crop));
    ck_assert_uint_eq(left->resize.side_count, right->resize.side_count);
    for (size_t i = 0; i < left->resize.side_count; i++)
        ck_assert_uint_eq(left->resize.side[i], right->resize.side[i]);
    ck_assert_mem_eq(&left->pad_crop, &right->pad_crop, sizeof(left->pad_crop));
    ck_assert_double_eq(left->flip.prob, right->flip.prob);
    ck_assert_double_eq(left->random_erasing.prob, right->random_erasing.prob);
    ck_assert_mem_eq(left->random_erasing.scale, right->random_erasing.scale,
                     sizeof(left->random_erasing.scale));
    ck_assert_mem_eq(left->random_erasing.ratio, right->random_erasing.ratio,
                     sizeof(left->random_erasing.ratio));
    ck_assert_int_eq(left->random_erasing.mode, right->random_erasing.mode);
    ck_assert_mem_eq(left->random_erasing.value, right->random_erasing.value,
                     sizeof(left->random_erasing.value));
}

static inline void assert_mixes_equal(const struct recipe_mix *left, const struct recipe_mix *right)
{
    ck_assert_int_eq(left->method, right->method);
    ck_assert_int_eq(left->preset, right->preset);
    ck_assert_double_eq(left->alpha, right->alpha);
    ck_assert_double_eq(left->cutmix_alpha, right->cutmix_alpha);
    ck_assert_double_eq(left->switch_prob, right->switch_prob);
    ck_assert_double_eq(left->prob, right->prob);
    ck_assert_int_eq(left->per, right->per);
    ck_assert_int_eq(left->fold, right->fold);
    ck_assert_int_eq(left->partner, right->partner);
    ck_assert_int_eq(left->partner_self, right->partner_self);
    ck_assert_int_eq(left->cutmix_box, right->cutmix_box);
    ck_assert_mem_eq(left->box_range, right->box_range, sizeof(left->box_range));
    ck_assert_double_eq(left->smoothing, right->smoothing);
    ck_assert_uint_eq(left->from_epoch, right->from_epoch);
    ck_assert_uint_eq(left->until_epoch, right->until_epoch);
}

static inline void assert_recipes_equal(const struct recipe *left, const struct recipe *right)
{
    ck_assert_uint_eq(left->seed, right->seed);
    ck_assert_uint_eq(left->batch, right->batch);
    ck_assert_int_eq(left->order, right->order);
    ck_assert_int_eq(left->last, right->last);
    ck_assert_int_eq(left->sampler, right->sampler);
    ck_assert_uint_eq(left->epoch_samples, right->epoch_samples);
    ck_assert_uint_eq(left->repeat, right->repeat);
    ck_assert_double_eq(left->subset, right->subset);
    ck_assert_int_eq(left->on_corrupt, right->on_corrupt);
    ck_assert_uint_eq(left->height, right->height);
    ck_assert_uint_eq(left->width, right->width);
    assert_transforms_equal(left, right);
    ck_assert_int_eq(left->interpolation, right->interpolation);
    ck_assert_int_eq(left->dtype, right->dtype);
    ck_assert_int_eq(left->layout, right->layout);
    ck_assert_mem_eq(left->mean, right->mean, sizeof(left->mean));
    ck_assert_mem_eq(left->std, right->std, sizeof(left->std));
    ck_assert_int_eq(left->labels, right->labels);
    assert_mixes_equal(&left->mix, &right->mix);
    ck_assert_uint_eq(left->phase_count, right->phase_count);
    ck_assert_mem_eq(left->phases, right->phases, sizeof(left->phases));
}

static inline void assert_configs_equal(const struct config *left, const struct config *right)
{
    ck_assert_uint_eq(left->listen_count, right->listen_count);
    for (size_t i = 0; i < left->listen_count; i++)
        ck_assert_str_eq(left->listen[i], right->listen[i]);
    ck_assert_uint_eq(left->workers, right->workers);
    ck_assert_uint_eq(left->readers, right->readers);
    ck_assert_uint_eq(left->memory_bytes_max, right->memory_bytes_max);
    ck_assert_uint_eq(left->clients_max, right->clients_max);
    ck_assert_uint_eq(left->requests_max, right->requests_max);
    ck_assert_uint_eq(left->client_timeout_ms, right->client_timeout_ms);
    ck_assert_uint_eq(left->image_pixels_max, right->image_pixels_max);
    ck_assert_uint_eq(left->image_bytes_max, right->image_bytes_max);
    ck_assert_uint_eq(left->connections_max, right->connections_max);
    ck_assert_uint_eq(left->connections_per_second, right->connections_per_second);
    ck_assert_int_eq(left->log_level, right->log_level);
    ck_assert_uint_eq(left->stream_count, right->stream_count);
    for (size_t i = 0; i < left->stream_count; i++) {
        ck_assert_str_eq(left->streams[i].name, right->streams[i].name);
        ck_assert_str_eq(left->streams[i].source, right->streams[i].source);
        assert_recipes_equal(&left->streams[i].recipe, &right->streams[i].recipe);
    }
}

#endif
