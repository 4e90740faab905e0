/*
 * The plan of a batch: order, flips, partners and lambdas.  Crops are in crop.c.
 */
#include "daemon/plan/plan.h"

#include <math.h>

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

bool plan_has_step(const struct recipe *recipe, uint64_t samples, uint64_t step)
{
    uint64_t steps = plan_steps(recipe, samples);
    return step < steps || (recipe->last == STK_LAST_MASK && step - steps < PLAN_MASKED_STEPS);
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

static bool plan_flip(const struct recipe *recipe, uint32_t epoch, uint64_t position)
{
    uint32_t words[4];
    rng_block(&(struct rng){recipe->seed, epoch, RNG_FLIP, position}, 0, words);
    return rng_unit(words[0]) < recipe->flip;
}

void plan_batch(const struct recipe *recipe, const struct sampler *sampler,
                struct stk_address address, struct plan_slot *slots)
{
    CHECK(plan_has_step(recipe, sampler->length, address.step));
    uint32_t count = plan_count(recipe, sampler->length, address.step);
    struct sampler_epoch epoch;
    sampler_epoch_init(&epoch, sampler, address.epoch);
    /* Steps that repeat the same places differ in their positions, so in every other draw. */
    uint64_t first_place = address.step / recipe->repeat * recipe->batch;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t position = address.step * recipe->batch + i;
        slots[i] = (struct plan_slot){
            .position = position,
            .index = sampler_index(&epoch, (first_place + i) % sampler->length),
            .partner = i,
            .weight = PLAN_LAMBDA_ONE,
            .flip = plan_flip(recipe, address.epoch, position),
            .valid = recipe->last != STK_LAST_MASK || position < sampler->length,
        };
    }
    if (recipe->mix != MIX_NONE)
        plan_mix(recipe, address, count, slots);
}

uint64_t plan_replacement(const struct sampler *sampler, uint32_t epoch, uint64_t position,
                          uint32_t attempt)
{
    uint32_t words[4];
    rng_block(&(struct rng){sampler->seed, epoch, RNG_REPLACE, position}, attempt, words);
    return sampler_draw(sampler, words);
}
