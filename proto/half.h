/*
 * Halves: IEEE 754 binary16 (f16) and bfloat16 (bf16) in plain C.
 *
 * The reference for what the processor's own conversions are held to.  Encoding rounds once, to
 * nearest, ties to even, from a double, so that a float, which is a double, is rounded as well as
 * the result of a computation in double.  Beyond the largest number it gives infinity, below the
 * smallest normal one subnormal numbers, and zero with its sign.  NaN stays NaN: sign and the first
 * bits of its payload are kept, and it is quiet.  No state; any thread.
 */
#ifndef STK_HALF_H
#define STK_HALF_H

#include <stdint.h>

/** The binary16 nearest to a number. */
uint16_t stk_f16_encode(double value);

/** The number that a binary16 is. */
float stk_f16_decode(uint16_t half);

/** The bfloat16 nearest to a number. */
uint16_t stk_bf16_encode(double value);

/** The number that a bfloat16 is: the upper half of a float. */
float stk_bf16_decode(uint16_t half);

#endif
