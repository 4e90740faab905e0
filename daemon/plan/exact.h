/*
 * exp and log that give the same bits on every machine.
 *
 * libm's differ in the last bit between libraries and processors, and a last bit can move a crop by
 * a pixel.  These use + - * / alone, in a fixed order, and are compiled without contraction, so
 * that IEEE 754 decides every bit.  Error below 4 units in the last place.  PROTOCOL.md has the
 * steps.  No state; any thread.
 */
#ifndef STK_EXACT_H
#define STK_EXACT_H

/** The natural logarithm of x, 0 < x < infinity.  Threads: any. */
double exact_log(double x);

/** e to the power of x; 0 below -708, x at most 708.  Threads: any. */
double exact_exp(double x);

#endif
