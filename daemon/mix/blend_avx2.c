/*
 * The AVX2 blend.
 *
 * Bytes, 16 a multiplication: with d = own - other, the plain sum is MIX_ONE * other + weight * d,
 * so that the result is other + (weight * d + MIX_ONE / 2) / MIX_ONE, rounded down.  pmulhrsw
 * computes (x * y + 2^14) >> 15 in 16 bits; with x = 2 d, which fits, and y = weight <= 2^14, that
 * is the same number.
 */
#include "daemon/mix/blend.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "daemon/base/cpu.h"
#include "daemon/base/half_avx2.h"
#include "daemon/mix/mix.h"

#define AVX2 __attribute__((target("avx2,f16c")))

enum { BLOCK = 32 /* bytes */, FLOATS = 8, HALVES = 16 };

_Static_assert(MIX_ONE == 1 << 14, "pmulhrsw rounds at this place");

AVX2 static __m256i blend_words(__m256i own, __m256i other, __m256i weight)
{
    __m256i difference = _mm256_sub_epi16(own, other);
    __m256i twice = _mm256_add_epi16(difference, difference);
    return _mm256_add_epi16(other, _mm256_mulhrs_epi16(twice, weight));
}

AVX2 static void blend_u8(uint8_t *own, const uint8_t *other, size_t len, uint16_t weight)
{
    __m256i w = _mm256_set1_epi16((int16_t)weight);
    __m256i zero = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + BLOCK <= len; i += BLOCK) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(own + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(other + i));
        __m256i low = blend_words(_mm256_unpacklo_epi8(a, zero), _mm256_unpacklo_epi8(b, zero), w);
        __m256i high = blend_words(_mm256_unpackhi_epi8(a, zero), _mm256_unpackhi_epi8(b, zero), w);
        _mm256_storeu_si256((__m256i *)(void *)(own + i), _mm256_packus_epi16(low, high));
    }
    blend_plain.u8(own + i, other + i, len - i, weight);
}

/* A weight and what is left of one, eight times each. */
struct weights {
    __m256 own;
    __m256 other;
};

AVX2 static struct weights weights_of(uint16_t weight)
{
    __m256 own = _mm256_set1_ps((float)weight / MIX_ONE);
    return (struct weights){own, _mm256_sub_ps(_mm256_set1_ps(1.0f), own)};
}

AVX2 static __m256 blend_floats(__m256 own, __m256 other, struct weights weights)
{
    return _mm256_add_ps(_mm256_mul_ps(weights.own, own), _mm256_mul_ps(weights.other, other));
}

AVX2 static void blend_f32(float *own, const float *other, size_t len, uint16_t weight)
{
    struct weights weights = weights_of(weight);
    size_t i = 0;
    for (; i + FLOATS <= len; i += FLOATS) {
        __m256 sum = blend_floats(_mm256_loadu_ps(own + i), _mm256_loadu_ps(other + i), weights);
        _mm256_storeu_ps(own + i, sum);
    }
    blend_plain.f32(own + i, other + i, len - i, weight);
}

AVX2 static __m256 load_f16(const uint16_t *halves)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)halves));
}

AVX2 static void blend_f16(uint16_t *own, const uint16_t *other, size_t len, uint16_t weight)
{
    struct weights weights = weights_of(weight);
    size_t i = 0;
    for (; i + FLOATS <= len; i += FLOATS) {
        __m256 sum = blend_floats(load_f16(own + i), load_f16(other + i), weights);
        __m128i halves = _mm256_cvtps_ph(sum, _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128((__m128i *)(void *)(own + i), halves);
    }
    blend_plain.f16(own + i, other + i, len - i, weight);
}

/* A half above 16 zero bits is its float.  Unpacking takes four halves of each half register, and
 * packing puts them back. */
AVX2 static __m256i blend_bf16s(__m256i own, __m256i other, struct weights weights)
{
    __m256i zero = _mm256_setzero_si256();
    __m256 low = blend_floats(_mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, own)),
                              _mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, other)), weights);
    __m256 high = blend_floats(_mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, own)),
                               _mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, other)), weights);
    return _mm256_packus_epi32(half_avx2_round_bf16(low), half_avx2_round_bf16(high));
}

AVX2 static void blend_bf16(uint16_t *own, const uint16_t *other, size_t len, uint16_t weight)
{
    struct weights weights = weights_of(weight);
    size_t i = 0;
    for (; i + HALVES <= len; i += HALVES) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(own + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(other + i));
        _mm256_storeu_si256((__m256i *)(void *)(own + i), blend_bf16s(a, b, weights));
    }
    blend_plain.bf16(own + i, other + i, len - i, weight);
}

static const struct blend avx2 = {
    .name = "avx2", .u8 = blend_u8, .f32 = blend_f32, .f16 = blend_f16, .bf16 = blend_bf16};

const struct blend *blend_avx2(void)
{
    return cpu_has_avx2_f16c() ? &avx2 : NULL;
}

#else

const struct blend *blend_avx2(void)
{
    return NULL;
}

#endif
