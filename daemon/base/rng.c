/*
 * Counter-based random numbers: the only includer of Random123.
 */
#include "daemon/base/rng.h"

#include <Random123/philox.h>

void rng_block(const struct rng *rng, uint32_t block, uint32_t words[4])
{
    philox4x32_ctr_t counter = {{(uint32_t)rng->position, (uint32_t)(rng->position >> 32),
                                 rng->epoch, (uint32_t)rng->purpose << 16 | block}};
    philox4x32_key_t key = {{(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)}};
    philox4x32_ctr_t random = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        words[i] = random.v[i];
}

uint64_t rng_below64(uint32_t high, uint32_t low, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)((uint64_t)high << 32 | low) * n >> 64);
}
