/*
 * Waits: see waits.h.
 */
#include "client/command/waits.h"

#include <math.h>

enum { SUB_BITS = 5, SUBS = 1 << SUB_BITS };

/* Below SUBS a bucket is a nanosecond; above, the leading bit and the five behind it choose. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < SUBS)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
    return (shift + 1) * SUBS + (unsigned)(ns >> shift) % SUBS;
}

/* The largest time of a bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < SUBS)
        return bucket;
    unsigned shift = bucket / SUBS - 1;
    uint64_t start = (uint64_t)(SUBS + bucket % SUBS) << shift;
    return start + ((uint64_t)1 << shift) - 1;
}

void waits_add(struct waits *waits, uint64_t ns)
{
    waits->count++;
    waits->buckets[bucket_of(ns)]++;
}

void waits_merge(struct waits *waits, const struct waits *from)
{
    waits->count += from->count;
    for (unsigned i = 0; i < WAITS_BUCKETS; i++)
        waits->buckets[i] += from->buckets[i];
}

uint64_t waits_quantile(const struct waits *waits, double share)
{
    uint64_t rank = (uint64_t)ceil(share * (double)waits->count);
    uint64_t counted = 0;
    for (unsigned i = 0; i < WAITS_BUCKETS && waits->count > 0; i++) {
        counted += waits->buckets[i];
        if (counted > 0 && counted >= rank)
            return bucket_end(i);
    }
    return 0;
}
