/*
 * CHECK: a programmer's error ends the process, in every build.
 *
 * For broken invariants alone.  Bad input, a full disk or no memory are statuses, never a CHECK.
 */
#ifndef STK_CHECK_H
#define STK_CHECK_H

#include <stdio.h>
#include <stdlib.h>

/** Abort with the condition's text and place unless it holds.  Threads: any. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: CHECK(%s) failed\n", __FILE__, __LINE__, __func__,         \
                    #condition);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
