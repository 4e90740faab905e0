/*
 * The plan: what stands in every slot of every batch, as pure functions of recipe and address.
 *
 * Nothing here reads a clock, a file or a state; two machines that run it agree on every bit.  The
 * algorithms are `plan 1` of PROTOCOL.md, which is normative.  Any thread.
 */
#ifndef STK_PLAN_H
#define STK_PLAN_H

#include <stdint.h>

#include "config/recipe.h"
#include "daemon/plan/sampler.h"
#include "daemon/plan/view.h"

/* mixup's lambda is a multiple of 1 / PLAN_LAMBDA_ONE: pixels and wire agree on it exactly. */
enum { PLAN_LAMBDA_ONE = 1 << 14 };

/* With last = mask, steps behind an epoch's end that are served all the same, so that each of up to
 * as many ranks takes as many steps as the others. */
#define PLAN_MASKED_STEPS (UINT64_C(1) << 32)

/* The draws of a partner from the data set are those of its slot's position and this. */
#define PLAN_PARTNER_POSITION (UINT64_C(1) << 63)

/* What becomes of a slot's picture. */
enum plan_mixing { PLAN_KEEP, PLAN_BLEND, PLAN_CUT };

struct plan_slot {
    uint64_t position; /* in the epoch: step * batch + slot */
    uint64_t index;    /* sample */
    bool valid;        /* counts; the others only fill a masked batch */

    enum plan_mixing mixing; /* PLAN_KEEP: the partner is the slot itself, whatever is below */
    uint32_t partner; /* slot of this batch; a permutation, in which those that are kept have a
                         place too; itself where partners come from the data set */
    uint64_t partner_index; /* sample, where partners come from the data set */
    uint16_t weight;        /* PLAN_BLEND: lambda * PLAN_LAMBDA_ONE, this slot's own share */
    float lambda;           /* the slot's own share, in which it is mixed; 1 where it is kept */
    struct box cut;         /* PLAN_CUT: what the partner covers, in served pixels; may be empty */
};

/**
 * Steps of an epoch: samples / batch, rounded down for drop and up for partial, wrap and mask.
 *
 *   samples   places of the epoch, sampler->length
 *
 * Owns: nothing.  Threads: any.  Blocks: no.
 */
uint64_t plan_steps(const struct recipe *recipe, uint64_t samples);

/** Whether a step is served: it is one of the epoch's, or of PLAN_MASKED_STEPS behind it. */
bool plan_has_step(const struct recipe *recipe, uint64_t samples, uint64_t step);

/** Samples in the batch of a step, 1 .. recipe->batch; plan_has_step. */
uint32_t plan_count(const struct recipe *recipe, uint64_t samples, uint64_t step);

/**
 * Plan one batch.
 *
 *   sampler   of the recipe's stream
 *   address   plan_has_step
 *   slots     storage for plan_count slots, all are set
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: PROTOCOL.md, "plan 1".
 */
void plan_batch(const struct recipe *recipe, const struct sampler *sampler,
                struct stk_address address, struct plan_slot *slots);

/**
 * The sample that stands in for one that cannot be decoded, drawn by the sampler's law.
 *
 *   attempt   0 for the first stand-in, 1 for the one that replaces it, ...
 *
 * The same in every daemon.  Threads: any.  Blocks: no.
 */
uint64_t plan_replacement(const struct sampler *sampler, uint32_t epoch, uint64_t position,
                          uint32_t attempt);

#endif
