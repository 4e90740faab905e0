/*
 * The AVX2 kernel: the plain one's sums, with multiplications of 16 bits and of 8.
 *
 * A weight has 23 bits and a sign, so it is split in two whose products are summed apart and joined
 * at the end.  Integers add up to the same in any order, and a sum that wraps in between wraps
 * back: the joined sum is the plain kernel's, bit for bit.
 *
 * One multiply-add takes two values and adds the products: two neighbouring pixels in the
 * horizontal pass, the same byte of two lines in the vertical one.
 */
#include "daemon/image/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>

#define AVX2 __attribute__((target("avx2")))

/* The horizontal pass: a weight is high * 2^11 + low, both multiplied as 16 bits. */
enum {
    LOW_BITS = 11,
    LOW_MASK = (1 << LOW_BITS) - 1,
    GROUP = 8,        /* outputs of one round: the first four and the last four in a lane each */
    PAIR_HALVES = 32, /* 16-bit weights for a pair of pixels of two outputs: low, then high */
};

/*
 * The table: pairs of pixels that the widest output needs, then for all outputs, filled up to a
 * multiple of GROUP, where each begins, then from the next multiple of WEIGHTS_ALIGN their weights
 * as the multiply-adds take them.
 */
struct table {
    uint32_t pairs;
    uint32_t outputs;
    uint32_t start[];
};

enum { WEIGHTS_ALIGN = 64 };

static uint32_t padded(uint32_t count)
{
    return (count + GROUP - 1) / GROUP * GROUP;
}

static uint32_t pairs_of(uint32_t taps)
{
    return (taps + 1) / 2;
}

static int16_t *weights_of(const struct table *table)
{
    uintptr_t end = (uintptr_t)&table->start[table->outputs];
    return (int16_t *)((end + WEIGHTS_ALIGN - 1) / WEIGHTS_ALIGN * WEIGHTS_ALIGN);
}

static size_t table_bytes(uint32_t count, uint32_t taps)
{
    size_t weights = (size_t)pairs_of(taps) * PAIR_HALVES / 2 * sizeof(int16_t);
    return sizeof(struct table) + padded(count) * (sizeof(uint32_t) + weights) + WEIGHTS_ALIGN;
}

static uint32_t used_max(const struct axis *axis)
{
    uint32_t most = 0;
    for (uint32_t x = 0; x < axis->count; x++)
        most = axis->used[x] > most ? axis->used[x] : most;
    return most;
}

/* Two halves as one 32-bit lane of a multiply-add takes them. */
static int32_t pair_of(int32_t first, int32_t second)
{
    return (int32_t)((uint32_t)second << 16 | ((uint32_t)first & 0xffff));
}

/* The weights of one output that begins shift pixels early; a lane holds a pair once for each
 * channel. */
AVX2 static void put_weights(const int32_t *weight, uint32_t used, uint32_t shift, uint32_t pairs,
                             int16_t *halves)
{
    for (uint32_t i = 0; i < pairs; i++, halves += PAIR_HALVES) {
        /* What is before the first wraps to behind the last. */
        uint32_t first = 2 * i - shift;
        uint32_t second = first + 1;
        int32_t a = first < used ? weight[first] : 0;
        int32_t b = second < used ? weight[second] : 0;
        __m128i low = _mm_set1_epi32(pair_of(a & LOW_MASK, b & LOW_MASK));
        __m128i high = _mm_set1_epi32(pair_of(a >> LOW_BITS, b >> LOW_BITS));
        _mm_storeu_si128((__m128i *)halves, low);
        _mm_storeu_si128((__m128i *)&halves[PAIR_HALVES / 2], high);
    }
}

/* Whole pairs are read: an output that would read behind the row begins earlier, with zeros. */
static void prepare(const struct axis *axis, void *storage)
{
    struct table *table = storage;
    table->pairs = pairs_of(used_max(axis));
    table->outputs = padded(axis->count);
    uint32_t extent = axis->end - axis->first;
    uint32_t pixels = table->pairs * 2;
    uint32_t start_max = extent > pixels ? extent - pixels : 0;
    int16_t *weights = weights_of(table);
    size_t halves_each = (size_t)table->pairs * PAIR_HALVES;
    for (uint32_t x = 0; x < table->outputs; x++) {
        uint32_t output = x < axis->count ? x : 0; /* those that fill up take nothing of it */
        uint32_t first = axis->start[output];
        uint32_t used = x < axis->count ? axis->used[x] : 0;
        uint32_t start = first < start_max ? first : start_max;
        uint32_t quad = x / GROUP * 4 + x % 4;
        uint32_t lane = x % GROUP / 4;
        table->start[x] = start;
        put_weights(&axis->weight[(size_t)output * axis->taps], used, first - start, table->pairs,
                    &weights[quad * halves_each + lane * PAIR_HALVES / 4]);
    }
}

