/*
 * Buckets: how often each of many addresses may do something, and all of them together.
 *
 * Each address has a bucket of tokens, which fills with time and of which every turn takes one.  A
 * full bucket is as good as none; so there is no row for an address that was quiet, and where rows
 * are short, the one that is full soonest makes room.  It knows no clock and no sockets.
 */
#ifndef STK_BUCKETS_H
#define STK_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BUCKETS_SETS = 256, /* by the address's hash */
    BUCKETS_WAYS = 4,   /* rows of a set */
    /* All addresses together may take as many turns as so many, so that one alone cannot take away
     * those of all others. */
    BUCKETS_ADDRESSES = 4,
};

/* Who takes turns: an IPv4 address, the first 64 bits of an IPv6 address, or a user's number. */
struct bucket_owner {
    uint64_t number;
    uint32_t kind; /* numbers of different kinds are different owners */
};

struct bucket {
    struct bucket_owner owner;
    uint64_t full_ns; /* when it is full again; not after now: it is, and the row is unused */
};

struct bucket_law {
    uint64_t token_ns; /* of time makes a token; 0: nothing is limited */
    uint64_t depth_ns; /* makes a bucket full */
};

struct buckets {
    struct bucket rows[BUCKETS_SETS][BUCKETS_WAYS];
    uint64_t full_ns; /* of the bucket of all together */
};

/**
 * Take a token of an owner and one of all together.
 *
 *   buckets   zeroed at first
 *   law       may be another one in each call
 *   now_ns    of a clock that never steps back
 *
 * Owns: nothing.  Returns: whether both were there; neither is taken where one was not.
 * Threads: one.  Blocks: no.  Allocates: no.
 */
bool buckets_take(struct buckets *buckets, const struct bucket_law *law, struct bucket_owner owner,
                  uint64_t now_ns);

#endif
