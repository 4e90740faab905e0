/*
 * The IDCT with AVX2: two blocks at a time, one in each half of the registers.
 *
 * Nothing crosses the halves until the samples are written, so the code reads as that for one block
 * of 128-bit registers.
 */
#include "daemon/image/jpeg_idct.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>

#include "daemon/image/jpeg_kernel.h"

#define AVX2 __attribute__((target("avx2")))
#define INLINE __attribute__((target("avx2"), always_inline)) static inline

enum {
    SIDE = 8,
    LEN = 64,
    MIDDLE = 128,
    /* Up to here in zigzag rows and columns 4 to 7 are 0. */
    LAST_OF_QUARTER = 9,
    /* Larger values in a first row alone do not fit between the passes: the plain kernel knows what
     * becomes of them. */
    FIRST_ROW_MAX = INT16_MAX >> JPEG_IDCT_PASS_BITS,
};

INLINE __m256i factors(int16_t first, int16_t second)
{
    return _mm256_set1_epi32((int)((uint32_t)(uint16_t)second << 16 | (uint16_t)first));
}

/* Eight values of 32 bits, the low and the high four of each half. */
struct wide {
    __m256i low;
    __m256i high;
};

INLINE struct wide products(__m256i a, __m256i b, __m256i by)
{
    return (struct wide){_mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), by),
                         _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), by)};
}

