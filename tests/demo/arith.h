/*
 * Arithmetic that gives the same bits on every machine.
 *
 * libm's sine and its kin are rounded as each library likes.  Here stand polynomials in plain
 * + - * / and sqrt, which IEEE 754 rounds in one way only.  Angles are in turns: 1 is a full
 * circle.
 */
#ifndef STK_DEMO_ARITH_H
#define STK_DEMO_ARITH_H

#include <math.h>
#include <stdint.h>

struct point {
    float x;
    float y;
};

/** The largest integer that is not above value; |value| < 2^31. */
static inline int32_t floor_of(float value)
{
    int32_t whole = (int32_t)value;
    return whole - ((float)whole > value);
}

/** value, held to low .. high. */
static inline float clamp_of(float value, float low, float high)
{
    float floored = value < low ? low : value;
    return floored > high ? high : floored;
}

/** From a (share 0) to b (share 1). */
static inline float mix_of(float a, float b, float share)
{
    return a + (b - a) * share;
}

/** 0 .. 1 to 0 .. 1 with level ends. */
static inline float smooth_step(float share)
{
    float held = clamp_of(share, 0.0f, 1.0f);
    return held * held * (3.0f - 2.0f * held);
}

static inline float length_of(float x, float y)
{
    return sqrtf(x * x + y * y);
}

/** The sine of an angle in turns, to 4e-6. */
float sine_of(float turns);

/** The cosine of an angle in turns, to 4e-6. */
float cosine_of(float turns);

/** The angle of (x, y) in turns, -0.5 .. 0.5, to 1e-5; 0 at the origin. */
float angle_of(float x, float y);

/** low * (high / low) ^ share for a share of 0 .. 1, to 1 %. */
float geometric_of(float low, float high, float share);

#endif
