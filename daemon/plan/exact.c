/*
 * exp and log: the series behind exact.h.
 */
#include "daemon/plan/exact.h"

#include <math.h>
#include <stddef.h>

#define LN2 0x1.62e42fefa39efp-1
#define SQRT_HALF 0x1.6a09e667f3bcdp-1

/* 1 / n for the odd n of atanh's series, from 23 down. */
static const double reciprocals[] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                     1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};

/* x = m * 2^e with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh((m - 1) / (m + 1)). */
double exact_log(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < SQRT_HALF) {
        m = m * 2.0;
        e = e - 1;
    }
    double s = (m - 1.0) / (m + 1.0);
    double z = s * s;
    double sum = 0.0;
    for (size_t i = 0; i < sizeof reciprocals / sizeof reciprocals[0]; i++)
        sum = sum * z + reciprocals[i];
    return e * LN2 + 2.0 * s * sum;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2; exp r by its Taylor series. */
double exact_exp(double x)
{
    if (x < -708.0)
        return 0.0;
    double k = floor(x / LN2 + 0.5);
    double r = x - k * LN2;
    double sum = 1.0;
    for (int n = 14; n >= 1; n--)
        sum = 1.0 + sum * r / n;
    return ldexp(sum, (int)k);
}
