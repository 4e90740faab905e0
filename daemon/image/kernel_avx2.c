/*
 * The AVX2 kernel: the plain one's sums, with 16-bit multiplications.
 *
 * A weight has 23 bits and a multiply-add takes 16, so a weight is split into high * 2048 + low,
 * both are summed apart and joined at the end.  Integers add up to the same in any order, and a
 * sum that wraps in between wraps back: the joined sum is the plain kernel's, bit for bit.
 *
 * One multiply-add takes two values and adds the products: two neighbouring pixels in the
 * horizontal pass, the same byte of two lines in the vertical one.
 */
#include "daemon/image/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

enum {
    ROUND = 1 << (AXIS_PRECISION_BITS - 1),
    LOW_BITS = 11,
    LOW_MASK = (1 << LOW_BITS) - 1,
    QUAD = 4,         /* pixels of one load, and outputs of one store */
    QUAD_HALVES = 32, /* 16-bit weights for a quad of pixels: low and high, once for each channel */
    BLOCK = 32,       /* bytes of a row at a time */
};

static uint32_t quads_of(uint32_t count)
{
    return (count + QUAD - 1) / QUAD;
}

static uint32_t used_max(const struct axis *axis)
{
    uint32_t most = 0;
    for (uint32_t x = 0; x < axis->count; x++)
        most = axis->used[x] > most ? axis->used[x] : most;
    return most;
}

/*
 * The table: quads a picture's widest output needs, then for all outputs, filled up to a multiple
 * of QUAD, where each begins, then their weights as the multiply-adds take them.
 */
struct table {
    uint32_t quads;
    uint32_t outputs;
    uint32_t start[];
};

static uint32_t padded(uint32_t count)
{
    return quads_of(count) * QUAD;
}

static size_t table_bytes(uint32_t count, uint32_t taps)
{
    size_t weights = (size_t)quads_of(taps) * QUAD_HALVES * sizeof(int16_t);
    return sizeof(struct table) + padded(count) * (sizeof(uint32_t) + weights);
}

/* Pixel i of a quad: lanes of eight take pixels 0, 1 and 2, 3; a lane holds its two weights once
 * for each channel. */
static void put_weight(int16_t *halves, uint32_t i, int32_t weight)
{
    for (uint32_t channel = 0; channel < 4; channel++) {
        uint32_t at = i / 2 * 8 + channel * 2 + i % 2;
        halves[at] = (int16_t)(weight & LOW_MASK);
        halves[at + QUAD_HALVES / 2] = (int16_t)(weight >> LOW_BITS);
    }
}

/* Whole quads are read: an output that would read behind the row begins earlier, with zeros. */
static void prepare(const struct axis *axis, void *storage)
{
    struct table *table = storage;
    table->quads = quads_of(used_max(axis));
    table->outputs = padded(axis->count);
    uint32_t extent = axis->end - axis->first;
    uint32_t pixels = table->quads * QUAD;
    uint32_t start_max = extent > pixels ? extent - pixels : 0;
    size_t halves_each = (size_t)table->quads * QUAD_HALVES;
    int16_t *halves = (int16_t *)&table->start[table->outputs];
    memset(halves, 0, table->outputs * halves_each * sizeof *halves);
    for (uint32_t x = 0; x < table->outputs; x++, halves += halves_each) {
        table->start[x] = 0;
        if (x >= axis->count)
            continue;
        uint32_t start = axis->start[x] < start_max ? axis->start[x] : start_max;
        uint32_t shift = axis->start[x] - start;
        table->start[x] = start;
        for (uint32_t i = 0; i < axis->used[x]; i++) {
            uint32_t at = i + shift;
            put_weight(&halves[at / QUAD * QUAD_HALVES], at % QUAD,
                       axis->weight[(size_t)x * axis->taps + i]);
        }
    }
}

AVX2 static inline __m256i join(__m256i low, __m256i high)
{
    return _mm256_add_epi32(low, _mm256_slli_epi32(high, LOW_BITS));
}

/* The sums of one output, of pixels 0, 1 and of pixels 2, 3 of every quad in a lane each. */
AVX2 static inline __m256i sum_of(const uint8_t *pixels, const int16_t *halves, uint32_t quads)
{
    const __m256i pair_up =
        _mm256_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1, 8, -1, 12, -1, 9,
                         -1, 13, -1, 10, -1, 14, -1, 11, -1, 15, -1);
    __m256i low = _mm256_setzero_si256();
    __m256i high = _mm256_setzero_si256();
    for (uint32_t i = 0; i < quads; i++) {
        __m128i quad = _mm_loadu_si128((const __m128i *)&pixels[i * QUAD * 4]);
        __m256i pairs = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(quad), pair_up);
        const __m256i *weight = (const __m256i *)&halves[i * QUAD_HALVES];
        low = _mm256_add_epi32(low, _mm256_madd_epi16(pairs, _mm256_loadu_si256(weight)));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(pairs, _mm256_loadu_si256(weight + 1)));
    }
    return join(low, high);
}

/* Two outputs, RGBX as 32 bits each. */
AVX2 static inline __m256i settle_two(__m256i first, __m256i second)
{
    __m256i sum = _mm256_add_epi32(_mm256_permute2x128_si256(first, second, 0x20),
                                   _mm256_permute2x128_si256(first, second, 0x31));
    sum = _mm256_add_epi32(sum, _mm256_set1_epi32(ROUND));
    return _mm256_srli_epi32(sum, AXIS_PRECISION_BITS);
}

