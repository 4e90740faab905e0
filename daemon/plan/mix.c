/*
 * The plan of mixing: one draw a batch, a slot or a pair, then what it means for each slot.
 */
#include "daemon/plan/mix.h"

#include <math.h>

#include "daemon/base/rng.h"
#include "daemon/plan/beta.h"
#include "daemon/plan/permute.h"

enum { PARTNER_TRIES_MAX = 64 };

/* What slots share that are mixed alike. */
struct share {
    enum plan_mixing mixing;
    uint16_t weight;
    float lambda;
    struct box cut;
};

/* The nearest whole half of a side, or the whole half below. */
static int32_t half_side(enum mix_box rounding, double ratio, uint32_t side)
{
    double length = side * ratio;
    return (int32_t)(rounding == MIX_BOX_ROUND ? nearbyint(length) : floor(length)) / 2;
}

/* [centre - half, centre + half) inside [0, side). */
static void clip(uint32_t centre, int32_t half, uint32_t side, int32_t *start, int32_t *length)
{
    int32_t low = (int32_t)centre - half;
    int32_t high = (int32_t)centre + half;
    *start = low > 0 ? low : 0;
    *length = (high < (int32_t)side ? high : (int32_t)side) - *start;
}

struct box plan_cut_box(enum mix_box rounding, double lambda, uint32_t height, uint32_t width,
                        uint32_t y, uint32_t x)
{
    double ratio = sqrt(1.0 - lambda);
    struct box box;
    clip(y, half_side(rounding, ratio, height), height, &box.top, &box.height);
    clip(x, half_side(rounding, ratio, width), width, &box.left, &box.width);
    return box;
}

float plan_cut_lambda(const struct box *box, uint32_t height, uint32_t width)
{
    double area = (double)box->height * (double)box->width;
    return (float)(1.0 - area / ((double)height * (double)width));
}

/* timm's rand_bbox_minmax: sides and places below their ends, never at them; never clipped. */
static void draw_side(const double range[2], uint32_t words[2], uint32_t side, int32_t *start,
                      int32_t *length)
{
    uint32_t low = (uint32_t)(side * range[0]);
    uint32_t high = (uint32_t)(side * range[1]);
    uint32_t drawn = low + rng_below(words[0], high - low);
    *length = (int32_t)drawn;
    *start = (int32_t)rng_below(words[1], side - drawn);
}

static void share_cut(const struct recipe *recipe, struct rng *rng, struct share *share)
{
    const struct recipe_mix *mix = &recipe->mix;
    uint32_t words[4];
    rng->purpose = RNG_CUT;
    rng_block(rng, 0, words);
    share->mixing = PLAN_CUT;
    if (mix->cutmix_box == MIX_BOX_MINMAX) {
        draw_side(mix->box_range, &words[0], recipe->height, &share->cut.top, &share->cut.height);
        draw_side(mix->box_range, &words[2], recipe->width, &share->cut.left, &share->cut.width);
    } else {
        rng->purpose = RNG_LAMBDA;
        double lambda = beta_draw(rng, mix->cutmix_alpha);
        share->cut =
            plan_cut_box(mix->cutmix_box, lambda, recipe->height, recipe->width,
                         rng_below(words[0], recipe->height), rng_below(words[1], recipe->width));
    }
    share->lambda = plan_cut_lambda(&share->cut, recipe->height, recipe->width);
}

static void share_blend(const struct recipe_mix *mix, struct rng *rng, struct share *share)
{
    rng->purpose = RNG_LAMBDA;
    double lambda = beta_draw(rng, mix->alpha);
    if (mix->fold == MIX_YES && lambda < 0.5)
        lambda = 1.0 - lambda;
    share->mixing = PLAN_BLEND;
    share->weight = (uint16_t)floor(lambda * PLAN_LAMBDA_ONE + 0.5);
    share->lambda = (float)share->weight / PLAN_LAMBDA_ONE;
}

