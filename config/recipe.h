/*
 * The recipe: every setting of a stream that goes into the bytes of its batches.
 *
 * Two streams with equal recipes and equal source listings serve equal bytes at equal addresses.
 * What only changes how fast they come (threads, memory, endpoints) has no place here.
 * Plain data; filled by config.c, read by plan, image, mix and batch.  Any thread.
 */
#ifndef STK_RECIPE_H
#define STK_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/mix.h"
#include "config/transform.h"
#include "proto/message.h"

enum order { ORDER_SHUFFLE, ORDER_SEQUENTIAL };

/* Which sample a place of an epoch gets: each once, in `order`; or drawn with replacement, by the
 * weights of the source, or a class first and then one of its samples. */
enum sampler_law { SAMPLER_ALL, SAMPLER_WEIGHTED, SAMPLER_BALANCED };

/* What stands where a picture was erased. */
enum erase_mode { ERASE_VALUE, ERASE_NOISE };

/* By which of Pillow's filters a box is resized. */
enum interpolation {
    INTERPOLATION_BILINEAR,
    INTERPOLATION_BICUBIC,
    INTERPOLATION_BOX,
    INTERPOLATION_LANCZOS,
    INTERPOLATION_NEAREST,
};

/* Whether a batch has the dense target.  A source without class numbers has one in any case. */
enum labels { LABELS_INDEX, LABELS_DENSE };

enum on_corrupt { ON_CORRUPT_REPLACE, ON_CORRUPT_FAIL };

enum { RECIPE_PHASES_MAX = STK_PHASES_MAX };

/* From an epoch on batches have another count or size: progressive resizing. */
struct recipe_phase {
    uint32_t from_epoch; /* above that of the phase before, the first one's above 0 */
    uint32_t batch;
    uint32_t height;
    uint32_t width;
};

struct recipe {
    uint64_t seed;
    uint32_t batch; /* samples a batch, 1 .. STK_BATCH_MAX */
    enum order order;
    enum stk_last last;
    enum sampler_law sampler;
    uint64_t epoch_samples; /* with replacement: places of an epoch; 0: as many as samples */
    uint32_t repeat;        /* steps in a row that hold the same samples, >= 1 */
    double subset;          /* share of the source that is served, above 0, at most 1 */
    enum on_corrupt on_corrupt;
    uint64_t image_pixels_max; /* a picture with more is replaced; the daemon's, for all streams */
    uint64_t image_bytes_max;  /* encoded; likewise */

    /* Geometry.  The served picture is height x width. */
    uint32_t height; /* 1 .. STK_SIDE_MAX */
    uint32_t width;  /* 1 .. STK_SIDE_MAX */
    enum interpolation interpolation;

    /* What is done to a picture, in this order; each at most once, by rising kind.  The settings of
     * a transform that is not among them have no meaning. */
    enum transform transforms[TRANSFORM_COUNT];
    size_t transform_count; /* >= 1 */
    struct {
        double scale[2]; /* share of the source's area, 1e-6 <= [0] <= [1] <= 1 */
        double ratio[2]; /* width / height, 1e-3 <= [0] <= [1] <= 1e3 */
    } random_resized_crop;
    struct {
        uint32_t side[2]; /* the shorter side, or height and width; see side_count */
        size_t side_count;
    } resize;
    struct {
        uint32_t padding; /* pixels on each side, below height and width */
        uint32_t fill[3]; /* RGB, 0 .. 255 */
    } pad_crop;
    struct {
        double prob;
    } flip;
    struct {
        double prob;
        double scale[2]; /* share of the served picture's area, 1e-6 <= [0] <= [1] <= 1 */
        double ratio[2]; /* height / width, 1e-3 <= [0] <= [1] <= 1e3 */
        enum erase_mode mode;
        uint32_t value[3]; /* ERASE_VALUE: RGB, 0 .. 255 */
    } random_erasing;

    /* Numbers.  STK_U8 is the value itself and has no use for mean and std; the others are
     * (value / 255 - mean) / std, which the configuration keeps finite in STK_F16. */
    enum stk_dtype dtype;
    enum stk_layout layout;
    double mean[3]; /* RGB, -1e3 .. 1e3 */
    double std[3];  /* RGB, 1e-6 .. 1e3 */

    enum labels labels;
    struct recipe_mix mix;

    /* Before the first of them batch, height and width hold as they stand above. */
    uint32_t phase_count;
    struct recipe_phase phases[RECIPE_PHASES_MAX];
};

/* What an enum's values are called in the configuration, in the canonical text and in messages. */
struct recipe_words {
    const char *const *list; /* by enumerator; NULL: that one has no word here */
    unsigned count;
};

