/*
 * The AVX2 blend: 16 bytes a multiplication.
 *
 * With d = own - other, the plain sum is MIX_ONE * other + weight * d, so that the result is
 * other + (weight * d + MIX_ONE / 2) / MIX_ONE, rounded down.  pmulhrsw computes
 * (x * y + 2^14) >> 15 in 16 bits; with x = 2 d, which fits, and y = weight <= 2^14, that is the
 * same number.
 */
#include "daemon/mix/blend.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "daemon/mix/mix.h"

#define AVX2 __attribute__((target("avx2")))

enum { BLOCK = 32 /* bytes */, FLOATS = 8 };

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

AVX2 static void blend_f32(float *own, const float *other, size_t len, uint16_t weight)
{
    __m256 w = _mm256_set1_ps((float)weight / MIX_ONE);
    __m256 v = _mm256_sub_ps(_mm256_set1_ps(1.0f), w);
    size_t i = 0;
    for (; i + FLOATS <= len; i += FLOATS) {
        __m256 a = _mm256_mul_ps(w, _mm256_loadu_ps(own + i));
        __m256 b = _mm256_mul_ps(v, _mm256_loadu_ps(other + i));
        _mm256_storeu_ps(own + i, _mm256_add_ps(a, b));
    }
    blend_plain.f32(own + i, other + i, len - i, weight);
}

static const struct blend avx2 = {.name = "avx2", .u8 = blend_u8, .f32 = blend_f32};

const struct blend *blend_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

const struct blend *blend_avx2(void)
{
    return NULL;
}

#endif
