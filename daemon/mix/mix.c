/*
 * Mixing: cycles of the permutation outside, a blend or a copy inside.
 *
 * Along a cycle i, p(i), p(p(i)), ... each slot is needed by itself and by its predecessor, which
 * comes first; only the first slot of the cycle is needed again, by the last, and is kept aside.
 */
#include "daemon/mix/mix.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/mix/blend.h"
#include "daemon/mix/cut.h"

/* Two of them fit into the first cache; shorter ones cost the processor's prefetch too many starts.
 */
enum { STRIPE_BYTES = 16384 };

/* The same bytes of every slot. */
struct stripe {
    const struct mix_format *format;
    const struct plan_slot *slots;
    const struct blend *blend;
    uint8_t *images;
    size_t slot_bytes;
    size_t start; /* of the stripe in a slot */
    size_t bytes;
};

static uint8_t *slot_at(const struct stripe *stripe, uint32_t slot)
{
    return stripe->images + slot * stripe->slot_bytes + stripe->start;
}

static void blend(const struct stripe *stripe, void *own, const void *other, uint16_t weight)
{
    enum stk_dtype dtype = stripe->format->dtype;
    size_t count = stripe->bytes / stk_dtype_bytes(dtype);
    switch (dtype) {
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

static void mix_slot(const struct stripe *stripe, uint32_t slot, const uint8_t *other)
{
    const struct plan_slot *plan = &stripe->slots[slot];
    uint8_t *own = slot_at(stripe, slot);
    if (plan->mixing == PLAN_BLEND)
        blend(stripe, own, other, plan->weight);
    else if (plan->mixing == PLAN_CUT)
        cut_copy(stripe->format, &plan->cut, stripe->start, stripe->bytes, own, other);
}

static void mix_cycle(const struct stripe *stripe, uint32_t first)
{
    _Alignas(64) uint8_t kept[STRIPE_BYTES];
    memcpy(kept, slot_at(stripe, first), stripe->bytes);
    uint32_t i = first;
    for (uint32_t partner = stripe->slots[i].partner; partner != first;
         partner = stripe->slots[i].partner) {
        mix_slot(stripe, i, slot_at(stripe, partner));
        i = partner;
    }
    mix_slot(stripe, i, kept);
}

/* A cycle is started from its smallest slot, so that no mark of the visited ones is needed. */
static bool starts_cycle(const struct plan_slot *slots, uint32_t slot)
{
    for (uint32_t i = slots[slot].partner; i != slot; i = slots[i].partner) {
        if (i < slot)
            return false;
    }
    return true;
}

static void mix_permuted(struct stripe *stripe, uint32_t count)
{
    for (uint32_t slot = 0; slot < count; slot++) {
        CHECK(stripe->slots[slot].partner < count);
        if (stripe->slots[slot].partner == slot || !starts_cycle(stripe->slots, slot))
            continue;
        for (stripe->start = 0; stripe->start < stripe->slot_bytes; stripe->start += STRIPE_BYTES) {
            size_t left = stripe->slot_bytes - stripe->start;
            stripe->bytes = left < STRIPE_BYTES ? left : STRIPE_BYTES;
            mix_cycle(stripe, slot);
        }
    }
}

void mix_images(const struct mix_format *format, void *images, const void *partners,
                const struct plan_slot *slots, uint32_t count)
{
    enum stk_dtype dtype = format->dtype;
    CHECK(dtype == STK_U8 || dtype == STK_F32 || dtype == STK_F16 || dtype == STK_BF16);
    const struct blend *fast = blend_avx2();
    struct stripe stripe = {.format = format,
                            .slots = slots,
                            .blend = fast != NULL ? fast : &blend_plain,
                            .images = images,
                            .slot_bytes = (size_t)format->height * format->width * 3 *
                                          stk_dtype_bytes(dtype)};
    for (uint32_t i = 0; i < count; i++)
        CHECK(slots[i].mixing != PLAN_BLEND || slots[i].weight <= MIX_ONE);
    if (partners == NULL) {
        mix_permuted(&stripe, count);
        return;
    }
    stripe.bytes = stripe.slot_bytes;
    for (uint32_t i = 0; i < count; i++)
        mix_slot(&stripe, i, (const uint8_t *)partners + i * stripe.slot_bytes);
}
