/*
 * Mixing: cycles of the permutation outside, a blend inside.
 *
 * Along a cycle i, p(i), p(p(i)), ... each slot is needed by itself and by its predecessor, which
 * comes first; only the first slot of the cycle is needed again, by the last, and is kept aside.
 */
#include "daemon/mix/mix.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/mix/blend.h"

enum { STRIPE_BYTES = 4096 };

/* The same bytes of every slot: what fits into the first cache together. */
struct stripe {
    uint8_t *images;
    size_t slot_bytes;
    size_t start; /* of the stripe in a slot */
    size_t bytes;
    enum stk_dtype dtype;
    const struct blend *blend;
};

static uint8_t *slot_at(const struct stripe *stripe, uint32_t slot)
{
    return stripe->images + slot * stripe->slot_bytes + stripe->start;
}

static void blend(const struct stripe *stripe, uint32_t slot, const void *other, uint16_t weight)
{
    uint8_t *own = slot_at(stripe, slot);
    if (stripe->dtype == STK_U8)
        stripe->blend->u8(own, other, stripe->bytes, weight);
    else
        stripe->blend->f32((float *)(void *)own, other, stripe->bytes / sizeof(float), weight);
}

static void mix_cycle(const struct stripe *stripe, const struct mix_pairs *pairs, uint32_t first)
{
    _Alignas(64) uint8_t kept[STRIPE_BYTES];
    memcpy(kept, slot_at(stripe, first), stripe->bytes);
    uint32_t i = first;
    for (uint32_t partner = pairs->partner[i]; partner != first; partner = pairs->partner[i]) {
        blend(stripe, i, slot_at(stripe, partner), pairs->weight[i]);
        i = partner;
    }
    blend(stripe, i, kept, pairs->weight[i]);
}

/* A cycle is started from its smallest slot, so that no mark of the visited ones is needed. */
static bool starts_cycle(const struct mix_pairs *pairs, uint32_t slot)
{
    for (uint32_t i = pairs->partner[slot]; i != slot; i = pairs->partner[i]) {
        if (i < slot)
            return false;
    }
    return true;
}

static void mix(struct stripe stripe, const struct mix_pairs *pairs)
{
    stripe.blend = blend_avx2() != NULL ? blend_avx2() : &blend_plain;
    for (uint32_t slot = 0; slot < pairs->count; slot++) {
        CHECK(pairs->partner[slot] < pairs->count && pairs->weight[slot] <= MIX_ONE);
        if (pairs->partner[slot] == slot || !starts_cycle(pairs, slot))
            continue;
        for (stripe.start = 0; stripe.start < stripe.slot_bytes; stripe.start += STRIPE_BYTES) {
            size_t left = stripe.slot_bytes - stripe.start;
            stripe.bytes = left < STRIPE_BYTES ? left : STRIPE_BYTES;
            mix_cycle(&stripe, pairs, slot);
        }
    }
}

void mix_u8(uint8_t *images, size_t slot_bytes, const struct mix_pairs *pairs)
{
    mix((struct stripe){.images = images, .slot_bytes = slot_bytes, .dtype = STK_U8}, pairs);
}

void mix_f32(float *images, size_t slot_elements, const struct mix_pairs *pairs)
{
    mix((struct stripe){.images = (uint8_t *)images,
                        .slot_bytes = slot_elements * sizeof(float),
                        .dtype = STK_F32},
        pairs);
}
