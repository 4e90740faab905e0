/*
 * Presets of mixing, and mixing in a few words.
 */
#include "config/mix.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "config/recipe.h"

/* As each library has it at its own defaults.  What a library lacks stands as in most others, so
 * that a method it does not know (fastai's both) has values too. */
static const struct recipe_mix presets[] = {
    [MIX_PRESET_FASTAI] = {.method = MIX_MIXUP,
                           .alpha = 0.4,
                           .per = MIX_PER_SAMPLE,
                           .fold = MIX_YES,
                           .partner = MIX_PARTNER_PERMUTATION,
                           .cutmix_box = MIX_BOX_ROUND},
    [MIX_PRESET_TIMM] = {.method = MIX_BOTH,
                         .alpha = 1,
                         .per = MIX_PER_BATCH,
                         .partner = MIX_PARTNER_REVERSE,
                         .smoothing = 0.1},
    [MIX_PRESET_TORCHVISION] = {.method = MIX_BOTH,
                                .alpha = 1,
                                .per = MIX_PER_BATCH,
                                .partner = MIX_PARTNER_ROLL},
    [MIX_PRESET_PAPER] = {.method = MIX_MIXUP,
                          .alpha = 1,
                          .per = MIX_PER_BATCH,
                          .partner = MIX_PARTNER_PERMUTATION},
    [MIX_PRESET_FASTBOOK] = {.method = MIX_MIXUP,
                             .alpha = 1,
                             .per = MIX_PER_SAMPLE,
                             .fold = MIX_YES,
                             .partner = MIX_PARTNER_DATASET},
};

struct recipe_mix mix_preset_keys(enum mix_preset preset, const enum mix_method *method)
{
    if (method != NULL && *method == MIX_NONE)
        return (struct recipe_mix){.method = MIX_NONE};
    struct recipe_mix mix = presets[preset];
    mix.preset = preset;
    mix.cutmix_alpha = 1;
    mix.switch_prob = 0.5;
    mix.prob = 1;
    if (method != NULL)
        mix.method = *method;
    if (preset == MIX_PRESET_FASTAI && mix.method == MIX_CUTMIX)
        mix.per = MIX_PER_BATCH;
    return mix;
}

bool mix_blends(const struct recipe_mix *mix)
{
    return mix->method == MIX_MIXUP || mix->method == MIX_BOTH;
}

bool mix_cuts(const struct recipe_mix *mix)
{
    return mix->method == MIX_CUTMIX || mix->method == MIX_BOTH;
}

/* A line of words as it grows; more than fits is cut. */
struct line {
    char *text;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int printed =
        vsnprintf(line->text + line->len, RECIPE_MIX_TEXT_BYTES - line->len, format, values);
    va_end(values);
    if (printed > 0 && line->len + (size_t)printed < RECIPE_MIX_TEXT_BYTES)
        line->len += (size_t)printed;
}

static void add_strengths(struct line *line, const struct recipe_mix *mix)
{
    if (mix_blends(mix))
        add(line, " alpha=%g", mix->alpha);
    if (mix_cuts(mix) && mix->cutmix_box != MIX_BOX_MINMAX)
        add(line, " cutmix_alpha=%g", mix->cutmix_alpha);
    if (mix->method == MIX_BOTH)
        add(line, " switch_prob=%g", mix->switch_prob);
}

static void add_box(struct line *line, const struct recipe_mix *mix, const struct recipe_mix *usual)
{
    if (!mix_cuts(mix) || mix->cutmix_box == usual->cutmix_box)
        return;
    add(line, " cutmix_box=%s", recipe_mix_box_words.list[mix->cutmix_box]);
    if (mix->cutmix_box == MIX_BOX_MINMAX)
        add(line, ",%g,%g", mix->box_range[0], mix->box_range[1]);
}

static void add_changes(struct line *line, const struct recipe_mix *mix,
                        const struct recipe_mix *usual)
{
    if (mix->prob < usual->prob)
        add(line, " prob=%g", mix->prob);
    if (mix->per != usual->per)
        add(line, " per=%s", recipe_mix_per_words.list[mix->per]);
    if (mix_blends(mix) && mix->fold != usual->fold)
        add(line, " fold=%s", recipe_mix_answer_words.list[mix->fold]);
    if (mix->partner != usual->partner)
        add(line, " partner=%s", recipe_mix_partner_words.list[mix->partner]);
    if (mix->partner_self != usual->partner_self)
        add(line, " partner_self=%s", recipe_mix_answer_words.list[mix->partner_self]);
    add_box(line, mix, usual);
    if (mix->from_epoch > 0)
        add(line, " from_epoch=%" PRIu32, mix->from_epoch);
    if (mix->until_epoch > 0)
        add(line, " until_epoch=%" PRIu32, mix->until_epoch);
}

void recipe_mix_text(const struct recipe_mix *mix, char out[RECIPE_MIX_TEXT_BYTES])
{
    struct line line = {.text = out};
    add(&line, "%s", recipe_mix_words.list[mix->method]);
    if (mix->method != MIX_NONE) {
        add(&line, " %s", recipe_mix_preset_words.list[mix->preset]);
        add_strengths(&line, mix);
    }
    struct recipe_mix usual = mix_preset_keys(mix->preset, &mix->method);
    /* timm without its smoothing must not read as timm. */
    if (mix->smoothing > 0 || usual.smoothing > 0)
        add(&line, " smoothing=%g", mix->smoothing);
    if (mix->method == MIX_NONE)
        return;
    add_changes(&line, mix, &usual);
}
