/*
 * Checks of a mix section: which keys mean something beside which, and what fits the stream.
 */
#include "config/check.h"

#include <string.h>

static bool is_both(const struct recipe_mix *mix)
{
    return mix->method == MIX_BOTH;
}

/* A minmax box is drawn without a lambda. */
static bool has_cutmix_lambda(const struct recipe_mix *mix)
{
    return mix->cutmix_box != MIX_BOX_MINMAX;
}

static bool asks_data_set(const struct recipe_mix *mix)
{
    return mix->partner == MIX_PARTNER_DATASET;
}

static bool blends_sometimes(const struct recipe_mix *mix)
{
    return !is_both(mix) || mix->switch_prob < 1;
}

static bool cuts_sometimes(const struct recipe_mix *mix)
{
    return !is_both(mix) || mix->switch_prob > 0;
}

#define NO_MIXUP "with switch_prob = 1, which is CutMix alone"
#define NO_CUTMIX "with switch_prob = 0, which is mixup alone"

/* Keys that need others: what is written without need is a misunderstanding. */
static const struct {
    const char *name;
    bool (*applies)(const struct recipe_mix *mix);
    const char *otherwise;
} needs[] = {
    {"alpha", mix_blends, "with method = cutmix"},
    {"alpha", blends_sometimes, NO_MIXUP},
    {"cutmix_alpha", mix_cuts, "with method = mixup"},
    {"cutmix_alpha", cuts_sometimes, NO_CUTMIX},
    {"cutmix_alpha", has_cutmix_lambda, "with cutmix_box = minmax, which draws the sides itself"},
    {"switch_prob", is_both, "unless method = both"},
    {"fold", mix_blends, "with method = cutmix, whose lambda is never folded"},
    {"fold", blends_sometimes, NO_MIXUP},
    {"partner_self", asks_data_set, "unless partner = dataset"},
    {"cutmix_box", mix_cuts, "with method = mixup"},
    {"cutmix_box", cuts_sometimes, NO_CUTMIX},
};

enum { NEEDS = sizeof(needs) / sizeof(needs[0]) };

bool config_mix_applies(const struct recipe_mix *mix, const char *name)
{
    if (mix->method == MIX_NONE)
        return strcmp(name, "method") == 0 ||
               (strcmp(name, "smoothing") == 0 && mix->smoothing > 0);
    for (int i = 0; i < NEEDS; i++) {
        if (strcmp(needs[i].name, name) == 0 && !needs[i].applies(mix))
            return false;
    }
    return true;
}

static unsigned line_of(const struct config_lines *lines, const char *name)
{
    return lines->of[config_key_find(CONFIG_MIX, name) - config_keys];
}

static enum stk_status check_needs(const struct config_report *report,
                                   const struct config_lines *lines, const struct recipe_mix *mix)
{
    for (int i = 0; i < NEEDS; i++) {
        unsigned line = line_of(lines, needs[i].name);
        if (line > 0 && !needs[i].applies(mix))
            return config_fail(report, line, "\"%s\" changes nothing %s; remove it", needs[i].name,
                               needs[i].otherwise);
    }
    return STK_OK;
}

/* Labels are smoothed without mixing, too; all else is of mixing. */
static enum stk_status check_none(const struct config_report *report,
                                  const struct config_lines *lines)
{
    for (unsigned i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->section == CONFIG_MIX && lines->of[i] > 0 && strcmp(key->name, "method") != 0 &&
            strcmp(key->name, "smoothing") != 0)
            return config_fail(report, lines->of[i],
                               "\"%s\" changes nothing with method = none; remove it", key->name);
    }
    return STK_OK;
}

/* Class numbers cannot be smoothed.  0 is no smoothing, and may be written out beside anything. */
static enum stk_status check_smoothing(const struct config_report *report,
                                       const struct config_lines *lines,
                                       const struct recipe *recipe)
{
    if (recipe->mix.smoothing == 0 || recipe->labels == LABELS_DENSE)
        return STK_OK;
    return config_fail(
        report, line_of(lines, "smoothing"),
        "\"smoothing\" changes nothing with labels = index, which are class numbers; "
        "remove it, or set labels = dense");
}

static enum stk_status check_prob(const struct config_report *report,
                                  const struct config_lines *lines, const struct recipe_mix *mix)
{
    if (mix->prob > 0)
        return STK_OK;
    return config_fail(report, line_of(lines, "prob"),
                       "\"prob\" is 0; nothing would be mixed, make it larger, or remove the mix "
                       "section");
}

