/*
 * Mixing: the blend kernels, on the caller's memory.
 *
 * A batch is mixed in place: out[i] = lambda[i] * in[i] + (1 - lambda[i]) * in[partner[i]], where
 * partner is a permutation of the slots.  Its cycles are followed one stripe of bytes at a time, so
 * that each slot is read before it is overwritten and no second copy of the batch exists.
 * No state; any thread.
 */
#ifndef STK_MIX_H
#define STK_MIX_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/plan/plan.h"

enum { MIX_ONE = PLAN_LAMBDA_ONE }; /* the weight that means lambda = 1 */

/* What is mixed with what.  Both arrays have count elements and are borrowed. */
struct mix_pairs {
    const uint32_t *partner; /* a permutation of 0 .. count - 1 */
    const uint16_t *weight;  /* lambda * MIX_ONE, 0 .. MIX_ONE */
    uint32_t count;
};

/**
 * Mix 8-bit pictures.
 *
 *   images   uint8 [count, slot_bytes], the caller's, changed in place
 *
 * A value is (w * a + (MIX_ONE - w) * b + MIX_ONE / 2) >> 14: rounded to nearest, half up, so at
 * most half a level from the exact blend.
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: Zhang et al., mixup: beyond empirical risk minimization (2018).
 */
void mix_u8(uint8_t *images, size_t slot_bytes, const struct mix_pairs *pairs);

/**
 * Mix float pictures: w * a + (1 - w) * b, each operation rounded to float, never fused.
 *
 *   images   float32 [count, slot_elements], the caller's, changed in place
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
void mix_f32(float *images, size_t slot_elements, const struct mix_pairs *pairs);

#endif
