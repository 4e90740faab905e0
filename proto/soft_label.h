/*
 * Soft labels: the arithmetic of a dense target, the same in the daemon and in libstoker.
 *
 * It is timm's mixup_target as PyTorch computes it: the two values of a smoothed one-hot in
 * binary64, each rounded to binary32, and mixed in binary32, every operation rounded by itself.
 * PROTOCOL.md, "Target", is normative.  No state; any thread; nothing allocates or blocks.
 */
#ifndef STK_SOFT_LABEL_H
#define STK_SOFT_LABEL_H

#include <stdint.h>

/* A smoothed one-hot: its value at its class, and everywhere else. */
struct stk_one_hot {
    float on;
    float off;
};

/** The one-hot of so many classes, >= 1, smoothed by 0 .. 1. */
struct stk_one_hot stk_one_hot_of(double smoothing, uint32_t classes);

/**
 * Mix two one-hots: lambda * one_hot(label) + (1 - lambda) * one_hot(partner_label).
 *
 *   label, partner_label   0 .. classes - 1
 *   row                    classes floats, overwritten
 */
void stk_one_hot_mix(struct stk_one_hot one_hot, int32_t label, int32_t partner_label, float lambda,
                     uint32_t classes, float *row);

#endif