/* Store four outputs as twelve bytes, and four bytes more that the next ones overwrite. */
AVX2 static inline void store_four(__m256i first_two, __m256i last_two, uint8_t *line)
{
    /* Lanes: outputs 0 and 2, outputs 1 and 3. */
    const __m256i place =
        _mm256_setr_epi8(0, 1, 2, -1, -1, -1, 4, 5, 6, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1,
                         2, -1, -1, -1, 4, 5, 6, -1, -1, -1, -1);
    __m256i values = _mm256_packs_epi32(first_two, last_two);
    __m256i bytes = _mm256_shuffle_epi8(_mm256_packus_epi16(values, values), place);
    __m128i out = _mm_or_si128(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    _mm_storeu_si128((__m128i *)line, out);
}

/* quads is a constant where this is inlined for the common ones. */
AVX2 static inline __attribute__((always_inline)) void
columns_of(const struct table *table, const uint8_t *source, uint8_t *line, uint32_t quads)
{
    const int16_t *halves = (const int16_t *)&table->start[table->outputs];
    size_t each = (size_t)quads * QUAD_HALVES;
    for (uint32_t x = 0; x < table->outputs; x += QUAD) {
        __m256i sum[QUAD];
        for (uint32_t i = 0; i < QUAD; i++, halves += each)
            sum[i] = sum_of(&source[(size_t)table->start[x + i] * 4], halves, quads);
        store_four(settle_two(sum[0], sum[1]), settle_two(sum[2], sum[3]), &line[(size_t)x * 3]);
    }
}

AVX2 static void columns(const struct axis *axis, const void *storage, const uint8_t *source,
                         uint8_t *line)
{
    (void)axis;
    const struct table *table = storage;
    if (table->quads == 1)
        columns_of(table, source, line, 1);
    else if (table->quads == 2)
        columns_of(table, source, line, 2);
    else
        columns_of(table, source, line, table->quads);
}

/* The sums of 16 bytes of a row. */
struct sums {
    __m256i low[2];
    __m256i high[2];
};

AVX2 static inline void add_pair(struct sums *sums, __m128i first, __m128i second, __m256i low,
                                 __m256i high)
{
    __m256i begin = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(first, second));
    __m256i end = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(first, second));
    sums->low[0] = _mm256_add_epi32(sums->low[0], _mm256_madd_epi16(begin, low));
    sums->low[1] = _mm256_add_epi32(sums->low[1], _mm256_madd_epi16(end, low));
    sums->high[0] = _mm256_add_epi32(sums->high[0], _mm256_madd_epi16(begin, high));
    sums->high[1] = _mm256_add_epi32(sums->high[1], _mm256_madd_epi16(end, high));
}

AVX2 static inline __m256i settle(__m256i low, __m256i high)
{
    return _mm256_srli_epi32(join(low, high), AXIS_PRECISION_BITS);
}

AVX2 static inline void store_block(const struct sums *sums, uint8_t *row)
{
    __m256i first = _mm256_packs_epi32(settle(sums[0].low[0], sums[0].high[0]),
                                       settle(sums[0].low[1], sums[0].high[1]));
    __m256i second = _mm256_packs_epi32(settle(sums[1].low[0], sums[1].high[0]),
                                        settle(sums[1].low[1], sums[1].high[1]));
    /* Packing works within lanes: bring the groups of four bytes back into order. */
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first, second), order);
    _mm256_storeu_si256((__m256i *)row, bytes);
}

AVX2 static inline __m256i pair_of(int32_t first, int32_t second)
{
    return _mm256_set1_epi32((int32_t)((uint32_t)second << 16 | (uint32_t)first));
}

AVX2 static inline void rows_block(const uint8_t *const *lines, const int32_t *weight,
                                   uint32_t used, size_t at, uint8_t *row)
{
    const __m256i round = _mm256_set1_epi32(ROUND);
    const __m256i zero = _mm256_setzero_si256();
    struct sums sums[2] = {{{round, round}, {zero, zero}}, {{round, round}, {zero, zero}}};
    for (uint32_t i = 0; i < used; i += 2) {
        /* The last line of an odd number is paired with itself, at a weight of 0. */
        uint32_t j = i + 1 < used ? i + 1 : i;
        int32_t other = i + 1 < used ? weight[j] : 0;
        __m256i low = pair_of(weight[i] & LOW_MASK, other & LOW_MASK);
        __m256i high = pair_of(weight[i] >> LOW_BITS, other >> LOW_BITS);
        const __m128i *a = (const __m128i *)&lines[i][at];
        const __m128i *b = (const __m128i *)&lines[j][at];
        add_pair(&sums[0], _mm_loadu_si128(a), _mm_loadu_si128(b), low, high);
        add_pair(&sums[1], _mm_loadu_si128(a + 1), _mm_loadu_si128(b + 1), low, high);
    }
    store_block(sums, &row[at]);
}

/* The last block ends with the row and overlaps the one before it. */
AVX2 static void rows(const uint8_t *const *lines, const int32_t *weight, uint32_t used,
                      uint8_t *row, size_t len)
{
    if (len < BLOCK) {
        kernel_plain.rows(lines, weight, used, row, len);
        return;
    }
    for (size_t at = 0; at + BLOCK <= len; at += BLOCK)
        rows_block(lines, weight, used, at, row);
    if (len % BLOCK != 0)
        rows_block(lines, weight, used, len - BLOCK, row);
}

static const struct kernel avx2 = {
    .name = "avx2",
    .table_bytes = table_bytes,
    .prepare = prepare,
    .columns = columns,
    .rows = rows,
};

const struct kernel *kernel_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

const struct kernel *kernel_avx2(void)
{
    return NULL;
}

#endif
