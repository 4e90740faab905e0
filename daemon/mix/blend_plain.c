/*
 * The reference blend, in plain C.
 *
 * The conversions of halves are those of proto/half.h for finite numbers, without a branch, so that
 * a compiler makes vectors of them where there is no variant for the processor.
 */
#include "daemon/mix/blend.h"

#include <string.h>

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

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* A half's fields in a float's places are off by the difference of the biases, 2^112; the product
 * is exact, also where the fields are a subnormal float. */
static float decode_f16(uint16_t half)
{
    float magnitude = float_of_bits((half & 0x7fffu) << 13) * 0x1p112f;
    return float_of_bits(bits_of_float(magnitude) | (half & 0x8000u) << 16);
}

/* A mean of two finite halves rounds to a finite one, so infinity is not looked for; a carry out of
 * the mantissa counts the exponent up.  Beside 0.5 a float has the steps of a subnormal half, so
 * that the sum rounds as it should. */
static uint16_t encode_f16(float value)
{
    uint32_t bits = bits_of_float(value);
    uint32_t magnitude = bits & 0x7fffffff;
    uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    uint32_t subnormal = bits_of_float(float_of_bits(magnitude) + 0.5f) - bits_of_float(0.5f);
    uint32_t chosen = -(uint32_t)(magnitude < 113u << 23); /* all bits or none */
    uint32_t half = (subnormal & chosen) | (normal & ~chosen);
    return (uint16_t)((bits >> 16 & 0x8000) | half);
}

static void blend_f16(uint16_t *own, const uint16_t *other, size_t len, uint16_t weight)
{
    float w = (float)weight / MIX_ONE;
    float v = 1.0f - w;
    for (size_t i = 0; i < len; i++)
        own[i] = encode_f16(w * decode_f16(own[i]) + v * decode_f16(other[i]));
}

static float decode_bf16(uint16_t half)
{
    return float_of_bits((uint32_t)half << 16);
}

static uint16_t encode_bf16(float value)
{
    uint32_t bits = bits_of_float(value);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void blend_bf16(uint16_t *own, const uint16_t *other, size_t len, uint16_t weight)
{
    float w = (float)weight / MIX_ONE;
    float v = 1.0f - w;
    for (size_t i = 0; i < len; i++)
        own[i] = encode_bf16(w * decode_bf16(own[i]) + v * decode_bf16(other[i]));
}

const struct blend blend_plain = {
    .name = "plain", .u8 = blend_u8, .f32 = blend_f32, .f16 = blend_f16, .bf16 = blend_bf16};
