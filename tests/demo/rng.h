/*
 * Random draws and noise: every value is a function of a key and a counter, in integers.
 *
 * A picture's key is its class and number, so one picture can be drawn again without the others.
 * C leaves the order open in which arguments and initialisers are evaluated: a statement holds one
 * draw at most, or the pictures depend on the compiler.  No state but the caller's; any thread.
 */
#ifndef STK_DEMO_RNG_H
#define STK_DEMO_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t key;
    uint64_t counter; /* draws so far */
};

/** Start the draws of one picture. */
void rng_init(struct rng *rng, uint32_t class, uint32_t number);

/** 32 random bits. */
uint32_t rng_bits(struct rng *rng);

/** Uniform in 0 .. count - 1; count >= 1. */
uint32_t rng_below(struct rng *rng, uint32_t count);

/** Uniform in [low, high). */
float rng_between(struct rng *rng, float low, float high);

/** True with a probability. */
bool rng_chance(struct rng *rng, float probability);

/** 32 bits that belong to a point of the integer grid. */
static inline uint32_t noise_bits(uint32_t seed, int32_t x, int32_t y)
{
    uint32_t bits = seed ^ (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u;
    bits = (bits ^ (bits >> 15)) * 0x846ca68bu;
    return bits ^ (bits >> 16);
}

/** Smooth noise, 0 .. 1, that changes over a distance of 1. */
float noise_smooth(uint32_t seed, float x, float y);

/** Smooth noise in octaves (each twice as fine and half as strong), 0 .. 1. */
float noise_cloud(uint32_t seed, float x, float y, unsigned octaves);

#endif
