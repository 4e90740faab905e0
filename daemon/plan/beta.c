/*
 * Beta(alpha, alpha): the two methods behind beta.h.
 */
#include "daemon/plan/beta.h"

#include <math.h>
#include <stdbool.h>

#include "daemon/plan/exact.h"

/* A point in the unit disc gives an angle and, in its squared radius s, an independent uniform. */
static bool try_ulrich(double u, double v, double alpha, double *value)
{
    double x = 2.0 * u - 1.0;
    double y = 2.0 * v - 1.0;
    double s = x * x + y * y;
    if (s > 1.0)
        return false;
    double power = exact_exp(exact_log(s) * (2.0 / (2.0 * alpha - 1.0)));
    *value = 0.5 + x * y / s * sqrt(1.0 - power);
    return true;
}

/* X = U^(1/alpha), Y = V^(1/alpha), accepted if X + Y <= 1; the value is X / (X + Y). */
static bool try_joehnk(double u, double v, double alpha, double *value)
{
    double log_x = exact_log(u) / alpha;
    double log_y = exact_log(v) / alpha;
    if (exact_exp(log_x) + exact_exp(log_y) > 1.0)
        return false;
    double larger = log_x > log_y ? log_x : log_y;
    double x = exact_exp(log_x - larger);
    double y = exact_exp(log_y - larger);
    *value = x / (x + y);
    return true;
}

double beta_draw(const struct rng *rng, double alpha)
{
    double value = 0.5;
    for (uint32_t i = 0; i < BETA_TRIES; i++) {
        uint32_t words[4];
        rng_block(rng, i, words);
        double u = rng_unit52(words[0], words[1]);
        double v = rng_unit52(words[2], words[3]);
        if (alpha > 0.5 ? try_ulrich(u, v, alpha, &value) : try_joehnk(u, v, alpha, &value))
            break;
    }
    return value;
}
