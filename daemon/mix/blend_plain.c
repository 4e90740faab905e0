/*
 * The reference blend, in plain C.
 */
#include "daemon/mix/blend.h"

#include "daemon/mix/mix.h"

static void blend_u8(uint8_t *own, const uint8_t *other, size_t len, uint16_t weight)
{
    uint32_t w = weight;
    uint32_t v = (uint32_t)(MIX_ONE - weight);
    for (size_t i = 0; i < len; i++)
        own[i] = (uint8_t)((own[i] * w + other[i] * v + MIX_ONE / 2) / MIX_ONE);
}

static void blend_f32(float *own, const float *other, size_t len, uint16_t weight)
{
    float w = (float)weight / MIX_ONE;
    float v = 1.0f - w;
    for (size_t i = 0; i < len; i++)
        own[i] = w * own[i] + v * other[i];
}

const struct blend blend_plain = {.name = "plain", .u8 = blend_u8, .f32 = blend_f32};
