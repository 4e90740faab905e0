/*
 * JPEG Huffman tables: see jpeg_huffman.h.
 */
#include "daemon/image/jpeg_huffman.h"

#include <string.h>

enum {
    RUN_OF_16 = 0xf0,
    DC_SYMBOL_MAX = 15,
};

/* T.81, C.2: codes of a length are consecutive, and go on behind the shorter ones. */
static bool make_ladder(const struct jpeg_codes *codes, struct jpeg_ladder *ladder)
{
    uint32_t code = 0;
    int32_t met = 0;
    memcpy(ladder->symbols, codes->symbols, sizeof ladder->symbols);
    ladder->limit[0] = 0;
    for (int bits = 1; bits <= JPEG_CODE_BITS_MAX; bits++) {
        uint32_t count = codes->counts[bits - 1];
        ladder->offset[bits] = met - (int32_t)code;
        code += count;
        met += (int32_t)count;
        /* A code of all ones is none. */
        if (met > JPEG_SYMBOLS_MAX || (count > 0 && code >= 1u << bits))
            return false;
        ladder->limit[bits] = code << (JPEG_CODE_BITS_MAX - bits);
        code <<= 1;
    }
    ladder->limit[JPEG_CODE_BITS_MAX + 1] = 1u << JPEG_CODE_BITS_MAX;
    return true;
}

/* T.81, F.2.2.1: the extra bits count from the smallest of their size, negative ones first. */
static int16_t extend(uint32_t extra, int size)
{
    int32_t value = (int32_t)extra;
    if (size > 0 && extra < 1u << (size - 1))
        value -= (1 << size) - 1;
    return (int16_t)value;
}

uint8_t jpeg_symbol_advance(uint8_t symbol)
{
    if (symbol == RUN_OF_16)
        return 16;
    return (symbol & 15) == 0 ? JPEG_BLOCK_END : (uint8_t)((symbol >> 4) + 1);
}

/* Of words, so that the compiler copies many at a time. */
static struct jpeg_single *fill(struct jpeg_single *at, struct jpeg_single single, uint32_t count)
{
    uint32_t word;
    _Static_assert(sizeof word == sizeof single, "a symbol is a word");
    memcpy(&word, &single, sizeof word);
    for (uint32_t i = 0; i < count; i++)
        memcpy(&at[i], &word, sizeof word);
    return at + count;
}

/* All windows that begin with a code: its extra bits, and whatever is behind them. */
static struct jpeg_single *lay_code(struct jpeg_single *at, struct jpeg_single single, int size,
                                    int bits_left)
{
    if (size > bits_left) {
        single.value = (int16_t)size;
        single.bits |= JPEG_CODE_ALONE;
        return fill(at, single, 1u << bits_left);
    }
    single.bits = (uint8_t)(single.bits + size);
    for (uint32_t extra = 0; extra < 1u << size; extra++) {
        single.value = extend(extra, size);
        at = fill(at, single, 1u << (bits_left - size));
    }
    return at;
}

/* The symbols in the order of their codes follow each other in the windows as well. */
static void lay_singles(const struct jpeg_codes *codes, bool ac, int window_bits,
                        struct jpeg_single *table)
{
    struct jpeg_single *at = table;
    const uint8_t *symbol = codes->symbols;
    for (int bits = 1; bits <= window_bits; bits++) {
        for (int i = 0; i < codes->counts[bits - 1]; i++, symbol++) {
            struct jpeg_single single = {.advance = ac ? jpeg_symbol_advance(*symbol) : 0,
                                         .bits = (uint8_t)bits};
            at = lay_code(at, single, ac ? *symbol & 15 : *symbol, window_bits - bits);
        }
    }
    memset(at, 0, (size_t)(&table[1u << window_bits] - at) * sizeof *at);
}

/* The single symbol at the front of so many bits of a longer window, where it lies in them. */
static struct jpeg_single single_within(const struct jpeg_ac *ac, uint32_t window, int bits)
{
    struct jpeg_single single = ac->single[window & ((1u << JPEG_SINGLE_BITS) - 1)];
    return single.bits <= bits ? single : (struct jpeg_single){0};
}

static bool is_coefficient(const struct jpeg_single *single)
{
    return single->bits > 0 && single->value != 0;
}

/* One symbol, whatever stands behind it. */
static struct jpeg_pair pair_of_one(const struct jpeg_single *first)
{
    if (first->bits > 0 && first->advance == JPEG_BLOCK_END)
        return (struct jpeg_pair){
            .advance = JPEG_BLOCK_END, .bits = first->bits, .kind = JPEG_PAIR_END};
    if (!is_coefficient(first))
        return (struct jpeg_pair){.advance = JPEG_BLOCK_END, .kind = JPEG_PAIR_NONE};
    return (struct jpeg_pair){.value = {first->value, first->value},
                              .first = first->advance,
                              .advance = first->advance,
                              .bits = first->bits};
}

static struct jpeg_pair with_second(struct jpeg_pair pair, const struct jpeg_single *second)
{
    if (second->bits > 0 && second->advance == JPEG_BLOCK_END) {
        pair.kind = JPEG_PAIR_END;
        pair.advance = JPEG_BLOCK_END;
        pair.bits = (uint8_t)(pair.bits + second->bits);
    } else if (is_coefficient(second)) {
        pair.value[1] = second->value;
        pair.advance = (uint8_t)(pair.advance + second->advance);
        pair.bits = (uint8_t)(pair.bits + second->bits);
    }
    return pair;
}