static enum stk_status check_pairs(const struct config_report *report,
                                   const struct config_lines *lines, const struct recipe_mix *mix)
{
    if (mix->per != MIX_PER_PAIR || mix->partner == MIX_PARTNER_REVERSE)
        return STK_OK;
    return config_fail(report, line_of(lines, "per"),
                       "\"per\" is pair with partner = %s; only with partner = reverse are two "
                       "slots each other's partner",
                       recipe_mix_partner_words.list[mix->partner]);
}

static enum stk_status check_epochs(const struct config_report *report,
                                    const struct config_lines *lines, const struct recipe_mix *mix)
{
    if (mix->until_epoch == 0 || mix->from_epoch < mix->until_epoch)
        return STK_OK;
    return config_fail(report, line_of(lines, "until_epoch"),
                       "\"until_epoch\" is %u and \"from_epoch\" %u; no epoch would be mixed, make "
                       "\"until_epoch\" larger, or 0 for ever",
                       (unsigned)mix->until_epoch, (unsigned)mix->from_epoch);
}

/* timm draws a side from int(n * LOW) up to, not with, int(n * HIGH). */
static bool has_sides(const struct recipe_mix *mix, uint32_t side)
{
    return (uint32_t)(side * mix->box_range[0]) < (uint32_t)(side * mix->box_range[1]);
}

static enum stk_status check_box(const struct config_report *report,
                                 const struct config_lines *lines, const struct recipe *recipe)
{
    const struct recipe_mix *mix = &recipe->mix;
    const double *range = mix->box_range;
    unsigned line = line_of(lines, "cutmix_box");
    if (mix->cutmix_box != MIX_BOX_MINMAX)
        return STK_OK;
    if (!(range[0] < range[1]))
        return config_fail(report, line,
                           "\"cutmix_box\" is {minmax, %g, %g}; it needs two shares of a side, the "
                           "smaller one first",
                           range[0], range[1]);
    if (!has_sides(mix, recipe->height) || !has_sides(mix, recipe->width))
        return config_fail(report, line,
                           "\"cutmix_box\" is {minmax, %g, %g}, and no whole number of pixels lies "
                           "between them in a picture of %u x %u; set them further apart",
                           range[0], range[1], (unsigned)recipe->height, (unsigned)recipe->width);
    return STK_OK;
}

/* What is measured is measured on the pictures that there are. */
static enum stk_status check_order(const struct config_report *report,
                                   const struct config_lines *lines, const struct recipe *recipe)
{
    if (recipe->order != ORDER_SEQUENTIAL)
        return STK_OK;
    const struct config_key *order = config_key_find(CONFIG_STREAM, "order");
    return config_fail(report, lines->of[order - config_keys],
                       "\"order\" is sequential, as of a validation stream, which is never mixed; "
                       "remove the mix section, or set order = shuffle");
}

/* A header names every picture that was replaced, and has room for STK_BATCH_MAX of them. */
enum stk_status config_check_mix_batch(const struct config_report *report, unsigned line,
                                       const struct recipe_mix *mix, uint32_t batch)
{
    if (!asks_data_set(mix) || batch <= STK_BATCH_MAX / 2)
        return STK_OK;
    return config_fail(report, line,
                       "\"batch\" is %u; with partner = dataset, which makes two pictures for each "
                       "sample, it must be at most %d",
                       (unsigned)batch, STK_BATCH_MAX / 2);
}

enum stk_status config_check_mix(const struct config_report *report,
                                 const struct config_lines *lines,
                                 const struct config_stream *stream)
{
    const struct recipe *recipe = &stream->recipe;
    enum stk_status status = check_smoothing(report, lines, recipe);
    if (status != STK_OK)
        return status;
    if (recipe->mix.method == MIX_NONE)
        return check_none(report, lines);
    status = check_needs(report, lines, &recipe->mix);
    if (status == STK_OK)
        status = check_prob(report, lines, &recipe->mix);
    if (status == STK_OK)
        status = check_pairs(report, lines, &recipe->mix);
    if (status == STK_OK)
        status = check_epochs(report, lines, &recipe->mix);
    for (uint32_t i = 0; i <= recipe->phase_count && status == STK_OK; i++) {
        struct recipe phase = recipe_in_phase(recipe, i);
        status = check_box(report, lines, &phase);
    }
    if (status == STK_OK)
        status = check_order(report, lines, recipe);
    if (status == STK_OK)
        status = config_check_mix_batch(report, config_line_of(lines, CONFIG_STREAM, "batch"),
                                        &recipe->mix, recipe->batch);
    return status;
}
