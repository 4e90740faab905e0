/*
 * The recipe's words and its canonical text.
 */
#include "config/recipe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "config/config.h"
#include "config/schema.h"

#define WORDS(name, ...)                                                                           \
    static const char *const name##_list[] = {__VA_ARGS__};                                        \
    const struct recipe_words recipe_##name##_words = {name##_list, sizeof(name##_list) /          \
                                                                        sizeof(name##_list[0])}

WORDS(order, [ORDER_SHUFFLE] = "shuffle", [ORDER_SEQUENTIAL] = "sequential");
WORDS(last, [STK_LAST_DROP] = "drop", [STK_LAST_PARTIAL] = "partial", [STK_LAST_WRAP] = "wrap",
      [STK_LAST_MASK] = "mask");
WORDS(sampler, [SAMPLER_ALL] = "all", [SAMPLER_WEIGHTED] = "weighted",
      [SAMPLER_BALANCED] = "balanced");
WORDS(on_corrupt, [ON_CORRUPT_REPLACE] = "replace", [ON_CORRUPT_FAIL] = "fail");
WORDS(erase_mode, [ERASE_VALUE] = "value", [ERASE_NOISE] = "noise");
WORDS(interpolation, [INTERPOLATION_BILINEAR] = "bilinear", [INTERPOLATION_BICUBIC] = "bicubic",
      [INTERPOLATION_BOX] = "box", [INTERPOLATION_LANCZOS] = "lanczos",
      [INTERPOLATION_NEAREST] = "nearest");
WORDS(dtype, [STK_U8] = "u8", [STK_F32] = "f32", [STK_F16] = "f16", [STK_BF16] = "bf16");
WORDS(layout, [STK_NHWC] = "nhwc", [STK_NCHW] = "nchw");
WORDS(labels, [LABELS_INDEX] = "index", [LABELS_DENSE] = "dense");
WORDS(
    mix, [MIX_NONE] = "none", [MIX_MIXUP] = "mixup", [MIX_CUTMIX] = "cutmix", [MIX_BOTH] = "both");
WORDS(mix_preset, [MIX_PRESET_FASTAI] = "fastai", [MIX_PRESET_TIMM] = "timm",
      [MIX_PRESET_TORCHVISION] = "torchvision", [MIX_PRESET_PAPER] = "paper",
      [MIX_PRESET_FASTBOOK] = "fastbook");
WORDS(mix_per, [MIX_PER_BATCH] = "batch", [MIX_PER_SAMPLE] = "sample", [MIX_PER_PAIR] = "pair");
WORDS(mix_partner, [MIX_PARTNER_PERMUTATION] = "permutation", [MIX_PARTNER_REVERSE] = "reverse",
      [MIX_PARTNER_ROLL] = "roll", [MIX_PARTNER_DATASET] = "dataset");
WORDS(mix_box, [MIX_BOX_FLOOR] = "floor", [MIX_BOX_ROUND] = "round", [MIX_BOX_MINMAX] = "minmax");
WORDS(mix_answer, [MIX_NO] = "no", [MIX_YES] = "yes");

/* Where a text grows; len counts on behind the capacity, as snprintf does. */
struct sink {
    char *out;
    size_t capacity;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct sink *sink, const char *format, ...)
{
    size_t used = sink->len < sink->capacity ? sink->len : sink->capacity;
    va_list values;
    va_start(values, format);
    int printed = vsnprintf(sink->capacity > 0 ? sink->out + used : NULL, sink->capacity - used,
                            format, values);
    va_end(values);
    sink->len += printed > 0 ? (size_t)printed : 0;
}

/* Adding zero turns minus zero, which makes the same pixels, into zero. */
static void put_reals(struct sink *sink, const char *key, const double *values, unsigned count)
{
    put(sink, "%s=", key);
    for (unsigned i = 0; i < count; i++)
        put(sink, "%s%.17g", i > 0 ? "," : "", values[i] + 0.0);
    put(sink, "\n");
}

static void put_address(struct sink *sink, const struct recipe *recipe)
{
    put(sink, "order=%s\nlast=%s\n", order_list[recipe->order], last_list[recipe->last]);
    put(sink, "sampler=%s\n", sampler_list[recipe->sampler]);
    if (recipe->sampler != SAMPLER_ALL)
        put(sink, "epoch_samples=%" PRIu64 "\n", recipe->epoch_samples);
    put(sink, "repeat=%" PRIu32 "\n", recipe->repeat);
    put_reals(sink, "subset", &recipe->subset, 1);
}

/* A row's offset counts from the stream that holds the recipe. */
static const void *field_of(const struct recipe *recipe, size_t offset)
{
    return (const char *)recipe + (offset - offsetof(struct config_stream, recipe));
}

static void put_value(struct sink *sink, const struct config_key *key, const void *field, size_t i)
{
    if (key->kind == CONFIG_REAL)
        put(sink, "%.17g", ((const double *)field)[i] + 0.0);
    else if (key->kind == CONFIG_WORD)
        put(sink, "%s", key->words->list[((const unsigned *)field)[i]]);
    else
        put(sink, "%" PRIu32, ((const uint32_t *)field)[i]);
}

static void put_settings(struct sink *sink, const struct recipe *recipe, enum transform transform)
{
    for (unsigned i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->section != config_section_of(transform) || !recipe_setting_matters(recipe, key))
            continue;
        size_t count = key->count_max;
        if (key->count_offset > 0)
            count = *(const size_t *)field_of(recipe, key->count_offset);
        put(sink, "%s.%s=", recipe_transform_words.list[transform], key->name);
        for (size_t k = 0; k < count; k++) {
            put(sink, "%s", k > 0 ? "," : "");
            put_value(sink, key, field_of(recipe, key->offset), k);
        }
        put(sink, "\n");
    }
}

