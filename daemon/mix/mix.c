/*
 * Mixing: cycles of the permutation outside, one plain kernel a dtype inside.
 *
 * Along a cycle i, p(i), p(p(i)), ... each slot is needed by itself and by its predecessor, which
 * comes first; only the first slot of the cycle is needed again, by the last, and is kept aside.
 */
#include "daemon/mix/mix.h"

#include <string.h>

#include "daemon/base/check.h"

enum { STRIPE_BYTES = 4096 };

/* Blend len elements of b into a. */
typedef void blend(void *a, const void *b, size_t len, uint16_t weight);

struct stripe {
    uint8_t *images;
    size_t slot_bytes;
    size_t start; /* of the stripe in a slot */
    size_t bytes;
    size_t element_bytes;
    blend *blend;
};

static void blend_u8(void *a, const void *b, size_t len, uint16_t weight)
{
    uint8_t *restrict own = a;
    const uint8_t *restrict other = b;
    uint32_t w = weight;
    uint32_t v = (uint32_t)(MIX_ONE - weight);
    for (size_t i = 0; i < len; i++)
        own[i] = (uint8_t)((own[i] * w + other[i] * v + MIX_ONE / 2) / MIX_ONE);
}

static void blend_f32(void *a, const void *b, size_t len, uint16_t weight)
{
    float *restrict own = a;
    const float *restrict other = b;
    float w = (float)weight / MIX_ONE;
    float v = 1.0f - w;
    for (size_t i = 0; i < len; i++)
        own[i] = w * own[i] + v * other[i];
}

static uint8_t *slot_at(const struct stripe *stripe, uint32_t slot)
{
    return stripe->images + slot * stripe->slot_bytes + stripe->start;
}

static void mix_cycle(const struct stripe *stripe, const struct mix_pairs *pairs, uint32_t first)
{
    _Alignas(64) uint8_t kept[STRIPE_BYTES];
    memcpy(kept, slot_at(stripe, first), stripe->bytes);
    size_t len = stripe->bytes / stripe->element_bytes;
    uint32_t i = first;
    for (uint32_t partner = pairs->partner[i]; partner != first; partner = pairs->partner[i]) {
        stripe->blend(slot_at(stripe, i), slot_at(stripe, partner), len, pairs->weight[i]);
        i = partner;
    }
    stripe->blend(slot_at(stripe, i), kept, len, pairs->weight[i]);
}

/* A cycle is started from its smallest slot, so that no mark of the visited ones is needed. */
static int starts_cycle(const struct mix_pairs *pairs, uint32_t slot)
{
    for (uint32_t i = pairs->partner[slot]; i != slot; i = pairs->partner[i]) {
        if (i < slot)
            return 0;
    }
    return 1;
}

static void mix(struct stripe stripe, const struct mix_pairs *pairs)
{
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
    mix(
        (struct stripe){
            .images = images, .slot_bytes = slot_bytes, .element_bytes = 1, .blend = blend_u8},
        pairs);
}

void mix_f32(float *images, size_t slot_elements, const struct mix_pairs *pairs)
{
    mix((struct stripe){.images = (uint8_t *)images,
                        .slot_bytes = slot_elements * sizeof(float),
                        .element_bytes = sizeof(float),
                        .blend = blend_f32},
        pairs);
}
