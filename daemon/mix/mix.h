/*
 * Mixing: the kernels of mixup and CutMix, on the caller's memory.
 *
 * A batch is mixed in place, in one pass.  Where partners are slots of the batch, they are a
 * permutation of it: its cycles are followed one stripe of bytes at a time, so that each slot is
 * read before it is overwritten and no second copy of the batch exists.  Where partners come from
 * the data set, they stand in memory of their own.
 * No state; any thread.
 */
#ifndef STK_MIX_H
#define STK_MIX_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/plan/plan.h"
#include "proto/message.h"

enum { MIX_ONE = PLAN_LAMBDA_ONE }; /* the weight that means lambda = 1 */

/* How a picture stands in memory. */
struct mix_format {
    uint32_t height;
    uint32_t width;
    enum stk_dtype dtype; /* STK_U8, STK_F32, STK_F16 or STK_BF16 */
    enum stk_layout layout;
};

/**
 * Mix the pictures of a batch, each as its slot says: one that is kept stays, one that is blended
 * becomes the mean of itself and its partner, and one that is cut gets the partner's pixels in its
 * box.  A partner's pixels are those before mixing.
 *
 *   images     pictures of the format, count of them behind each other, the caller's, changed in
 *              place; aligned to its dtype, and finite
 *   partners   likewise, by slot, read alone: partners from the data set; NULL: a slot's partner is
 *              slots[i].partner
 *   slots      count of them, as planned
 *
 * A blend with weight w = slots[i].weight of a and its partner b is
 *   STK_U8: (w * a + (MIX_ONE - w) * b + MIX_ONE / 2) >> 14, rounded to nearest, half up, so at
 *           most half a level from the exact blend
 *   STK_F32: w * a + (1 - w) * b, each operation rounded to float, never fused
 *   STK_F16, STK_BF16: that float, rounded once more, to nearest even
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: Zhang et al., mixup: beyond empirical risk minimization (2018); Yun et al., CutMix
 *         (2019); PROTOCOL.md, "Mixing".
 */
void mix_images(const struct mix_format *format, void *images, const void *partners,
                const struct plan_slot *slots, uint32_t count);

#endif