INLINE struct wide sum_of(struct wide a, struct wide b)
{
    return (struct wide){_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

INLINE struct wide difference_of(struct wide a, struct wide b)
{
    return (struct wide){_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

/* value * 2^JPEG_IDCT_BITS and a half of what is shifted out at last. */
INLINE struct wide scaled(__m256i value, int shift)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
    __m256i low = _mm256_srai_epi32(_mm256_unpacklo_epi16(zero, value), 16 - JPEG_IDCT_BITS);
    __m256i high = _mm256_srai_epi32(_mm256_unpackhi_epi16(zero, value), 16 - JPEG_IDCT_BITS);
    return (struct wide){_mm256_add_epi32(low, half), _mm256_add_epi32(high, half)};
}

INLINE __m256i settled(struct wide value, int shift)
{
    return _mm256_packs_epi32(_mm256_srai_epi32(value.low, shift),
                              _mm256_srai_epi32(value.high, shift));
}

/* The even outputs before the odd ones are added and taken away. */
INLINE void even_part(const __m256i x[SIDE], int shift, bool quarter, struct wide even[4])
{
    struct wide sum, difference;
    if (quarter) {
        sum = difference = scaled(x[0], shift);
    } else {
        sum = scaled(_mm256_add_epi16(x[0], x[4]), shift);
        difference = scaled(_mm256_sub_epi16(x[0], x[4]), shift);
    }
    struct wide near = products(x[2], x[6], factors(JPEG_IDCT_EVEN_2, JPEG_IDCT_EVEN));
    struct wide far = products(x[2], x[6], factors(JPEG_IDCT_EVEN, JPEG_IDCT_EVEN_6));
    even[0] = sum_of(sum, near);
    even[1] = sum_of(difference, far);
    even[2] = difference_of(difference, far);
    even[3] = difference_of(sum, near);
}

/* Without 5 and 7 each is a sum of two products, of constants that are the sums of those below. */
INLINE void odd_part_of_quarter(const __m256i x[SIDE], struct wide odd[4])
{
    enum {
        FROM_1_0 = JPEG_IDCT_71_1 + JPEG_IDCT_SUM_51,
        FROM_1_3 = JPEG_IDCT_71 + JPEG_IDCT_SUM,
        FROM_3_1 = JPEG_IDCT_53_3 + JPEG_IDCT_SUM_73,
        FROM_3_2 = JPEG_IDCT_53 + JPEG_IDCT_SUM,
    };
    odd[0] = products(x[1], x[3], factors(FROM_1_0, JPEG_IDCT_SUM));
    odd[1] = products(x[1], x[3], factors(JPEG_IDCT_SUM, FROM_3_1));
    odd[2] = products(x[1], x[3], factors(JPEG_IDCT_SUM_51, FROM_3_2));
    odd[3] = products(x[1], x[3], factors(FROM_1_3, JPEG_IDCT_SUM_73));
}

INLINE void odd_part(const __m256i x[SIDE], struct wide odd[4])
{
    __m256i a = _mm256_add_epi16(x[7], x[3]);
    __m256i b = _mm256_add_epi16(x[5], x[1]);
    struct wide shared_73 = products(a, b, factors(JPEG_IDCT_SUM_73, JPEG_IDCT_SUM));
    struct wide shared_51 = products(a, b, factors(JPEG_IDCT_SUM, JPEG_IDCT_SUM_51));
    odd[0] = sum_of(shared_51, products(x[7], x[1], factors(JPEG_IDCT_71, JPEG_IDCT_71_1)));
    odd[1] = sum_of(shared_73, products(x[5], x[3], factors(JPEG_IDCT_53, JPEG_IDCT_53_3)));
    odd[2] = sum_of(shared_51, products(x[5], x[3], factors(JPEG_IDCT_53_5, JPEG_IDCT_53)));
    odd[3] = sum_of(shared_73, products(x[7], x[1], factors(JPEG_IDCT_71_7, JPEG_IDCT_71)));
}

INLINE void transform(__m256i x[SIDE], int shift, bool quarter)
{
    struct wide even[4], odd[4];
    even_part(x, shift, quarter, even);
    if (quarter)
        odd_part_of_quarter(x, odd);
    else
        odd_part(x, odd);
#pragma GCC unroll 4
    for (int i = 0; i < SIDE / 2; i++) {
        x[i] = settled(sum_of(even[i], odd[i]), shift);
        x[SIDE - 1 - i] = settled(difference_of(even[i], odd[i]), shift);
    }
}

INLINE void transpose(__m256i x[SIDE])
{
    __m256i a[SIDE], b[SIDE];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi16(x[2 * i], x[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi16(x[2 * i], x[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        x[2 * i] = _mm256_unpacklo_epi64(b[i], b[i + 4]);
        x[2 * i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 4]);
    }
}

/* Columns of 16-bit values to two rows of bytes a register, of which one half is a block's. */
INLINE void to_bytes(const __m256i x[SIDE], __m256i rows[SIDE / 2])
{
    const __m256i middle = _mm256_set1_epi8((char)MIDDLE);
    __m256i a[4], b[4], c[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        a[i] = _mm256_xor_si256(_mm256_packs_epi16(x[i], x[i + 4]), middle);
    b[0] = _mm256_unpacklo_epi8(a[0], a[1]);
    b[1] = _mm256_unpackhi_epi8(a[0], a[1]);
    b[2] = _mm256_unpacklo_epi8(a[2], a[3]);
    b[3] = _mm256_unpackhi_epi8(a[2], a[3]);
    c[0] = _mm256_unpacklo_epi16(b[0], b[2]);
    c[1] = _mm256_unpackhi_epi16(b[0], b[2]);
    c[2] = _mm256_unpacklo_epi16(b[1], b[3]);
    c[3] = _mm256_unpackhi_epi16(b[1], b[3]);
    rows[0] = _mm256_unpacklo_epi32(c[0], c[2]);
    rows[1] = _mm256_unpackhi_epi32(c[0], c[2]);
    rows[2] = _mm256_unpacklo_epi32(c[1], c[3]);
    rows[3] = _mm256_unpackhi_epi32(c[1], c[3]);
}

INLINE void store_two(const __m256i rows[SIDE / 2], uint8_t *out, size_t stride)
{
#pragma GCC unroll 4
    for (size_t i = 0; i < SIDE / 2; i++) {
        __m256i both = _mm256_permute4x64_epi64(rows[i], 0xd8);
        _mm_storeu_si128((__m128i *)&out[2 * i * stride], _mm256_castsi256_si128(both));
        _mm_storeu_si128((__m128i *)&out[(2 * i + 1) * stride], _mm256_extracti128_si256(both, 1));
    }
}

INLINE void store_one(const __m256i rows[SIDE / 2], uint8_t *out, size_t stride)
{
#pragma GCC unroll 4
    for (size_t i = 0; i < SIDE / 2; i++) {
        __m128i both = _mm256_castsi256_si128(rows[i]);
        _mm_storel_epi64((__m128i *)&out[2 * i * stride], both);
        _mm_storel_epi64((__m128i *)&out[(2 * i + 1) * stride], _mm_unpackhi_epi64(both, both));
    }
}

INLINE __m256i dequantised(const int16_t *a, const int16_t *b, const uint16_t *quant, int row)
{
    __m256i both = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_load_si128((const __m128i *)&a[row * SIDE])),
        _mm_load_si128((const __m128i *)&b[row * SIDE]), 1);
    __m128i by = _mm_loadu_si128((const __m128i *)&quant[row * SIDE]);
    return _mm256_mullo_epi16(both, _mm256_broadcastsi128_si256(by));
}

INLINE bool is_large(__m256i row)
{
    __m256i most = _mm256_set1_epi16(FIRST_ROW_MAX);
    __m256i least = _mm256_set1_epi16(-FIRST_ROW_MAX);
    __m256i over = _mm256_or_si256(_mm256_cmpgt_epi16(row, most), _mm256_cmpgt_epi16(least, row));
    return _mm256_movemask_epi8(over) != 0;
}

/* Two blocks of a DC each. */
AVX2 static void flat(const int16_t *a, const int16_t *b, const uint16_t *quant,
                      __m256i rows[SIDE / 2])
{
    const int shift = JPEG_IDCT_SECOND_SHIFT - JPEG_IDCT_BITS;
    __m128i dc =
        _mm_insert_epi16(_mm_cvtsi32_si128((int16_t)(*a * quant[0])), (int16_t)(*b * quant[0]), 4);
    dc = _mm_slli_epi16(dc, JPEG_IDCT_PASS_BITS);
    dc = _mm_adds_epi16(dc, _mm_set1_epi16(1 << (shift - 1)));
    dc = _mm_srai_epi16(dc, shift);
    dc = _mm_xor_si128(_mm_packs_epi16(dc, dc), _mm_set1_epi8((char)MIDDLE));
    __m128i low = _mm_shuffle_epi8(dc, _mm_setzero_si128());
    __m128i high = _mm_shuffle_epi8(dc, _mm_set1_epi8(4));
    for (int i = 0; i < SIDE / 2; i++)
        rows[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

INLINE void curved(__m256i x[SIDE], bool quarter, __m256i rows[SIDE / 2])
{
    transform(x, JPEG_IDCT_FIRST_SHIFT, quarter);
    transpose(x);
    transform(x, JPEG_IDCT_SECOND_SHIFT, quarter);
    to_bytes(x, rows);
}

AVX2 static void curved_quarter(const int16_t *a, const int16_t *b, const uint16_t *quant,
                                __m256i rows[SIDE / 2])
{
    __m256i x[SIDE];
#pragma GCC unroll 8
    for (int i = 0; i < SIDE; i++)
        x[i] = i < SIDE / 2 ? dequantised(a, b, quant, i) : _mm256_setzero_si256();
    curved(x, true, rows);
}

AVX2 static void curved_all(const int16_t *a, const int16_t *b, const uint16_t *quant,
                            __m256i rows[SIDE / 2])
{
    __m256i x[SIDE];
#pragma GCC unroll 8
    for (int i = 0; i < SIDE; i++)
        x[i] = dequantised(a, b, quant, i);
    curved(x, false, rows);
}

/* Returns false where the blocks are not for this kernel. */
AVX2 static bool two_blocks(const int16_t *a, const int16_t *b, uint32_t last,
                            const uint16_t *quant, __m256i rows[SIDE / 2])
{
    if (last == 0) {
        flat(a, b, quant, rows);
        return true;
    }
    if (is_large(dequantised(a, b, quant, 0)))
        return false;
    if (last <= LAST_OF_QUARTER)
        curved_quarter(a, b, quant, rows);
    else
        curved_all(a, b, quant, rows);
    return true;
}

AVX2 void jpeg_idct_avx2(const int16_t *blocks, const uint8_t *last, const uint16_t *quant,
                         uint32_t count, uint8_t *out, size_t stride)
{
    for (uint32_t i = 0; i < count; i += 2) {
        __m256i rows[SIDE / 2];
        bool two = i + 1 < count;
        const int16_t *a = &blocks[(size_t)i * LEN];
        const int16_t *b = two ? a + LEN : a;
        uint32_t most = two && last[i + 1] > last[i] ? last[i + 1] : last[i];
        if (!two_blocks(a, b, most, quant, rows))
            jpeg_kernel_plain.idct(a, &last[i], quant, two ? 2 : 1, &out[i * SIDE], stride);
        else if (two)
            store_two(rows, &out[i * SIDE], stride);
        else
            store_one(rows, &out[i * SIDE], stride);
    }
}

#endif
