/*
 * An axis: how one side of a box becomes one side of a resized picture.
 *
 * Pillow's weights with antialias: a filter's values in double, made to add up to 1, then 22-bit
 * fixed point; those of BICUBIC and LANCZOS may be negative.  Weights that became 0 at either end
 * are left out, so an axis also says which source pixels are needed at all.  NEAREST has one weight
 * of 1 an output, and so has every filter where a side keeps its length, which leaves every byte as
 * it is; Pillow skips that pass to the same effect.
 */
#ifndef STK_AXIS_H
#define STK_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/recipe.h"
#include "proto/status.h"

enum {
    AXIS_PRECISION_BITS = 32 - 8 - 2, /* a weight of 1 << AXIS_PRECISION_BITS is all */
    /* What the absolute values of an output's weights add up to at most: 1.75.  Lanczos at the edge
     * of a side of four pixels comes to 1.57; check_axis.c looks at every small side. */
    AXIS_WEIGHTS_MAX = 7 << (AXIS_PRECISION_BITS - 2),
};

struct axis {
    uint32_t count; /* outputs: the window's side */
    uint32_t taps;  /* room for so many weights an output; those past used are undefined */
    uint32_t first; /* source pixels needed: first .. end - 1, counted from the box's edge */
    uint32_t end;
    uint32_t *start; /* [count] the first source pixel of an output, counted from first */
    uint32_t *used;  /* [count] how many source pixels it takes, 1 .. taps */
    int32_t *weight; /* [count, taps] an output's add up to 1 << AXIS_PRECISION_BITS, but for
                      * half a unit of rounding each; or are one 0, as in Pillow, where a filter
                      * meets no pixel */
    double *exact;   /* [taps] one output's weights, before they become fixed point */
    size_t counts_max;
    size_t weights_max;
    size_t exact_max;
};

/**
 * Compute the weights of a window's side.
 *
 *   axis            initialised with zeros before its first use
 *   filter          what weighs
 *   source          pixels of the box's side, 1 or more
 *   resized         pixels that the box's side becomes, 1 or more
 *   window, count   of those, outputs window .. window + count - 1 are wanted
 *   mirrored        output 0 is the window's last
 *
 * Owns:    axis owns its arrays; axis_release gives them back.
 * Returns: STK_OK or STK_MEMORY; after the latter the axis can only be set again or released.
 * Threads: one at a time.  Blocks: no.  Allocates: to grow, never in steady state.
 * Source:  precompute_coeffs and normalize_coeffs_8bpc of Pillow 9.4's Resample.c; for NEAREST
 *          ImagingScaleAffine of its Geometry.c.
 */
STK_MUST_CHECK enum stk_status axis_set(struct axis *axis, enum interpolation filter,
                                        uint32_t source, uint32_t resized, uint32_t window,
                                        uint32_t count, bool mirrored);

/**
 * The source pixels that axis_set would find to be needed, and perhaps some more on either side.
 *
 *   first, end   set: pixels first .. end - 1, counted from the box's edge
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
void axis_extent(enum interpolation filter, uint32_t source, uint32_t resized, uint32_t window,
                 uint32_t count, uint32_t *first, uint32_t *end);

/** Give an axis's arrays back. */
void axis_release(struct axis *axis);

/** An upper bound of the weights that one output needs. */
uint32_t axis_taps_max(enum interpolation filter, uint32_t source, uint32_t resized);

/** An upper bound of the memory of an axis. */
size_t axis_bytes_max(enum interpolation filter, uint32_t source, uint32_t resized, uint32_t count);

#endif