/* The other transforms cut a window out of the picture at its own size. */
static bool resizes(const struct recipe *recipe)
{
    return recipe_has_transform(recipe, TRANSFORM_RANDOM_RESIZED_CROP) ||
           recipe_has_transform(recipe, TRANSFORM_RESIZE);
}

static void put_geometry(struct sink *sink, const struct recipe *recipe)
{
    put(sink, "height=%" PRIu32 "\nwidth=%" PRIu32 "\n", recipe->height, recipe->width);
    if (resizes(recipe))
        put(sink, "interpolation=%s\n", interpolation_list[recipe->interpolation]);
    for (size_t i = 0; i < recipe->transform_count; i++)
        put(sink, "%s%s",
            i > 0 ? "," : "transform=", recipe_transform_words.list[recipe->transforms[i]]);
    put(sink, "\n");
    for (size_t i = 0; i < recipe->transform_count; i++)
        put_settings(sink, recipe, recipe->transforms[i]);
}

static void put_numbers(struct sink *sink, const struct recipe *recipe)
{
    put(sink, "dtype=%s\nlayout=%s\n", dtype_list[recipe->dtype], layout_list[recipe->layout]);
    if (recipe->dtype != STK_U8) {
        put_reals(sink, "mean", recipe->mean, 3);
        put_reals(sink, "std", recipe->std, 3);
    }
}

static void put_labels(struct sink *sink, const struct recipe *recipe)
{
    double smoothing = recipe_smoothing(recipe);
    put(sink, "labels=%s\n", labels_list[recipe->labels]);
    if (recipe->labels == LABELS_DENSE)
        put_reals(sink, "smoothing", &smoothing, 1);
}

static void put_mix_draws(struct sink *sink, const struct recipe_mix *mix)
{
    if (mix_blends(mix))
        put_reals(sink, "mix_alpha", &mix->alpha, 1);
    if (mix_cuts(mix) && mix->cutmix_box != MIX_BOX_MINMAX)
        put_reals(sink, "mix_cutmix_alpha", &mix->cutmix_alpha, 1);
    if (mix->method == MIX_BOTH)
        put_reals(sink, "mix_switch_prob", &mix->switch_prob, 1);
    put_reals(sink, "mix_prob", &mix->prob, 1);
    put(sink, "mix_per=%s\n", mix_per_list[mix->per]);
    if (mix_blends(mix))
        put(sink, "mix_fold=%s\n", mix_answer_list[mix->fold]);
}

static void put_mix(struct sink *sink, const struct recipe_mix *mix)
{
    put(sink, "mix=%s\n", mix_list[mix->method]);
    if (mix->method == MIX_NONE)
        return;
    put_mix_draws(sink, mix);
    put(sink, "mix_partner=%s\n", mix_partner_list[mix->partner]);
    if (mix->partner == MIX_PARTNER_DATASET)
        put(sink, "mix_partner_self=%s\n", mix_answer_list[mix->partner_self]);
    if (mix_cuts(mix))
        put(sink, "mix_cutmix_box=%s\n", mix_box_list[mix->cutmix_box]);
    if (mix_cuts(mix) && mix->cutmix_box == MIX_BOX_MINMAX)
        put_reals(sink, "mix_cutmix_box_range", mix->box_range, 2);
    put(sink, "mix_from_epoch=%" PRIu32 "\n", mix->from_epoch);
    put(sink, "mix_until_epoch=%" PRIu32 "\n", mix->until_epoch);
}

static void put_phase(struct sink *sink, const struct recipe_phase *phase)
{
    put(sink, "phase=%" PRIu32 "\nbatch=%" PRIu32 "\n", phase->from_epoch, phase->batch);
    put(sink, "height=%" PRIu32 "\nwidth=%" PRIu32 "\n", phase->height, phase->width);
}

size_t recipe_text(const struct recipe *recipe, char *out, size_t capacity)
{
    struct sink sink = {.out = out, .capacity = capacity};
    put(&sink, "plan=%d\n", STK_PLAN_VERSION);
    put(&sink, "seed=%" PRIu64 "\nbatch=%" PRIu32 "\n", recipe->seed, recipe->batch);
    put_address(&sink, recipe);
    put(&sink, "on_corrupt=%s\n", on_corrupt_list[recipe->on_corrupt]);
    put(&sink, "image_pixels_max=%" PRIu64 "\n", recipe->image_pixels_max);
    put(&sink, "image_bytes_max=%" PRIu64 "\n", recipe->image_bytes_max);
    put_geometry(&sink, recipe);
    put_numbers(&sink, recipe);
    put_labels(&sink, recipe);
    put_mix(&sink, &recipe->mix);
    for (uint32_t i = 0; i < recipe->phase_count; i++)
        put_phase(&sink, &recipe->phases[i]);
    return sink.len;
}

struct recipe recipe_in_phase(const struct recipe *recipe, uint32_t phase)
{
    struct recipe changed = *recipe;
    if (phase > 0) {
        changed.batch = recipe->phases[phase - 1].batch;
        changed.height = recipe->phases[phase - 1].height;
        changed.width = recipe->phases[phase - 1].width;
    }
    return changed;
}

double recipe_smoothing(const struct recipe *recipe)
{
    return recipe->mix.smoothing;
}
