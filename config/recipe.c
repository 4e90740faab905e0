/*
 * The recipe's words and its canonical text.
 */
#include "config/recipe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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
WORDS(crop, [CROP_RANDOM] = "random", [CROP_CENTER] = "center", [CROP_NONE] = "none");
WORDS(interpolation, [INTERPOLATION_BILINEAR] = "bilinear", [INTERPOLATION_BICUBIC] = "bicubic",
      [INTERPOLATION_BOX] = "box", [INTERPOLATION_LANCZOS] = "lanczos",
      [INTERPOLATION_NEAREST] = "nearest");
WORDS(dtype, [STK_U8] = "u8", [STK_F32] = "f32", [STK_F16] = "f16", [STK_BF16] = "bf16");
WORDS(layout, [STK_NHWC] = "nhwc", [STK_NCHW] = "nchw");
WORDS(labels, [LABELS_INDEX] = "index", [LABELS_DENSE] = "dense");
WORDS(mix, [MIX_NONE] = "none", [MIX_MIXUP] = "mixup");
WORDS(mix_preset, [MIX_PRESET_FASTAI] = "fastai", [MIX_PRESET_PAPER] = "paper");

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

static void put_geometry(struct sink *sink, const struct recipe *recipe)
{
    put(sink, "height=%" PRIu32 "\nwidth=%" PRIu32 "\n", recipe->height, recipe->width);
    put(sink, "crop=%s\n", crop_list[recipe->crop]);
    if (recipe->crop == CROP_RANDOM) {
        put_reals(sink, "scale", recipe->scale, 2);
        put_reals(sink, "ratio", recipe->ratio, 2);
    }
    if (recipe->crop == CROP_CENTER)
        put(sink, "resize=%" PRIu32 "\n", recipe->resize);
    put(sink, "interpolation=%s\n", interpolation_list[recipe->interpolation]);
    put_reals(sink, "flip", &recipe->flip, 1);
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

static void put_mix(struct sink *sink, const struct recipe *recipe)
{
    put(sink, "mix=%s\n", mix_list[recipe->mix]);
    if (recipe->mix != MIX_NONE) {
        put(sink, "mix_preset=%s\n", mix_preset_list[recipe->mix_preset]);
        put_reals(sink, "mix_alpha", &recipe->mix_alpha, 1);
    }
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
    put_mix(&sink, recipe);
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
    return recipe->smoothing;
}

void recipe_mix_text(const struct recipe *recipe, char out[RECIPE_MIX_TEXT_BYTES])
{
    if (recipe->mix == MIX_NONE)
        snprintf(out, RECIPE_MIX_TEXT_BYTES, "none");
    else
        snprintf(out, RECIPE_MIX_TEXT_BYTES, "%s %s alpha=%g", mix_list[recipe->mix],
                 mix_preset_list[recipe->mix_preset], recipe->mix_alpha);
}
