/*
 * The keyed permutation behind permute.h.
 */
#include "daemon/plan/permute.h"

#include "daemon/base/check.h"

void permute_init(struct permute *permute, const struct rng *rng, uint64_t n)
{
    CHECK(n >= 1 && n <= UINT64_C(1) << 62);
    unsigned bits = 2;
    while (bits < 62 && UINT64_C(1) << bits < n)
        bits++;
    permute->n = n;
    permute->low_bits = bits / 2;
    permute->low_mask = (UINT64_C(1) << (bits / 2)) - 1;
    permute->high_mask = (UINT64_C(1) << (bits - bits / 2)) - 1;
    for (uint32_t i = 0; i < PERMUTE_ROUNDS / 2; i++) {
        uint32_t words[4];
        rng_block(rng, i, words);
        permute->keys[2 * i] = (uint64_t)words[1] << 32 | words[0];
        permute->keys[2 * i + 1] = (uint64_t)words[3] << 32 | words[2];
    }
}

static uint64_t walk(const struct permute *permute, uint64_t x)
{
    uint64_t low = x & permute->low_mask;
    uint64_t high = x >> permute->low_bits;
    for (int round = 0; round < PERMUTE_ROUNDS; round += 2) {
        high ^= rng_scramble(low + permute->keys[round]) & permute->high_mask;
        low ^= rng_scramble(high + permute->keys[round + 1]) & permute->low_mask;
    }
    return high << permute->low_bits | low;
}

uint64_t permute_at(const struct permute *permute, uint64_t x)
{
    CHECK(x < permute->n);
    do {
        x = walk(permute, x);
    } while (x >= permute->n);
    return x;
}
