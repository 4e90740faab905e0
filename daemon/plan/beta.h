/*
 * Draws from Beta(alpha, alpha), exact in law for every alpha > 0, the same on every machine.
 * No state; any thread.
 */
#ifndef STK_BETA_H
#define STK_BETA_H

#include "daemon/base/rng.h"

enum { BETA_TRIES = 64 }; /* blocks; all of them fail with probability below 1e-42 */

/**
 * One draw in [0, 1].
 *
 *   rng     where its randomness starts; a block a try
 *   alpha   > 0
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: alpha > 1/2: Ulrich's polar method (Devroye, Non-uniform random variate generation,
 *         IX.4); otherwise Joehnk's (1964), in logarithms so that small powers do not vanish.
 */
double beta_draw(const struct rng *rng, double alpha);

#endif
