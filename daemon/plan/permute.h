/*
 * A keyed permutation of [0, n), computed at any position in O(1) time and memory.
 *
 * An alternating Feistel network on the smallest power of two that holds n, walked until the value
 * falls inside [0, n): at most 2 walks on average.  10^9 samples cost what 10^3 cost.
 * Plain data; any thread.
 */
#ifndef STK_PERMUTE_H
#define STK_PERMUTE_H

#include <stdint.h>

#include "daemon/base/rng.h"

enum { PERMUTE_ROUNDS = 16 };

struct permute {
    uint64_t n;
    unsigned low_bits;
    uint64_t low_mask;
    uint64_t high_mask;
    uint64_t keys[PERMUTE_ROUNDS];
};

/**
 * Key a permutation.
 *
 *   rng   seed, epoch, purpose and position that the round keys are drawn from
 *   n     1 .. 2^62
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: Black and Rogaway, Ciphers with arbitrary finite domains (2002); PROTOCOL.md, "plan 1".
 */
void permute_init(struct permute *permute, const struct rng *rng, uint64_t n);

/** Where position x, 0 .. n - 1, goes.  Threads: any.  Blocks: no. */
uint64_t permute_at(const struct permute *permute, uint64_t x);

#endif