extern const struct recipe_words recipe_order_words;
extern const struct recipe_words recipe_last_words;
extern const struct recipe_words recipe_sampler_words;
extern const struct recipe_words recipe_on_corrupt_words;
extern const struct recipe_words recipe_transform_words;
extern const struct recipe_words recipe_erase_mode_words;
extern const struct recipe_words recipe_interpolation_words;
extern const struct recipe_words recipe_dtype_words;
extern const struct recipe_words recipe_layout_words;
extern const struct recipe_words recipe_labels_words;
extern const struct recipe_words recipe_mix_words;
extern const struct recipe_words recipe_mix_preset_words;
extern const struct recipe_words recipe_mix_per_words;
extern const struct recipe_words recipe_mix_partner_words;
extern const struct recipe_words recipe_mix_box_words;
extern const struct recipe_words recipe_mix_answer_words;

enum { RECIPE_TEXT_BYTES = 4096 }; /* always enough for recipe_text, the end mark included */

/**
 * The canonical text of a recipe: what goes into the fingerprint.
 *
 * ASCII lines "key=value\n" in this order, nothing else before, between or behind them:
 *
 *     plan=1                      STK_PLAN_VERSION
 *     seed=0                      every whole number in decimal digits
 *     batch=64
 *     order=shuffle               or sequential
 *     last=drop                   or partial, wrap, mask
 *     sampler=all                 or weighted, balanced
 *     epoch_samples=0                                    not of sampler=all
 *     repeat=1
 *     subset=1
 *     on_corrupt=replace          or fail
 *     image_pixels_max=100000000
 *     image_bytes_max=33554432    bytes
 *     height=224
 *     width=224
 *     interpolation=bilinear      or bicubic, box, lanczos, nearest;
 *                                 only with random_resized_crop or resize in the list
 *     transform=random_resized_crop,flip                 the list
 *     random_resized_crop.scale=0.080000000000000002,1   the settings of those in the list, in the
 *     random_resized_crop.ratio=0.75,1.3333333333333333  list's order, each one's as in schema.c
 *     flip.prob=0.5
 *     dtype=u8                    or f32, f16, bf16
 *     layout=nhwc                 or nchw
 *     mean=0.48499999999999999,0.45600000000000002,0.40600000000000003   not of u8
 *     std=0.22900000000000001,0.224,0.22500000000000001    not of u8
 *     labels=index                or dense
 *     smoothing=0.10000000000000001                      labels=dense
 *     mix=both                    or none, mixup, cutmix; no other line of mix where it is none
 *     mix_alpha=0.40000000000000002                      mix=mixup, both
 *     mix_cutmix_alpha=1                                 mix=cutmix, both; not of minmax
 *     mix_switch_prob=0.5                                mix=both
 *     mix_prob=1
 *     mix_per=sample              or batch, pair
 *     mix_fold=yes                or no;                 mix=mixup, both
 *     mix_partner=permutation     or reverse, roll, dataset
 *     mix_partner_self=no         or yes;                mix_partner=dataset
 *     mix_cutmix_box=floor        or round, minmax;      mix=cutmix, both
 *     mix_cutmix_box_range=0.20000000000000001,0.80000000000000004    mix_cutmix_box=minmax
 *     mix_from_epoch=0
 *     mix_until_epoch=0
 *     phase=30                    for every phase: its first epoch, and
 *     batch=32
 *     height=288
 *     width=288
 *
 * A double is printed as C's "%.17g" does in the C locale, minus zero as 0.  A line that is "only"
 * for another setting is left out: what cannot change a byte does not change the fingerprint.
 *
 *   recipe     as config_open fills it
 *   out        capacity bytes, the end mark included; cut where it is too short
 *
 * Owns:    nothing.
 * Returns: the length of the whole text without its end mark, also where out was too short.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
size_t recipe_text(const struct recipe *recipe, char *out, size_t capacity);

/**
 * The recipe as it holds in a phase: with its batch, height and width.
 *
 *   phase   0: before the first of recipe->phases; i: from recipe->phases[i - 1] on
 *
 * Owns: nothing.  Threads: any.  Blocks: no.
 */
struct recipe recipe_in_phase(const struct recipe *recipe, uint32_t phase);

/** The label smoothing of a stream's dense target, 0 .. 1.  Threads: any. */
double recipe_smoothing(const struct recipe *recipe);

/** Whether a transform is in the recipe's list.  Threads: any. */
bool recipe_has_transform(const struct recipe *recipe, enum transform transform);

struct config_key;

/**
 * Whether a setting of a transform can change a byte: its transform is in the list, and no other
 * setting makes it moot.  True for every other key.  Threads: any.
 */
bool recipe_setting_matters(const struct recipe *recipe, const struct config_key *key);

#endif
