/*
 * exp and log: the series behind exact.h.
 */
#include "daemon/plan/exact.h"

#include <math.h>

#define LN2 0x1.62e42fefa39efp-1
#define SQRT_HALF 0x1.6a09e667f3bcdp-1

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
    for (int n = 23; n >= 1; n -= 2)
        sum = sum * z + 1.0 / n;
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