struct split {
    __m256i low;
    __m256i high;
};

AVX2 static inline void add_pixels(struct split *sum, __m256i pairs, const int16_t *halves)
{
    const __m256i *weight = (const __m256i *)halves;
    sum->low = _mm256_add_epi32(sum->low, _mm256_madd_epi16(pairs, _mm256_loadu_si256(weight)));
    sum->high =
        _mm256_add_epi32(sum->high, _mm256_madd_epi16(pairs, _mm256_loadu_si256(weight + 1)));
}

/* The sums of two outputs, RGBX as 32 bits each. */
AVX2 static inline __attribute__((always_inline)) __m256i
sums_of(const uint8_t *first, const uint8_t *second, const int16_t *halves, uint32_t pairs)
{
    const __m256i begin = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1));
    const __m256i end = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(8, -1, 12, -1, 9, -1, 13, -1, 10, -1, 14, -1, 11, -1, 15, -1));
    struct split sum = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (uint32_t i = 0; i < pairs; i += 2, halves += 2 * PAIR_HALVES) {
        __m256i quads = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)&first[i * 8])),
            _mm_loadu_si128((const __m128i *)&second[i * 8]), 1);
        add_pixels(&sum, _mm256_shuffle_epi8(quads, begin), halves);
        if (i + 1 < pairs)
            add_pixels(&sum, _mm256_shuffle_epi8(quads, end), &halves[PAIR_HALVES]);
    }
    return _mm256_add_epi32(sum.low, _mm256_slli_epi32(sum.high, LOW_BITS));
}

/* Four outputs of each lane as 16 bits a channel, clipped at 0 and rounded: what averaging with 0
 * does to a sum that has one bit more than its value. */
AVX2 static inline __m256i settle_sums(__m256i first, __m256i second)
{
    __m256i values = _mm256_packus_epi32(_mm256_srai_epi32(first, AXIS_PRECISION_BITS - 1),
                                         _mm256_srai_epi32(second, AXIS_PRECISION_BITS - 1));
    return _mm256_avg_epu16(values, _mm256_setzero_si256());
}

/* Store eight outputs as two times twelve bytes, and four bytes more that the next overwrite. */
AVX2 static inline void store_group(const __m256i *sums, uint8_t *line)
{
    const __m256i drop_fourth = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    __m256i bytes =
        _mm256_packus_epi16(settle_sums(sums[0], sums[1]), settle_sums(sums[2], sums[3]));
    bytes = _mm256_shuffle_epi8(bytes, drop_fourth);
    _mm_storeu_si128((__m128i *)line, _mm256_castsi256_si128(bytes));
    _mm_storeu_si128((__m128i *)&line[12], _mm256_extracti128_si256(bytes, 1));
}

/* pairs is a constant where this is inlined for the common ones. */
AVX2 static inline __attribute__((always_inline)) void
columns_of(const struct table *table, const uint8_t *source, uint8_t *line, uint32_t pairs)
{
    const int16_t *halves = weights_of(table);
    for (uint32_t x = 0; x < table->outputs; x += GROUP) {
        __m256i sums[4];
        for (uint32_t i = 0; i < 4; i++, halves += (size_t)pairs * PAIR_HALVES)
            sums[i] = sums_of(&source[(size_t)table->start[x + i] * 4],
                              &source[(size_t)table->start[x + i + 4] * 4], halves, pairs);
        store_group(sums, &line[(size_t)x * 3]);
    }
}

AVX2 static void columns(const struct axis *axis, const void *storage, const uint8_t *source,
                         uint8_t *line)
{
    (void)axis;
    const struct table *table = storage;
    switch (table->pairs) {
    case 1:
        columns_of(table, source, line, 1);
        break;
    case 2:
        columns_of(table, source, line, 2);
        break;
    case 3:
        columns_of(table, source, line, 3);
        break;
    default:
        columns_of(table, source, line, table->pairs);
    }
}

/*
 * The vertical pass: a weight is high * 2^16 + low with a signed low.  High has 8 bits and a sign,
 * so that bytes are multiplied as they are, and that sum is kept in 16 bits: what is beyond them
 * comes back when low's is added, for the joined one fits.
 */
