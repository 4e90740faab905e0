/*
 * The AVX2 writer: channels apart by shuffles, numbers from a line instead of a table.
 *
 * A table costs a load a number; the line costs five operations for eight.
 */
#include "daemon/image/format.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "daemon/base/cpu.h"
#include "daemon/base/half_avx2.h"

#define AVX2 __attribute__((target("avx2,f16c")))
/* Into the loops, of which there is one a dtype. */
#define INLINE __attribute__((target("avx2,f16c"), always_inline)) inline

enum { CHANNELS = 3, EIGHT = 8, STEP = 16 /* pixels */ };

/* The line of eight numbers that stand side by side. */
struct line8 {
    __m256 slope;
    __m256 offset;
    __m256 slope_rest;
    __m256 offset_rest;
};

/* Channels in turn, from the one of lane `at` on. */
static INLINE struct line8 line_of_pixels(const struct image_line *line, size_t at)
{
    return (struct line8){_mm256_loadu_ps(&line->slope[at]), _mm256_loadu_ps(&line->offset[at]),
                          _mm256_loadu_ps(&line->slope_rest[at]),
                          _mm256_loadu_ps(&line->offset_rest[at])};
}

/* One channel alone. */
static INLINE struct line8 line_of_channel(const struct image_line *line, size_t c)
{
    return (struct line8){_mm256_set1_ps(line->slope[c]), _mm256_set1_ps(line->offset[c]),
                          _mm256_set1_ps(line->slope_rest[c]),
                          _mm256_set1_ps(line->offset_rest[c])};
}

/* The numbers of the first eight bytes. */
static INLINE __m256 numbers(__m128i bytes, const struct line8 *line)
{
    __m256 v = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    __m256 whole = _mm256_add_ps(_mm256_mul_ps(line->slope, v), line->offset);
    __m256 rest = _mm256_add_ps(_mm256_mul_ps(line->slope_rest, v), line->offset_rest);
    return _mm256_add_ps(whole, rest);
}

/* Store eight numbers as elements `at` to `at` + 7. */
static INLINE void store(void *out, size_t at, enum stk_dtype dtype, __m256 x)
{
    __m128i halves;
    if (dtype == STK_F32) {
        _mm256_storeu_ps((float *)out + at, x);
        return;
    }
    if (dtype == STK_F16) {
        halves = _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
    } else {
        __m256i wide = half_avx2_round_bf16(x);
        halves = _mm_packus_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    }
    _mm_storeu_si128((__m128i *)(void *)((uint16_t *)out + at), halves);
}

static INLINE void write_together(const struct image_format *format, const uint8_t *pixels,
                                  uint32_t count, enum stk_dtype dtype, void *out, size_t first)
{
    const struct line8 lines[CHANNELS] = {line_of_pixels(&format->line, 0),
                                          line_of_pixels(&format->line, EIGHT),
                                          line_of_pixels(&format->line, 2 * EIGHT)};
    for (size_t i = 0; i < (size_t)count * CHANNELS; i += CHANNELS * EIGHT) {
        for (size_t k = 0; k < CHANNELS; k++) {
            const uint8_t *bytes = &pixels[i + k * EIGHT];
            __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)bytes);
            store(out, first + i + k * EIGHT, dtype, numbers(eight, &lines[k]));
        }
    }
}

struct planes {
    __m128i channel[CHANNELS];
};

static INLINE __m128i pick(const __m128i bytes[CHANNELS], __m128i from0, __m128i from1,
                           __m128i from2)
{
    return _mm_or_si128(
        _mm_or_si128(_mm_shuffle_epi8(bytes[0], from0), _mm_shuffle_epi8(bytes[1], from1)),
        _mm_shuffle_epi8(bytes[2], from2));
}

