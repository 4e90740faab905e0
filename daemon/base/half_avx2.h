/*
 * Halves in AVX2: what both the formats and the blends need of bf16.  For f16 F16C has it all.
 */
#ifndef STK_HALF_AVX2_H
#define STK_HALF_AVX2_H

#if defined(__x86_64__)

#include <immintrin.h>

/** The bfloat16 nearest to each of eight finite floats, in 32 bits each. */
__attribute__((target("avx2"), always_inline)) static inline __m256i half_avx2_round_bf16(__m256 x)
{
    __m256i bits = _mm256_castps_si256(x);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i below_half = _mm256_set1_epi32(0x7fff);
    bits = _mm256_add_epi32(bits, _mm256_add_epi32(odd, below_half));
    return _mm256_srli_epi32(bits, 16);
}

#endif

#endif