/* All windows with the same first symbol, from the first of them on; the one behind them. */
static uint32_t lay_pairs(struct jpeg_ac *ac, uint32_t window)
{
    uint32_t wide = window << (JPEG_SINGLE_BITS - JPEG_PAIR_BITS);
    struct jpeg_single first = single_within(ac, wide, JPEG_PAIR_BITS);
    struct jpeg_pair alone = pair_of_one(&first);
    int bits_left = JPEG_PAIR_BITS - first.bits;
    uint32_t end = first.bits > 0 ? window + (1u << bits_left) : window + 1;
    for (uint32_t rest = 0; window < end; window++, rest++) {
        ac->pair[window] = alone;
        if (alone.kind == JPEG_PAIR_GOES_ON) {
            struct jpeg_single second =
                single_within(ac, rest << (JPEG_SINGLE_BITS - bits_left), bits_left);
            ac->pair[window] = with_second(alone, &second);
        }
    }
    return window;
}

/* All windows that begin with a code, where windows of as many bits as may be left behind it are
 * laid already: at one place in tables for each number of bits. */
static struct jpeg_skip *lay_skip(struct jpeg_skip *at, const struct jpeg_skip *tables,
                                  uint8_t symbol, int bits, int bits_left)
{
    struct jpeg_skip skip = {jpeg_symbol_advance(symbol), (uint8_t)(bits + (symbol & 15))};
    struct jpeg_skip *end = at + (1u << bits_left);
    int rest = bits_left - (symbol & 15);
    /* Runs of 16 in one bit each could lead further than can be counted. */
    if (rest < 0 || (symbol == RUN_OF_16 && bits == 1)) {
        memset(at, 0, (size_t)(end - at) * sizeof *at);
        return end;
    }
    if (skip.advance == JPEG_BLOCK_END)
        rest = 0;
    const struct jpeg_skip *behind = &tables[1u << rest];
    size_t laid = (size_t)1 << rest;
    for (size_t i = 0; i < laid; i++) {
        at[i].advance = (uint8_t)(skip.advance + behind[i].advance);
        at[i].bits = (uint8_t)(skip.bits + behind[i].bits);
    }
    /* The same for all that the extra bits can be. */
    for (; at + laid < end; laid *= 2)
        memcpy(at + laid, at, laid * sizeof *at);
    return end;
}

/* Windows of so many bits, from tables[1 << window_bits] on. */
static void lay_skips(const struct jpeg_codes *codes, int window_bits, struct jpeg_skip *tables)
{
    struct jpeg_skip *at = &tables[1u << window_bits];
    const uint8_t *symbol = codes->symbols;
    for (int bits = 1; bits <= window_bits; bits++) {
        for (int i = 0; i < codes->counts[bits - 1]; i++, symbol++)
            at = lay_skip(at, tables, *symbol, bits, window_bits - bits);
    }
    memset(at, 0, (size_t)(&tables[2u << window_bits] - at) * sizeof *at);
}

static void make_skips(struct jpeg_ac *ac, const struct jpeg_codes *codes)
{
    struct jpeg_skip tables[2 << JPEG_SKIP_BITS];
    for (int bits = 0; bits <= JPEG_SKIP_BITS; bits++)
        lay_skips(codes, bits, tables);
    for (uint32_t window = 0; window < 1u << JPEG_SKIP_BITS; window++) {
        struct jpeg_skip skip = tables[(1u << JPEG_SKIP_BITS) + window];
        ac->skip[window] = skip.bits > 0 ? skip : (struct jpeg_skip){.advance = JPEG_BLOCK_END};
    }
}

static bool make_dc(struct jpeg_dc *dc, const struct jpeg_codes *codes)
{
    if (!make_ladder(codes, &dc->ladder))
        return false;
    int count = 0;
    for (int i = 0; i < JPEG_CODE_BITS_MAX; i++)
        count += codes->counts[i];
    for (int i = 0; i < count; i++) {
        if (codes->symbols[i] > DC_SYMBOL_MAX)
            return false;
    }
    lay_singles(codes, false, JPEG_DC_BITS, dc->single);
    return true;
}

static bool make_ac(struct jpeg_ac *ac, const struct jpeg_codes *codes)
{
    if (!make_ladder(codes, &ac->ladder))
        return false;
    lay_singles(codes, true, JPEG_SINGLE_BITS, ac->single);
    for (uint32_t window = 0; window < 1u << JPEG_PAIR_BITS;)
        window = lay_pairs(ac, window);
    make_skips(ac, codes);
    return true;
}

const struct jpeg_dc *jpeg_tables_dc(struct jpeg_tables *tables, const struct jpeg_codes *codes)
{
    struct jpeg_dc *oldest = &tables->dc[0];
    tables->clock++;
    for (int i = 0; i < JPEG_TABLES_KEPT; i++) {
        struct jpeg_dc *dc = &tables->dc[i];
        if (dc->used > 0 && memcmp(&dc->codes, codes, sizeof *codes) == 0) {
            dc->used = tables->clock;
            return dc;
        }
        oldest = dc->used < oldest->used ? dc : oldest;
    }
    oldest->used = 0;
    if (!make_dc(oldest, codes))
        return NULL;
    oldest->codes = *codes;
    oldest->used = tables->clock;
    return oldest;
}

const struct jpeg_ac *jpeg_tables_ac(struct jpeg_tables *tables, const struct jpeg_codes *codes)
{
    struct jpeg_ac *oldest = &tables->ac[0];
    tables->clock++;
    for (int i = 0; i < JPEG_TABLES_KEPT; i++) {
        struct jpeg_ac *ac = &tables->ac[i];
        if (ac->used > 0 && memcmp(&ac->codes, codes, sizeof *codes) == 0) {
            ac->used = tables->clock;
            return ac;
        }
        oldest = ac->used < oldest->used ? ac : oldest;
    }
    oldest->used = 0;
    if (!make_ac(oldest, codes))
        return NULL;
    oldest->codes = *codes;
    oldest->used = tables->clock;
    return oldest;
}
