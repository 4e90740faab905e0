/*
 * Wants: which batches a client will come to, and how soon, as far as its requests tell.
 *
 * A trainer goes through a stream's epochs in order and by a stride, its world.  So where it stands
 * says what it has passed and what is ahead of it.  A wrong guess costs a batch that is made again,
 * never a byte of one.  The loop's thread only.
 */
#ifndef STK_WANT_H
#define STK_WANT_H

#include <sys/queue.h>

#include "daemon/batch/batch.h"

#define WANT_NEVER UINT64_MAX

struct want {
    const struct stream *stream; /* only its identity is used */
    enum stk_unmixed unmixed;
    uint64_t steps;          /* of the last one's epoch; 0: nothing was asked for yet */
    struct stk_address last; /* what it was given last */
    uint64_t stride;         /* divides every stride since the epoch began; 0: there was none yet */
    LIST_ENTRY(want) entry;  /* the cache's */
};

/**
 * A client was given an address of the stream.
 *
 *   steps   of that epoch, >= 1
 *
 * Blocks: no.  Allocates: no.
 */
void want_note(struct want *want, struct stk_address address, uint64_t steps);

/** How many requests later the client will ask for a batch; WANT_NEVER where it has passed it or
 *  will pass it by. */
uint64_t want_distance(const struct want *want, const struct batch *batch);

#endif
