/*
 * JPEG symbols: the loops that take a block's coefficients from the bits, inside of every function
 * that decodes blocks.
 */
#ifndef STK_JPEG_SYMBOLS_H
#define STK_JPEG_SYMBOLS_H

#include "daemon/image/jpeg_bits.h"
#include "daemon/image/jpeg_huffman.h"

enum {
    JPEG_LAST = 63,
    JPEG_PAIRS_A_REFILL = JPEG_BITS_READY / JPEG_PAIR_BITS,
    JPEG_SKIPS_A_REFILL = JPEG_BITS_READY / JPEG_SKIP_BITS
};

/* Zigzag to row by row (T.81, figure 5). */
extern const uint8_t jpeg_zigzag[64];

/** The next symbol by the lengths of the codes, as a table has it; bits are ready. */
struct jpeg_single jpeg_symbols_slowly(uint64_t window, const struct jpeg_ladder *ladder, bool ac);

/* What a table with too few bits left over: the rest of the symbol, from a window that has it. */
static inline __attribute__((always_inline)) struct jpeg_single
jpeg_symbols_complete(struct jpeg_single single, uint64_t window, const struct jpeg_ladder *ladder,
                      bool ac)
{
    if (single.bits == 0)
        single = jpeg_symbols_slowly(window, ladder, ac);
    if (single.bits < JPEG_CODE_ALONE)
        return single;
    int size = single.value;
    single.bits = (uint8_t)(single.bits - JPEG_CODE_ALONE);
    int32_t value = (int32_t)(window << single.bits >> (64 - size));
    single.value = (int16_t)(value < 1 << (size - 1) ? value - (1 << size) + 1 : value);
    single.bits = (uint8_t)(single.bits + size);
    return single;
}

/** The difference of a block's DC coefficient, added; false where there is none. */
static inline __attribute__((always_inline)) bool
jpeg_symbols_dc(struct jpeg_bits *bits, const struct jpeg_dc *table, int32_t *dc)
{
    jpeg_bits_refill(bits);
    struct jpeg_single single = table->single[jpeg_bits_peek(bits, JPEG_DC_BITS)];
    single = jpeg_symbols_complete(single, bits->window, &table->ladder, false);
    jpeg_bits_take(bits, single.bits);
    *dc += single.value;
    return single.bits > 0 && *dc == (int16_t)*dc;
}

/* What a single symbol did to a block. */
enum jpeg_step { JPEG_STEP_ON, JPEG_STEP_END, JPEG_STEP_BAD };

/** One symbol, whatever it is; block may be NULL. */
static inline __attribute__((always_inline)) enum jpeg_step
jpeg_symbols_single(struct jpeg_bits *bits, const struct jpeg_ac *table, int16_t *block,
                    uint32_t *k)
{
    jpeg_bits_refill(bits);
    struct jpeg_single single = table->single[jpeg_bits_peek(bits, JPEG_SINGLE_BITS)];
    single = jpeg_symbols_complete(single, bits->window, &table->ladder, true);
    if (single.bits == 0)
        return JPEG_STEP_BAD;
    jpeg_bits_take(bits, single.bits);
    if (single.advance == JPEG_BLOCK_END)
        return JPEG_STEP_END;
    *k += single.advance;
    if (*k > JPEG_LAST)
        return JPEG_STEP_BAD;
    if (block != NULL && single.value != 0)
        block[jpeg_zigzag[*k]] = single.value;
    return *k == JPEG_LAST ? JPEG_STEP_END : JPEG_STEP_ON;
}

/**
 * One coefficient or two, as is usual.
 *
 * Returns: false where it is anything else, and nothing was done.
 */
static inline __attribute__((always_inline)) bool
jpeg_symbols_pair(struct jpeg_bits *bits, const struct jpeg_ac *table, int16_t *block, uint32_t *k)
{
    const struct jpeg_pair *pair = &table->pair[jpeg_bits_peek(bits, JPEG_PAIR_BITS)];
    uint32_t end = *k + pair->advance;
    if (end >= JPEG_LAST)
        return false;
    jpeg_bits_take(bits, pair->bits);
    block[jpeg_zigzag[*k + pair->first]] = pair->value[0];
    block[jpeg_zigzag[end]] = pair->value[1];
    *k = end;
    return true;
}

/** Whatever is no such pair; as many bits are ready as a pair may have. */
static inline __attribute__((always_inline)) enum jpeg_step
jpeg_symbols_unusual(struct jpeg_bits *bits, const struct jpeg_ac *table, int16_t *block,
                     uint32_t *k)
{
    const struct jpeg_pair *pair = &table->pair[jpeg_bits_peek(bits, JPEG_PAIR_BITS)];
    if (pair->kind != JPEG_PAIR_END || *k + pair->first >= JPEG_LAST)
        return jpeg_symbols_single(bits, table, block, k);
    /* The end alone adds nothing to the coefficient before it. */
    *k += pair->first;
    block[jpeg_zigzag[*k]] |= pair->value[0];
    jpeg_bits_take(bits, pair->bits);
    return JPEG_STEP_END;
}

/** A block's other coefficients into zeros. */
static inline __attribute__((always_inline)) bool jpeg_symbols_keep(struct jpeg_bits *bits,
                                                                    const struct jpeg_ac *table,
                                                                    int16_t *block, uint32_t *last)
{
    enum jpeg_step step = JPEG_STEP_ON;
    *last = 0;
    while (step == JPEG_STEP_ON) {
        jpeg_bits_refill(bits);
#pragma GCC unroll 8
        for (int i = 0; i < JPEG_PAIRS_A_REFILL; i++) {
            if (!jpeg_symbols_pair(bits, table, block, last)) {
                step = jpeg_symbols_unusual(bits, table, block, last);
                break;
            }
        }
    }
    return step == JPEG_STEP_END;
}

/** A block's other coefficients, kept nowhere. */
static inline __attribute__((always_inline)) bool jpeg_symbols_skip(struct jpeg_bits *bits,
                                                                    const struct jpeg_ac *table)
{
    uint32_t k = 0;
    for (;;) {
        struct jpeg_skip skip;
        jpeg_bits_refill(bits);
#pragma GCC unroll 8
        for (int i = 0; i < JPEG_SKIPS_A_REFILL; i++) {
            skip = table->skip[jpeg_bits_peek(bits, JPEG_SKIP_BITS)];
            if (k + skip.advance >= JPEG_LAST)
                goto unusual;
            jpeg_bits_take(bits, skip.bits);
            k += skip.advance;
        }
        continue;
    unusual:
        if (skip.bits > 0 && skip.advance >= JPEG_BLOCK_END &&
            k + skip.advance < JPEG_BLOCK_END + JPEG_LAST) {
            jpeg_bits_take(bits, skip.bits);
            return true;
        }
        enum jpeg_step step = jpeg_symbols_single(bits, table, NULL, &k);
        if (step != JPEG_STEP_ON)
            return step == JPEG_STEP_END;
    }
}

#endif
