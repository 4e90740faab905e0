/*
 * Counter-based random numbers: Philox4x32-10 (Random123).
 *
 * A draw is a pure function of where it is needed; no generator state is carried from sample to
 * sample.  key = seed; counter = (position low, position high, epoch, purpose << 16 | block).
 * No state; any thread.
 */
#ifndef STK_RNG_H
#define STK_RNG_H

#include <stdint.h>

/* What a draw is for.  The numbers are part of `plan 1` and never change. */
enum rng_purpose {
    RNG_SHUFFLE = 1, /* round keys of the epoch's permutation; position 0 */
    RNG_CROP = 2,    /* RandomResizedCrop, a block a try */
    RNG_FLIP = 3,
    RNG_LAMBDA = 4,         /* position, or step where a lambda belongs to a batch */
    RNG_PARTNER = 5,        /* round keys of the batch's permutation; position is the step */
    RNG_REPLACE = 6,        /* the sample that stands in for a corrupt one, a block an attempt */
    RNG_PARTNER_SAMPLE = 7, /* the partner that is drawn from the whole data set, a block a try */
    RNG_MIX_CHOICE = 8,     /* whether to mix, and by which method; at lambda's position */
    RNG_CUT = 9,            /* CutMix's box; likewise */
    RNG_WEIGHTED = 10,      /* a sample drawn with replacement, by weight or by class */
    RNG_SUBSET = 11, /* round keys of the permutation that a subset begins; epoch and position 0 */
    RNG_PAD_CROP = 12,
    RNG_ERASE = 13,       /* whether, and then RandomErasing's box, a block a try */
    RNG_ERASE_NOISE = 14, /* the key of the noise, from which rng_scramble goes on */
};

/* Where the randomness of one thing starts. */
struct rng {
    uint64_t seed;
    uint32_t epoch;
    enum rng_purpose purpose;
    uint64_t position;
};

/**
 * Four independent 32-bit words.
 *
 *   block   which four, 0 .. 65,535
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
 */
void rng_block(const struct rng *rng, uint32_t block, uint32_t words[4]);

/** A word as a number in (0, 1): (word + 0.5) / 2^32.  Exact in a double. */
static inline double rng_unit(uint32_t word)
{
    return ((double)word + 0.5) * 0x1p-32;
}

/** Two words as a number in (0, 1) of 52 bits.  Exact in a double. */
static inline double rng_unit52(uint32_t high, uint32_t low)
{
    uint64_t bits = (uint64_t)(high >> 6) << 26 | low >> 6;
    return ((double)bits + 0.5) * 0x1p-52;
}

/** A word as an integer in [0, n): word * n / 2^32, rounded down.  Bias below n / 2^32. */
static inline uint32_t rng_below(uint32_t word, uint32_t n)
{
    return (uint32_t)((uint64_t)word * n >> 32);
}

/** The upper half of SplitMix64's finaliser: 32 bits that look unrelated to those of z + 1. */
static inline uint32_t rng_scramble(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) >> 32);
}

/** Two words as an integer in [0, n): (high * 2^32 + low) * n / 2^64, rounded down. */
uint64_t rng_below64(uint32_t high, uint32_t low, uint64_t n);

#endif
