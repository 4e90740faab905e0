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
#include "proto/message.h"

enum { MIX_ONE = PLAN_LAMBDA_ONE }; /* the weight that means lambda = 1 */

/* What is mixed with what.  Both arrays have count elements and are borrowed. */
struct mix_pairs {
    const uint32_t *partner; /* a permutation of 0 .. count - 1 */
    const uint16_t *weight;  /* lambda * MIX_ONE, 0 .. MIX_ONE */
    uint32_t count;
};

/**
 * Mix the pictures of a batch.
 *
 *   images       dtype [count, slot_bytes / the dtype's], the caller's, changed in place; aligned
 *                to its dtype, and finite
 *   slot_bytes   of one picture
 *   dtype        STK_U8: (w * a + (MIX_ONE - w) * b + MIX_ONE / 2) >> 14, rounded to nearest, half
 *                up, so at most half a level from the exact blend
 *                STK_F32: w * a + (1 - w) * b, each operation rounded to float, never fused
 *                STK_F16, STK_BF16: that float, rounded once more, to nearest even
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: Zhang et al., mixup: beyond empirical risk minimization (2018); PROTOCOL.md, "Mixup".
 */
void mix_images(void *images, size_t slot_bytes, enum stk_dtype dtype,
                const struct mix_pairs *pairs);

#endif
