/*
 * The AVX2 JPEG kernel: rows of samples; its IDCT is in jpeg_idct_avx2.c.
 */
#include "daemon/image/jpeg_kernel.h"

#include "daemon/base/cpu.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "daemon/image/jpeg_idct.h"

#define AVX2 __attribute__((target("avx2")))

enum { STEP = 16, MIDDLE = 128 };

AVX2 static inline __m256i wide(const uint8_t *bytes)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)bytes));
}

AVX2 static inline __m256i threefold(__m256i value)
{
    return _mm256_add_epi16(value, _mm256_add_epi16(value, value));
}

/* Samples of even and odd places, of 8 bits each in 16, in turns. */
AVX2 static inline void store_in_turns(__m256i even, __m256i odd, uint8_t *out)
{
    _mm256_storeu_si256((__m256i *)out, _mm256_or_si256(even, _mm256_slli_epi16(odd, 8)));
}

AVX2 static void widen(const uint8_t *in, uint32_t count, uint8_t *out)
{
    const __m256i one = _mm256_set1_epi16(1);
    const __m256i two = _mm256_set1_epi16(2);
    for (size_t x = 0; x < count; x += STEP) {
        __m256i here = threefold(wide(&in[x]));
        __m256i before = _mm256_add_epi16(wide(&in[x] - 1), one);
        __m256i behind = _mm256_add_epi16(wide(&in[x + 1]), two);
        store_in_turns(_mm256_srli_epi16(_mm256_add_epi16(here, before), 2),
                       _mm256_srli_epi16(_mm256_add_epi16(here, behind), 2), &out[2 * x]);
    }
}

AVX2 static inline __m256i column(const uint8_t *near, const uint8_t *far)
{
    return _mm256_add_epi16(threefold(wide(near)), wide(far));
}

AVX2 static void widen_between(const uint8_t *near, const uint8_t *far, uint32_t count,
                               uint8_t *out)
{
    const __m256i seven = _mm256_set1_epi16(7);
    const __m256i eight = _mm256_set1_epi16(8);
    for (size_t x = 0; x < count; x += STEP) {
        __m256i here = threefold(column(&near[x], &far[x]));
        __m256i before = _mm256_add_epi16(column(&near[x] - 1, &far[x] - 1), eight);
        __m256i behind = _mm256_add_epi16(column(&near[x + 1], &far[x + 1]), seven);
        store_in_turns(_mm256_srli_epi16(_mm256_add_epi16(here, before), 4),
                       _mm256_srli_epi16(_mm256_add_epi16(here, behind), 4), &out[2 * x]);
    }
}

AVX2 static void between(const uint8_t *near, const uint8_t *far, uint32_t count, bool above,
                         uint8_t *out)
{
    const __m256i round = _mm256_set1_epi16(above ? 1 : 2);
    for (size_t x = 0; x < count; x += STEP) {
        __m256i sum = _mm256_add_epi16(column(&near[x], &far[x]), round);
        __m256i value = _mm256_srli_epi16(sum, 2);
        __m128i bytes =
            _mm_packus_epi16(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
        _mm_storeu_si128((__m128i *)&out[x], bytes);
    }
}

/* chroma * factor / 2^16, rounded: the product loses a bit less, then the last one is rounded. */
AVX2 static inline __m256i part_of(__m256i chroma, int16_t factor)
{
    __m256i twice = _mm256_mulhi_epi16(_mm256_add_epi16(chroma, chroma), _mm256_set1_epi16(factor));
    return _mm256_srai_epi16(_mm256_add_epi16(twice, _mm256_set1_epi16(1)), 1);
}

/* -22554 blue - 46802 red, rounded: the latter is 18734 - 65536, which needs no multiplication. */
AVX2 static inline __m256i to_green(__m256i blue, __m256i red)
{
    const __m256i factors = _mm256_set1_epi32((int)(18734u << 16 | (uint16_t)-22554));
    const __m256i half = _mm256_set1_epi32(1 << 15);
    __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(blue, red), factors);
    __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(blue, red), factors);
    low = _mm256_srai_epi32(_mm256_add_epi32(low, half), 16);
    high = _mm256_srai_epi32(_mm256_add_epi32(high, half), 16);
    return _mm256_sub_epi16(_mm256_packs_epi32(low, high), red);
}

/* Sixteen pixels of 16-bit channels, held to 8 bits. */
AVX2 static inline void store_pixels(__m256i red, __m256i green, __m256i blue, uint8_t *rgbx)
{
    __m256i red_green = _mm256_packus_epi16(red, green);
    __m256i blue_rest = _mm256_packus_epi16(blue, _mm256_set1_epi16(255));
    __m256i red_blue = _mm256_unpacklo_epi8(red_green, blue_rest);
    __m256i green_rest = _mm256_unpackhi_epi8(red_green, blue_rest);
    __m256i low = _mm256_unpacklo_epi8(red_blue, green_rest);
    __m256i high = _mm256_unpackhi_epi8(red_blue, green_rest);
    _mm256_storeu_si256((__m256i *)rgbx, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256((__m256i *)&rgbx[32], _mm256_permute2x128_si256(low, high, 0x31));
}

AVX2 static void colour(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint32_t count,
                        uint8_t *rgbx)
{
    const __m256i middle = _mm256_set1_epi16(MIDDLE);
    for (size_t x = 0; x < count; x += STEP) {
        __m256i light = wide(&y[x]);
        __m256i blue = _mm256_sub_epi16(wide(&cb[x]), middle);
        __m256i red = _mm256_sub_epi16(wide(&cr[x]), middle);
        /* 91881 is 26345 and 2^16; 116130 is -14942 and 2^17. */
        __m256i to_red = _mm256_add_epi16(red, part_of(red, 26345));
        __m256i to_blue = _mm256_add_epi16(_mm256_add_epi16(blue, blue), part_of(blue, -14942));
        store_pixels(_mm256_add_epi16(light, to_red), _mm256_add_epi16(light, to_green(blue, red)),
                     _mm256_add_epi16(light, to_blue), &rgbx[4 * x]);
    }
}

AVX2 static void gray(const uint8_t *y, uint32_t count, uint8_t *rgbx)
{
    for (size_t x = 0; x < count; x += STEP) {
        __m256i light = wide(&y[x]);
        store_pixels(light, light, light, &rgbx[4 * x]);
    }
}

static const struct jpeg_kernel kernel = {
    .name = "avx2",
    .idct = jpeg_idct_avx2,
    .widen = widen,
    .widen_between = widen_between,
    .between = between,
    .colour = colour,
    .gray = gray,
};

const struct jpeg_kernel *jpeg_kernel_avx2(void)
{
    return cpu_has_avx2_f16c() ? &kernel : NULL;
}

#else

const struct jpeg_kernel *jpeg_kernel_avx2(void)
{
    return NULL;
}

#endif

const struct jpeg_kernel *jpeg_kernel_fastest(void)
{
    const struct jpeg_kernel *avx2 = jpeg_kernel_avx2();
    return avx2 != NULL ? avx2 : &jpeg_kernel_plain;
}
