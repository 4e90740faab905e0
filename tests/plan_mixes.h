/*
 * Plans of mixing, and what chance allows: of 10^5 draws with fixed seeds passes what has
 * p > 1e-4: 3.89 standard errors on two sides, 3.719 on one.
 */
#ifndef STK_TESTS_PLAN_MIXES_H
#define STK_TESTS_PLAN_MIXES_H

#include <math.h>
#include <stdlib.h>

#include "daemon/plan/mix.h"
#include "tests/samplers.h"
#include "tests/suite.h"

enum { B = 50, STEPS = 2000, DRAWS = B * STEPS, N = 101 };

static const double z_two_sided = 3.89;
static const double z_one_sided = 3.719;

static inline struct recipe recipe_of(enum mix_preset preset, const enum mix_method *method)
{
    return (struct recipe){.seed = 20,
                           .batch = B,
                           .repeat = 1,
                           .subset = 1,
                           .last = STK_LAST_WRAP,
                           .height = 224,
                           .width = 224,
                           .mix = mix_preset_keys(preset, method)};
}

static const enum mix_method cutmix = MIX_CUTMIX;
static const enum mix_method mixup = MIX_MIXUP;

/* Slots of the steps of an epoch, made by plan_mix alone: indices count through the samples. */
static inline void plan_step(const struct recipe *recipe, uint64_t samples,
                             struct stk_address address, struct plan_slot *slots)
{
    for (uint32_t i = 0; i < recipe->batch; i++) {
        uint64_t position = address.step * recipe->batch + i;
        slots[i] = (struct plan_slot){
            .position = position, .index = position % samples, .partner = i, .lambda = 1.0f};
    }
    struct sampler sampler = sampler_of(recipe, samples);
    plan_mix(recipe, &sampler, address, recipe->batch, slots);
    sampler_release(&sampler);
}

static inline struct plan_slot *plan_epoch(const struct recipe *recipe, uint64_t samples)
{
    struct plan_slot *slots = calloc(DRAWS, sizeof *slots);
    ck_assert_ptr_nonnull(slots);
    for (uint64_t step = 0; step < DRAWS / recipe->batch; step++)
        plan_step(recipe, samples, (struct stk_address){3, step}, slots + step * recipe->batch);
    return slots;
}

/* What a chi-square of so many degrees of freedom stays below (Wilson and Hilferty). */
static inline double chi_square_limit(unsigned degrees)
{
    double part = 2.0 / (9.0 * degrees);
    return degrees * pow(1 - part + z_one_sided * sqrt(part), 3);
}

static inline double chi_square(const unsigned *counts, unsigned cells)
{
    double total = 0, sum = 0;
    for (unsigned i = 0; i < cells; i++)
        total += counts[i];
    double expected = total / cells;
    for (unsigned i = 0; i < cells; i++)
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    return sum;
}

static inline void assert_uniform(const unsigned *counts, unsigned cells)
{
    ck_assert_double_lt(chi_square(counts, cells), chi_square_limit(cells - 1));
}

static inline void assert_frequency(unsigned hits, unsigned tries, double probability)
{
    double deviation = sqrt(tries * probability * (1 - probability));
    ck_assert_double_le(fabs(hits - tries * probability), z_two_sided * deviation);
}

#endif
