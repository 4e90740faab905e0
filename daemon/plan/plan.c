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

uint32_t plan_count(const struct recipe *recipe, uint64_t samples, uint64_t step)
{
    uint64_t left = samples - step * recipe->batch;
    if (recipe->last == STK_LAST_PARTIAL && left < recipe->batch)
        return (uint32_t)left;
    return recipe->batch;
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
            .lambda = 1.0f,
        };
    }
    plan_mix(recipe, samples, address, count, slots);
}

uint64_t plan_replacement(const struct recipe *recipe, uint64_t samples, uint32_t epoch,
                          uint64_t position, uint32_t attempt)
{
    uint32_t words[4];
    rng_block(&(struct rng){recipe->seed, epoch, RNG_REPLACE, position}, attempt, words);
    return rng_below64(words[0], words[1], samples);
}
