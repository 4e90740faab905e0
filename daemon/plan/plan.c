/*
 * The plan of a batch: order, partners and lambdas.  What is drawn for each picture is in
 * transform/.
 */
#include "daemon/plan/plan.h"

#include <math.h>
#include <stdbool.h>

#include "daemon/base/check.h"
#include "daemon/base/rng.h"
#include "daemon/plan/beta.h"
#include "daemon/plan/permute.h"

uint64_t plan_steps(const struct recipe *recipe, uint64_t samples)
{
    uint64_t whole = samples / recipe->batch;
    bool rest = samples % recipe->batch != 0;
    return whole + (rest && recipe->last != STK_LAST_DROP);
}

uint32_t plan_count(const struct recipe *recipe, uint64_t samples, uint64_t step)
{
    uint64_t left = samples - step * recipe->batch;
    if (recipe->last == STK_LAST_PARTIAL && left < recipe->batch)
        return (uint32_t)left;
    return recipe->batch;
}

/* Beta's draw as the preset means it, in units of 1 / PLAN_LAMBDA_ONE. */
static uint16_t lambda_weight(const struct recipe *recipe, const struct rng *rng)
{
    double lambda = beta_draw(rng, recipe->mix_alpha);
    if (recipe->mix_preset == MIX_PRESET_FASTAI && lambda < 0.5)
        lambda = 1.0 - lambda;
    return (uint16_t)floor(lambda * PLAN_LAMBDA_ONE + 0.5);
}

static void plan_mix(const struct recipe *recipe, struct stk_address address, uint32_t count,
                     struct plan_slot *slots)
{
    struct rng rng = {recipe->seed, address.epoch, RNG_PARTNER, address.step};
    struct permute partners;
    permute_init(&partners, &rng, count);
    rng.purpose = RNG_LAMBDA;
    uint16_t shared = 0;
    if (recipe->mix_preset == MIX_PRESET_PAPER)
        shared = lambda_weight(recipe, &rng);
    for (uint32_t i = 0; i < count; i++) {
        slots[i].partner = (uint32_t)permute_at(&partners, i);
        rng.position = slots[i].position;
        slots[i].weight =
            recipe->mix_preset == MIX_PRESET_PAPER ? shared : lambda_weight(recipe, &rng);
    }
}

void plan_batch(const struct recipe *recipe, uint64_t samples, struct stk_address address,
                struct plan_slot *slots)
{
    CHECK(address.step < plan_steps(recipe, samples));
    uint32_t count = plan_count(recipe, samples, address.step);
    struct permute order;
    permute_init(&order, &(struct rng){recipe->seed, address.epoch, RNG_SHUFFLE, 0}, samples);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t position = address.step * recipe->batch + i;
        uint64_t place = position % samples;
        slots[i] = (struct plan_slot){
            .position = position,
            .index = recipe->order == ORDER_SHUFFLE ? permute_at(&order, place) : place,
            .partner = i,
            .weight = PLAN_LAMBDA_ONE,
        };
    }
    if (recipe->mix != MIX_NONE)
        plan_mix(recipe, address, count, slots);
}

uint64_t plan_replacement(const struct recipe *recipe, uint64_t samples, uint32_t epoch,
                          uint64_t position, uint32_t attempt)
{
    uint32_t words[4];
    rng_block(&(struct rng){recipe->seed, epoch, RNG_REPLACE, position}, attempt, words);
    return rng_below64(words[0], words[1], samples);
}
