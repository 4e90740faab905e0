/*
 * Arithmetic that gives the same bits on every machine: the polynomials.
 */
#include "tests/demo/arith.h"

float sine_of(float turns)
{
    float t = turns - (float)floor_of(turns);
    /* The sine rises over -1/4 .. 1/4; the other half of the circle mirrors it. */
    if (t > 0.75f)
        t -= 1.0f;
    else if (t > 0.25f)
        t = 0.5f - t;
    float s = t * t;
    /* Taylor's series of sin(2 pi t), nine terms. */
    return t *
           (6.2831853f + s * (-41.341702f + s * (81.605249f + s * (-76.705860f + s * 42.058694f))));
}

float cosine_of(float turns)
{
    return sine_of(turns + 0.25f);
}

/* Abramowitz and Stegun, 4.4.49, over 2 pi: the angle whose tangent is t, 0 .. 1. */
static float arc_tangent(float t)
{
    float s = t * t;
    float radians = t * (0.9998660f +
                         s * (-0.3302995f + s * (0.1801410f + s * (-0.0851330f + s * 0.0208351f))));
    return radians * 0.15915494f;
}

float angle_of(float x, float y)
{
    float across = fabsf(x);
    float up = fabsf(y);
    float longer = across > up ? across : up;
    if (longer == 0.0f)
        return 0.0f;
    float angle = across > up ? arc_tangent(up / across) : 0.25f - arc_tangent(across / up);
    if (x < 0.0f)
        angle = 0.5f - angle;
    return y < 0.0f ? -angle : angle;
}

float geometric_of(float low, float high, float share)
{
    float value = low;
    float factor = high / low;
    float rest = share;
    /* The share's binary digits: 1/2 is one square root of the ratio, 1/4 two, and so on. */
    for (int digit = 0; digit < 8; digit++) {
        factor = sqrtf(factor);
        rest *= 2.0f;
        if (rest >= 1.0f) {
            rest -= 1.0f;
            value *= factor;
        }
    }
    return value;
}
