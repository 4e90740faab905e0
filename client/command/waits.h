/*
 * Waits: a histogram of times whose memory does not grow with a run.
 *
 * A bucket is 1/32 of a power of two wide, so a quantile is at most 3 % too high.  Not shared: one
 * thread fills it, and another reads it when that has ended.
 */
#ifndef STK_WAITS_H
#define STK_WAITS_H

#include <stdint.h>

enum { WAITS_BUCKETS = 60 * 32 };

struct waits {
    uint64_t count;
    uint64_t buckets[WAITS_BUCKETS];
};

/** Count a time. */
void waits_add(struct waits *waits, uint64_t ns);

/** Add the counts of another one. */
void waits_merge(struct waits *waits, const struct waits *from);

/** The time that a share of all times, 0 .. 1, does not exceed; 0 where none was counted. */
uint64_t waits_quantile(const struct waits *waits, double share);

#endif
