/*
 * The recipe: every setting of a stream that goes into the bytes of its batches.
 *
 * Two streams with equal recipes and equal source listings serve equal bytes at equal addresses.
 * What only changes how fast they come (threads, memory, endpoints) has no place here.
 * Plain data; filled by config.c, read by plan, image, mix and batch.
 */
#ifndef STK_RECIPE_H
#define STK_RECIPE_H

#include <stdint.h>

#include "proto/message.h"

enum order { ORDER_SHUFFLE, ORDER_SEQUENTIAL };

enum crop { CROP_RANDOM, CROP_CENTER, CROP_NONE };

enum mix_method { MIX_NONE, MIX_MIXUP };

/* Whose meaning of mixup (MIX_NONE has none): fastai draws a folded lambda for every sample, the
 * paper one lambda for the batch; both take partners from a random permutation of the batch. */
enum mix_preset { MIX_PRESET_FASTAI, MIX_PRESET_PAPER };

enum on_corrupt { ON_CORRUPT_REPLACE, ON_CORRUPT_FAIL };

struct recipe {
    uint64_t seed;
    uint32_t batch; /* samples a batch, 1 .. STK_BATCH_MAX */
    enum order order;
    enum stk_last last;
    enum on_corrupt on_corrupt;

    /* Geometry.  The served picture is height x width. */
    uint32_t height; /* 1 .. STK_SIDE_MAX */
    uint32_t width;  /* 1 .. STK_SIDE_MAX */
    enum crop crop;
    double scale[2]; /* CROP_RANDOM: share of the source's area, 0 < [0] <= [1] <= 1 */
    double ratio[2]; /* CROP_RANDOM: width / height, 0 < [0] <= [1] */
    uint32_t resize; /* CROP_CENTER: the shorter side before the crop, >= height and width */
    double flip;     /* probability of a horizontal mirror, 0 .. 1 */

    /* Numbers.  mean and std are used by STK_F32 alone: (value / 255 - mean) / std. */
    enum stk_dtype dtype;
    enum stk_layout layout;
    double mean[3]; /* RGB */
    double std[3];  /* RGB, > 0 */

    enum mix_method mix;
    enum mix_preset mix_preset;
    double mix_alpha; /* Beta(alpha, alpha), > 0 */
};

#endif
