/*
 * Halves: see half.h.
 */
#include "proto/half.h"

#include <string.h>

enum {
    DOUBLE_MANTISSA = 52,
    DOUBLE_BIAS = 1023,
    F16_MANTISSA = 10,
    F16_BIAS = 15,
    BF16_MANTISSA = 7,
    BF16_BIAS = 127,
    SIGN = 0x8000,
};

static const uint64_t double_infinity = UINT64_C(0x7ff) << DOUBLE_MANTISSA;

/* Shift bits out, 1 to 63 of them, and round to nearest, ties to even. */
static uint64_t shift_out(uint64_t value, int bits)
{
    return (value + (UINT64_C(1) << (bits - 1)) - 1 + (value >> bits & 1)) >> bits;
}

/* A finite number without its sign, as the bits of a double; may be infinity's bits or more. */
static uint64_t encode_finite(uint64_t bits, int mantissa, int bias)
{
    int exponent = (int)(bits >> DOUBLE_MANTISSA) - DOUBLE_BIAS + bias;
    uint64_t one = UINT64_C(1) << DOUBLE_MANTISSA;
    uint64_t significand = (bits & (one - 1)) | one;
    int dropped = DOUBLE_MANTISSA - mantissa;
    if (exponent >= 1)
        /* The significand's first bit counts the exponent up, and so does what rounding carries. */
        return ((uint64_t)(exponent - 1) << mantissa) + shift_out(significand, dropped);
    dropped += 1 - exponent;
    /* Below half of the smallest number, as all of double's subnormals are. */
    return dropped > DOUBLE_MANTISSA + 1 ? 0 : shift_out(significand, dropped);
}

static uint16_t encode(double value, int mantissa, int bias)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t sign = bits >> 48 & SIGN;
    uint64_t infinity = (UINT64_C(1) << 15) - (UINT64_C(1) << mantissa);
    bits &= INT64_MAX;
    if (bits > double_infinity) {
        uint64_t payload = (bits & ~double_infinity) >> (DOUBLE_MANTISSA - mantissa);
        return (uint16_t)(sign | infinity | payload | UINT64_C(1) << (mantissa - 1));
    }
    uint64_t half = encode_finite(bits, mantissa, bias);
    return (uint16_t)(sign | (half < infinity ? half : infinity));
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t stk_f16_encode(double value)
{
    return encode(value, F16_MANTISSA, F16_BIAS);
}

float stk_f16_decode(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & SIGN) << 16;
    uint32_t exponent = half >> F16_MANTISSA & 31;
    uint32_t mantissa = half & 0x3ff;
    if (exponent == 0) { /* a multiple of the smallest subnormal number */
        float value = (float)mantissa * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    if (exponent == 31) {
        uint32_t quiet = mantissa != 0 ? 1u << 22 : 0;
        return float_of_bits(sign | 0x7f800000 | quiet | mantissa << 13);
    }
    return float_of_bits(sign | (exponent + 127 - F16_BIAS) << 23 | mantissa << 13);
}

uint16_t stk_bf16_encode(double value)
{
    return encode(value, BF16_MANTISSA, BF16_BIAS);
}

float stk_bf16_decode(uint16_t half)
{
    return float_of_bits((uint32_t)half << 16);
}
