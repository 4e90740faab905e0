/*
 * JPEG Huffman tables: codes as a file's DHT segments give them (ITU-T T.81, annexes C and F), made
 * into tables that are asked once for a symbol, its extra bits and more.
 *
 * A table is asked with the next bits of the stream.  An answer holds as many whole symbols, each
 * with its extra bits, as fit into those bits: what a symbol means is worked out when the table is
 * made, and never while a picture is decoded.  Symbols that fit nowhere are decoded step by step.
 */
#ifndef STK_JPEG_HUFFMAN_H
#define STK_JPEG_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JPEG_CODE_BITS_MAX = 16,
    JPEG_SYMBOLS_MAX = 256,
    JPEG_DC_BITS = 10, /* the bits that each table is asked with */
    JPEG_SINGLE_BITS = 12,
    JPEG_PAIR_BITS = 10,
    JPEG_SKIP_BITS = 11,
    JPEG_BLOCK_END = 128,  /* in an answer's advance: the block's end, or not an answer at all */
    JPEG_CODE_ALONE = 128, /* in a single symbol's bits */
    JPEG_TABLES_KEPT = 8,  /* of each class */
};

/* Codes as a file gives them. */
struct jpeg_codes {
    uint8_t counts[JPEG_CODE_BITS_MAX]; /* of each length, from 1 bit up */
    uint8_t symbols[JPEG_SYMBOLS_MAX];  /* in the codes' order; those that have none are 0 */
};

/* A symbol with its extra bits.  Where these do not fit into what was asked, value is their number,
 * and bits the code's with JPEG_CODE_ALONE; where the code does not, bits is 0. */
struct jpeg_single {
    int16_t value;   /* of the coefficient; 0 for a run alone */
    uint8_t advance; /* coefficients from the one before to this one, or JPEG_BLOCK_END */
    uint8_t bits;
};

/* One coefficient or two; a single one is named twice. */
struct jpeg_pair {
    int16_t value[2];
    uint8_t first;   /* coefficients from the one before to the first */
    uint8_t advance; /* to the second; with JPEG_BLOCK_END the block may end here: see kind */
    uint8_t bits;
    uint8_t kind; /* enum jpeg_pair_kind */
};

enum jpeg_pair_kind {
    JPEG_PAIR_GOES_ON,
    JPEG_PAIR_END,  /* a coefficient and the end of the block, or that alone: then the value is 0 */
    JPEG_PAIR_NONE, /* ask for a single symbol */
};

/* What is to be left out: as many symbols as fit, and how far they lead. */
struct jpeg_skip {
    uint8_t advance; /* with JPEG_BLOCK_END behind them the block ends */
    uint8_t bits;    /* 0: ask for a single symbol */
};

/* The codes by their lengths, for those that do not fit into a table. */
struct jpeg_ladder {
    uint32_t limit[JPEG_CODE_BITS_MAX + 2]; /* 16 bits from here on are no code of this length */
    int32_t offset[JPEG_CODE_BITS_MAX + 1]; /* from a code of a length to its place in symbols */
    uint8_t symbols[JPEG_SYMBOLS_MAX];
};

struct jpeg_dc {
    struct jpeg_codes codes;
    struct jpeg_ladder ladder;
    uint64_t used; /* when it was asked for last */
    struct jpeg_single single[1 << JPEG_DC_BITS];
};

struct jpeg_ac {
    struct jpeg_codes codes;
    struct jpeg_ladder ladder;
    uint64_t used;
    struct jpeg_pair pair[1 << JPEG_PAIR_BITS];
    struct jpeg_skip skip[1 << JPEG_SKIP_BITS];
    struct jpeg_single single[1 << JPEG_SINGLE_BITS];
};

/* Tables that were made, by what they were made of: most files of a data set have the same. */
struct jpeg_tables {
    struct jpeg_dc dc[JPEG_TABLES_KEPT];
    struct jpeg_ac ac[JPEG_TABLES_KEPT];
    uint64_t clock;
};

/** How far the symbol of an AC code leads: coefficients, or JPEG_BLOCK_END. */
uint8_t jpeg_symbol_advance(uint8_t symbol);

/**
 * Find the table of a file's codes, or make it in the place of the one that was longest not asked
 * for.
 *
 *   tables   zeros at first
 *
 * Owns:    nothing; the table stays for JPEG_TABLES_KEPT - 1 further calls at least.
 * Returns: the table, or NULL where the codes are none: too many, one of all ones, or for DC a
 *          symbol above 15.
 * Threads: one at a time.  Blocks: no.  Allocates: no.
 */
const struct jpeg_dc *jpeg_tables_dc(struct jpeg_tables *tables, const struct jpeg_codes *codes);
const struct jpeg_ac *jpeg_tables_ac(struct jpeg_tables *tables, const struct jpeg_codes *codes);

#endif
