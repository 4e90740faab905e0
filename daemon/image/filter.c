/*
 * Filters: four curves, and the sine for the last of them.
 */
#include "daemon/image/filter.h"

#include <math.h>
#include <stddef.h>

/* Pi, and pi again in two parts: a multiple of the first, which has 33 bits, is exact. */
#define PI 0x1.921fb54442d18p+1
#define PI_HIGH 0x1.921fb544p+1
#define PI_LOW 0x1.0b4611a626331p-33

/* 1 / n! for the odd n of the sine's series, from 21 down; every n! is exact. */
static const double reciprocals[] = {
    1.0 / 51090942171709440000.0,
    1.0 / 121645100408832000.0,
    1.0 / 355687428096000.0,
    1.0 / 1307674368000.0,
    1.0 / 6227020800.0,
    1.0 / 39916800.0,
    1.0 / 362880.0,
    1.0 / 5040.0,
    1.0 / 120.0,
    1.0 / 6.0,
};

/* x = k pi + r with |r| <= pi / 2; sin r by its Taylor series. */
double filter_sin(double x)
{
    int k = (int)(x / PI + 0.5);
    double r = (x - k * PI_HIGH) - k * PI_LOW;
    double z = r * r;
    double sum = 0.0;
    for (size_t i = 0; i < sizeof reciprocals / sizeof reciprocals[0]; i++)
        sum = reciprocals[i] - z * sum;
    double sine = r - r * (z * sum);
    return k % 2 == 0 ? sine : -sine;
}

static inline double sinc(double x)
{
    if (x == 0.0)
        return 1.0;
    x = fabs(x) * PI;
    return filter_sin(x) / x;
}

static inline double lanczos(double x)
{
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

static inline double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
}

static inline double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static inline double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

double filter_support(enum interpolation filter)
{
    static const double support[] = {
        [INTERPOLATION_BILINEAR] = 1.0, [INTERPOLATION_BICUBIC] = 2.0, [INTERPOLATION_BOX] = 0.5,
        [INTERPOLATION_LANCZOS] = 3.0,  [INTERPOLATION_NEAREST] = 0.0,
    };
    return support[filter];
}

/* The curve is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) double fill(double (*curve)(double), uint32_t first,
                                                         uint32_t count, double center,
                                                         double inverse, double *values)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = curve(((int)(i + first) - center + 0.5) * inverse);
        sum += values[i];
    }
    return sum;
}

double filter_fill(enum interpolation filter, uint32_t first, uint32_t count, double center,
                   double inverse, double *values)
{
    switch (filter) {
    case INTERPOLATION_BILINEAR:
        return fill(bilinear, first, count, center, inverse, values);
    case INTERPOLATION_BICUBIC:
        return fill(bicubic, first, count, center, inverse, values);
    case INTERPOLATION_BOX:
        return fill(box, first, count, center, inverse, values);
    case INTERPOLATION_LANCZOS:
        return fill(lanczos, first, count, center, inverse, values);
    case INTERPOLATION_NEAREST:
        break;
    }
    return 0.0;
}