/* The channels of sixteen pixels.  An index below zero picks nothing. */
static INLINE struct planes planes_of(const uint8_t *pixels)
{
    const __m128i *at = (const __m128i *)(const void *)pixels;
    __m128i b[CHANNELS] = {_mm_loadu_si128(at), _mm_loadu_si128(at + 1), _mm_loadu_si128(at + 2)};
    enum { N = -1 };
    return (struct planes){{pick(b, _mm_setr_epi8(0, 3, 6, 9, 12, 15, N, N, N, N, N, N, N, N, N, N),
                                 _mm_setr_epi8(N, N, N, N, N, N, 2, 5, 8, 11, 14, N, N, N, N, N),
                                 _mm_setr_epi8(N, N, N, N, N, N, N, N, N, N, N, 1, 4, 7, 10, 13)),
                            pick(b, _mm_setr_epi8(1, 4, 7, 10, 13, N, N, N, N, N, N, N, N, N, N, N),
                                 _mm_setr_epi8(N, N, N, N, N, 0, 3, 6, 9, 12, 15, N, N, N, N, N),
                                 _mm_setr_epi8(N, N, N, N, N, N, N, N, N, N, N, 2, 5, 8, 11, 14)),
                            pick(b, _mm_setr_epi8(2, 5, 8, 11, 14, N, N, N, N, N, N, N, N, N, N, N),
                                 _mm_setr_epi8(N, N, N, N, N, 1, 4, 7, 10, 13, N, N, N, N, N, N),
                                 _mm_setr_epi8(N, N, N, N, N, N, N, N, N, N, 0, 3, 6, 9, 12, 15))}};
}

static INLINE void write_apart(const struct image_format *format, const uint8_t *pixels,
                               uint32_t count, enum stk_dtype dtype, void *out,
                               struct format_steps steps)
{
    const struct line8 lines[CHANNELS] = {line_of_channel(&format->line, 0),
                                          line_of_channel(&format->line, 1),
                                          line_of_channel(&format->line, 2)};
    for (size_t x = 0; x < count; x += STEP) {
        struct planes planes = planes_of(&pixels[x * CHANNELS]);
        for (size_t c = 0; c < CHANNELS; c++) {
            size_t at = steps.first + c * steps.channel + x;
            __m128i bytes = planes.channel[c];
            store(out, at, dtype, numbers(bytes, &lines[c]));
            store(out, at + EIGHT, dtype, numbers(_mm_srli_si128(bytes, EIGHT), &lines[c]));
        }
    }
}

static INLINE void write_numbers(const struct image_format *format, const uint8_t *pixels,
                                 uint32_t count, enum stk_dtype dtype, void *out,
                                 struct format_steps steps)
{
    if (format->layout == STK_NHWC)
        write_together(format, pixels, count, dtype, out, steps.first);
    else
        write_apart(format, pixels, count, dtype, out, steps);
}

AVX2 static void write_planes(const uint8_t *pixels, uint32_t count, uint8_t *out,
                              struct format_steps steps)
{
    for (size_t x = 0; x < count; x += STEP) {
        struct planes planes = planes_of(&pixels[x * CHANNELS]);
        for (size_t c = 0; c < CHANNELS; c++) {
            uint8_t *place = &out[steps.first + c * steps.channel + x];
            _mm_storeu_si128((__m128i *)(void *)place, planes.channel[c]);
        }
    }
}

AVX2 static void write_row(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                           void *slot)
{
    struct format_steps steps = format_steps_of(format, row);
    uint32_t whole = format->width / STEP * STEP;
    if (format->dtype == STK_F32)
        write_numbers(format, pixels, whole, STK_F32, slot, steps);
    else if (format->dtype == STK_F16)
        write_numbers(format, pixels, whole, STK_F16, slot, steps);
    else if (format->dtype == STK_BF16)
        write_numbers(format, pixels, whole, STK_BF16, slot, steps);
    else if (format->layout == STK_NCHW)
        write_planes(pixels, whole, slot, steps);
    else
        whole = 0; /* a copy */
    format_write_rest(format, pixels, row, whole, slot);
}

static const struct writer avx2 = {.name = "avx2", .row = write_row};

const struct writer *writer_avx2(void)
{
    return cpu_has_avx2_f16c() ? &avx2 : NULL;
}

#else

const struct writer *writer_avx2(void)
{
    return NULL;
}

#endif