/* The draws of what stands at a place: a step, or a position in the epoch. */
static struct share draw_share(const struct recipe *recipe, uint32_t epoch, uint64_t place)
{
    const struct recipe_mix *mix = &recipe->mix;
    struct share share = {.mixing = PLAN_KEEP, .weight = PLAN_LAMBDA_ONE, .lambda = 1.0f};
    struct rng rng = {recipe->seed, epoch, RNG_MIX_CHOICE, place};
    uint32_t words[4];
    rng_block(&rng, 0, words);
    if (rng_unit(words[0]) >= mix->prob)
        return share;
    bool switched = rng_unit(words[1]) < mix->switch_prob;
    if (mix->method == MIX_CUTMIX || (mix->method == MIX_BOTH && switched))
        share_cut(recipe, &rng, &share);
    else
        share_blend(mix, &rng, &share);
    return share;
}

/* A sample as the sampler draws them; where it must not be the slot's own, drawn again while it is.
 * That ends at the first try or soon, but where nearly all of the weight is one sample's: then the
 * sample itself is the last resort. */
static uint64_t draw_sample(const struct recipe *recipe, const struct sampler *sampler,
                            uint32_t epoch, const struct plan_slot *slot)
{
    const struct rng rng = {recipe->seed, epoch, RNG_PARTNER_SAMPLE, slot->position};
    uint64_t drawn = slot->index;
    for (uint32_t attempt = 0; attempt < PARTNER_TRIES_MAX; attempt++) {
        uint32_t words[4];
        rng_block(&rng, attempt, words);
        drawn = sampler_draw(sampler, words);
        if (drawn != slot->index || recipe->mix.partner_self == MIX_YES)
            break;
    }
    return drawn;
}

static void plan_partners(const struct recipe *recipe, const struct sampler *sampler,
                          struct stk_address address, uint32_t count, struct plan_slot *slots)
{
    struct permute permute;
    permute_init(&permute, &(struct rng){recipe->seed, address.epoch, RNG_PARTNER, address.step},
                 count);
    for (uint32_t i = 0; i < count; i++) {
        switch (recipe->mix.partner) {
        case MIX_PARTNER_PERMUTATION:
            slots[i].partner = (uint32_t)permute_at(&permute, i);
            break;
        case MIX_PARTNER_REVERSE:
            slots[i].partner = count - 1 - i;
            break;
        case MIX_PARTNER_ROLL:
            slots[i].partner = i > 0 ? i - 1 : count - 1;
            break;
        case MIX_PARTNER_DATASET:
            slots[i].partner_index = draw_sample(recipe, sampler, address.epoch, &slots[i]);
            break;
        }
    }
}

static bool mixes_epoch(const struct recipe_mix *mix, uint32_t epoch)
{
    return epoch >= mix->from_epoch && (mix->until_epoch == 0 || epoch < mix->until_epoch);
}

/* Where the draws of a slot are made; slots with the same place share them. */
static uint64_t draw_place(const struct recipe_mix *mix, uint64_t step, uint32_t count,
                           const struct plan_slot *slots, uint32_t slot)
{
    uint32_t first = slot < count - 1 - slot ? slot : count - 1 - slot;
    return mix->per == MIX_PER_BATCH    ? step
           : mix->per == MIX_PER_SAMPLE ? slots[slot].position
                                        : slots[first].position;
}

void plan_mix(const struct recipe *recipe, const struct sampler *sampler,
              struct stk_address address, uint32_t count, struct plan_slot *slots)
{
    const struct recipe_mix *mix = &recipe->mix;
    if (mix->method == MIX_NONE || !mixes_epoch(mix, address.epoch))
        return;
    plan_partners(recipe, sampler, address, count, slots);
    struct share share = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t place = draw_place(mix, address.step, count, slots, i);
        if (i == 0 || mix->per != MIX_PER_BATCH)
            share = draw_share(recipe, address.epoch, place);
        slots[i].mixing = share.mixing;
        slots[i].weight = share.weight;
        slots[i].lambda = share.lambda;
        slots[i].cut = share.cut;
    }
}
