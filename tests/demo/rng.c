/*
 * Random draws and noise: SplitMix64's finaliser over a counter, and value noise over a grid.
 */
#include "tests/demo/rng.h"

#include "tests/demo/arith.h"

/* Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014. */
static uint64_t scramble(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return bits ^ (bits >> 31);
}

void rng_init(struct rng *rng, uint32_t class, uint32_t number)
{
    rng->key = scramble((uint64_t) class << 32 | number);
    rng->counter = 0;
}

uint32_t rng_bits(struct rng *rng)
{
    rng->counter++;
    return (uint32_t)(scramble(rng->key + rng->counter * 0x9e3779b97f4a7c15u) >> 32);
}

uint32_t rng_below(struct rng *rng, uint32_t count)
{
    return (uint32_t)((uint64_t)rng_bits(rng) * count >> 32);
}

float rng_between(struct rng *rng, float low, float high)
{
    float unit = (float)(rng_bits(rng) >> 8) * (1.0f / 16777216.0f);
    return low + unit * (high - low);
}

bool rng_chance(struct rng *rng, float probability)
{
    return rng_between(rng, 0.0f, 1.0f) < probability;
}

static float noise_unit(uint32_t seed, int32_t x, int32_t y)
{
    return (float)(noise_bits(seed, x, y) >> 8) * (1.0f / 16777216.0f);
}

float noise_smooth(uint32_t seed, float x, float y)
{
    int32_t column = floor_of(x);
    int32_t row = floor_of(y);
    float right = smooth_step(x - (float)column);
    float below = smooth_step(y - (float)row);
    float upper = mix_of(noise_unit(seed, column, row), noise_unit(seed, column + 1, row), right);
    float lower =
        mix_of(noise_unit(seed, column, row + 1), noise_unit(seed, column + 1, row + 1), right);
    return mix_of(upper, lower, below);
}

float noise_cloud(uint32_t seed, float x, float y, unsigned octaves)
{
    float sum = 0.0f;
    float weight = 1.0f;
    float total = 0.0f;
    for (unsigned i = 0; i < octaves; i++) {
        sum += weight * noise_smooth(seed + i, x, y);
        total += weight;
        weight *= 0.5f;
        x *= 2.0f;
        y *= 2.0f;
    }
    return sum / total;
}
