/*
 * The clock: monotonic nanoseconds, for measuring spans.  Any thread.
 */
#ifndef STK_CLOCK_H
#define STK_CLOCK_H

#include <stdint.h>
#include <time.h>

/** Nanoseconds since an arbitrary start; never steps back.  Threads: any.  Blocks: no. */
static inline uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
