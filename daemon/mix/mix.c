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

/* Two of them fit into the first cache; shorter ones cost the processor's prefetch too many starts.
 */
enum { STRIPE_BYTES = 16384 };

/* The same bytes of every slot. */
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
    void *own = slot_at(stripe, slot);
    size_t count = stripe->bytes / stk_dtype_bytes(stripe->dtype);
    switch (stripe->dtype) {
    case STK_U8:
        stripe->blend->u8(own, other, count, weight);
        break;
    case STK_F32:
        stripe->blend->f32(own, other, count, weight);
        break;
    case STK_F16:
        stripe->blend->f16(own, other, count, weight);
        break;
    default:
        stripe->blend->bf16(own, other, count, weight);
        break;
    }
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

void mix_images(void *images, size_t slot_bytes, enum stk_dtype dtype,
                const struct mix_pairs *pairs)
{
    CHECK(dtype == STK_U8 || dtype == STK_F32 || dtype == STK_F16 || dtype == STK_BF16);
    const struct blend *fast = blend_avx2();
    struct stripe stripe = {.images = images,
                            .slot_bytes = slot_bytes,
                            .dtype = dtype,
                            .blend = fast != NULL ? fast : &blend_plain};
    for (uint32_t slot = 0; slot < pairs->count; slot++) {
        CHECK(pairs->partner[slot] < pairs->count && pairs->weight[slot] <= MIX_ONE);
        if (pairs->partner[slot] == slot || !starts_cycle(pairs, slot))
            continue;
        for (stripe.start = 0; stripe.start < slot_bytes; stripe.start += STRIPE_BYTES) {
            size_t left = slot_bytes - stripe.start;
            stripe.bytes = left < STRIPE_BYTES ? left : STRIPE_BYTES;
            mix_cycle(&stripe, pairs, slot);
        }
    }
}