enum {
    BLOCK = 32,     /* bytes of a row at a time */
    USED_MAX = 256, /* lines that are paired on the stack; one more is the plain kernel's */
    HIGH_ROUND = 1 << (6 - 1), /* half of a value's unit, in units of high */
};

/* The sums of 16 bytes of both lanes. */
struct sums {
    __m256i low[2];
    __m256i high;
};

AVX2 static inline void add_lines(struct sums *sums, __m256i bytes, __m256i low, __m256i high)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i begin = _mm256_unpacklo_epi8(bytes, zero);
    __m256i end = _mm256_unpackhi_epi8(bytes, zero);
    sums->low[0] = _mm256_add_epi32(sums->low[0], _mm256_madd_epi16(begin, low));
    sums->low[1] = _mm256_add_epi32(sums->low[1], _mm256_madd_epi16(end, low));
    sums->high = _mm256_add_epi16(sums->high, _mm256_maddubs_epi16(bytes, high));
}

AVX2 static inline __m256i settle_lines(const struct sums *sums)
{
    __m256i low = _mm256_packs_epi32(_mm256_srai_epi32(sums->low[0], 16),
                                     _mm256_srai_epi32(sums->low[1], 16));
    return _mm256_srai_epi16(_mm256_add_epi16(sums->high, low), AXIS_PRECISION_BITS - 16);
}

static int32_t high_of(int32_t weight)
{
    return (weight + (1 << 15)) >> 16;
}

/* Two lines, and their weights as the multiply-adds take them. */
struct line_pair {
    const uint8_t *first;
    const uint8_t *second;
    int32_t low;
    int16_t high;
};

/* The last line of an odd number is paired with itself, at a weight of 0. */
static uint32_t pair_lines(const uint8_t *const *lines, const int32_t *weight, uint32_t used,
                           struct line_pair *pairs)
{
    uint32_t count = pairs_of(used);
    for (uint32_t i = 0; i < count; i++) {
        bool whole = 2 * i + 1 < used;
        int32_t a = weight[2 * i];
        int32_t b = whole ? weight[2 * i + 1] : 0;
        pairs[i].first = lines[2 * i];
        pairs[i].second = lines[whole ? 2 * i + 1 : 2 * i];
        pairs[i].low = pair_of(a, b);
        pairs[i].high = (int16_t)((uint32_t)high_of(b) << 8 | ((uint32_t)high_of(a) & 0xff));
    }
    return count;
}

AVX2 static inline __attribute__((always_inline)) void
rows_block(const struct line_pair *pairs, uint32_t count, size_t at, uint8_t *row)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i round = _mm256_set1_epi16(HIGH_ROUND);
    struct sums sums[2] = {{{zero, zero}, round}, {{zero, zero}, round}};
    for (uint32_t i = 0; i < count; i++) {
        __m256i low = _mm256_set1_epi32(pairs[i].low);
        __m256i high = _mm256_set1_epi16(pairs[i].high);
        __m256i a = _mm256_loadu_si256((const __m256i *)&pairs[i].first[at]);
        __m256i b = _mm256_loadu_si256((const __m256i *)&pairs[i].second[at]);
        add_lines(&sums[0], _mm256_unpacklo_epi8(a, b), low, high);
        add_lines(&sums[1], _mm256_unpackhi_epi8(a, b), low, high);
    }
    _mm256_storeu_si256((__m256i *)&row[at],
                        _mm256_packus_epi16(settle_lines(&sums[0]), settle_lines(&sums[1])));
}

/* The last block ends with the row and overlaps the one before it.  count is a constant where this
 * is inlined for the common ones. */
AVX2 static inline __attribute__((always_inline)) void
rows_of(const struct line_pair *pairs, uint32_t count, uint8_t *row, size_t len)
{
    for (size_t at = 0; at + BLOCK <= len; at += BLOCK)
        rows_block(pairs, count, at, row);
    if (len % BLOCK != 0)
        rows_block(pairs, count, len - BLOCK, row);
}

AVX2 static void rows(const uint8_t *const *lines, const int32_t *weight, uint32_t used,
                      uint8_t *row, size_t len)
{
    if (len < BLOCK || used > USED_MAX) {
        kernel_plain.rows(lines, weight, used, row, len);
        return;
    }
    struct line_pair pairs[USED_MAX / 2];
    uint32_t count = pair_lines(lines, weight, used, pairs);
    if (count == 1)
        rows_of(pairs, 1, row, len);
    else if (count == 2)
        rows_of(pairs, 2, row, len);
    else
        rows_of(pairs, count, row, len);
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
