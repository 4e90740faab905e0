/*
 * The plan of a batch: its order.  Mixing is in mix.c; what is drawn for each picture is in
 * transform/.
 */
#include "daemon/plan/plan.h"

#include "daemon/base/check.h"
#include "daemon/base/rng.h"
#include "daemon/plan/mix.h"
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
            .lambda = 1.0f,
            .valid = recipe->last != STK_LAST_MASK || position < sampler->length,
        };
    }
    plan_mix(recipe, sampler, address, count, slots);
}

uint64_t plan_replacement(const struct sampler *sampler, uint32_t epoch, uint64_t position,
                          uint32_t attempt)
{
    uint32_t words[4];
    rng_block(&(struct rng){sampler->seed, epoch, RNG_REPLACE, position}, attempt, words);
    return sampler_draw(sampler, words);
}
