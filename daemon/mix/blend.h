/*
 * Blends: the inner loop of mixing, in variants that give equal bytes.
 *
 * The plain one is the reference; check_mix.c holds every other one to it.  A blend is constant and
 * belongs to no thread.
 */
#ifndef STK_BLEND_H
#define STK_BLEND_H

#include <stddef.h>
#include <stdint.h>

struct blend {
    const char *name;

    /**
     * own = (weight * own + (MIX_ONE - weight) * other + MIX_ONE / 2) / MIX_ONE
     *
     *   own, other   uint8 [len], not overlapping
     *   weight       0 .. MIX_ONE
     */
    void (*u8)(uint8_t *own, const uint8_t *other, size_t len, uint16_t weight);

    /** own = w * own + (1 - w) * other with w = weight / MIX_ONE, each operation rounded. */
    void (*f32)(float *own, const float *other, size_t len, uint16_t weight);

    /** The same in float, rounded once more to binary16.  Numbers are finite. */
    void (*f16)(uint16_t *own, const uint16_t *other, size_t len, uint16_t weight);

    /** The same in float, rounded once more to bfloat16.  Numbers are finite. */
    void (*bf16)(uint16_t *own, const uint16_t *other, size_t len, uint16_t weight);
};

/** The reference, in plain C. */
extern const struct blend blend_plain;

/** The variant for AVX2 and F16C, or NULL where this processor has not both. */
const struct blend *blend_avx2(void);

#endif
