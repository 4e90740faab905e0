/*
 * Filters: how much a source pixel counts for an output, as a function of their distance.
 *
 * Pillow's, operation by operation in double, so that every weight has the same bits.  Lanczos
 * needs a sine; libm's differ among libraries and processors, so it has its own, of + - * / alone,
 * and its weights are Pillow's when they are fixed point.
 * No state; any thread.
 */
#ifndef STK_FILTER_H
#define STK_FILTER_H

#include <stdint.h>

#include "config/recipe.h"

/** The distance at which a filter ends, in source pixels where the picture does not shrink; 0
 *  of INTERPOLATION_NEAREST, which weighs nothing. */
double filter_support(enum interpolation filter);

/**
 * What neighbouring source pixels count for an output, before they are made to add up to 1.
 *
 *   filter        not INTERPOLATION_NEAREST
 *   first, count  source pixels first .. first + count - 1
 *   center        of the output, in source pixels
 *   inverse       1 / source pixels that the filter's unit of distance spans
 *   values        [count]
 *
 * Returns: the sum of the values, added in order.
 * Threads: any.  Blocks: no.  Allocates: no.
 * Source:  the filters of Pillow 9.4's Resample.c.
 */
double filter_fill(enum interpolation filter, uint32_t first, uint32_t count, double center,
                   double inverse, double *values);

/** The sine of x, 0 <= x < 10, the same on every machine.  Error below 2 units in the last place
 *  of 1.  PROTOCOL.md has the steps.  Threads: any. */
double filter_sin(double x);

#endif
