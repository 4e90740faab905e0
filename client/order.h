/*
 * The order: which addresses a rank takes, one after another, over epochs.
 *
 * The first epoch starts at the group's step S: rank r of W takes S + r, S + r + W, ...; epochs
 * behind it start at 0.  So a group that resumes with another W goes on at the same global step,
 * and together its ranks take each step once.  How many steps an epoch has, its phase says.  Pure:
 * no client, no clock; any thread.
 * Private to libstoker.
 */
#ifndef STK_ORDER_H
#define STK_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

struct stk_order {
    const struct stk_stream_info *info; /* borrowed: last, and the steps of every epoch */
    uint32_t rank;                      /* < world */
    uint32_t world;
    uint64_t epoch_end; /* the first epoch that is not delivered; 2^32 means without end */
    uint64_t epoch;     /* where we are; reaches epoch_end at the end */
    uint64_t base;      /* the group's first step in this epoch, <= its steps */
    uint64_t taken;     /* steps of this epoch that were taken, <= count of base */
};

/**
 * Set an order to its start.
 *
 *   info     borrowed; must outlive the order
 *   start    the group's next step; a step equal to steps is the end of that epoch
 *   epochs   to deliver, start's included; 0: without end
 *
 * Returns: STK_OK
 *          STK_RANGE   start lies behind the epoch's end, or an epoch that is to be delivered has
 *                      no step for this rank: fewer steps than world (with last = partial only
 *                      where that never ends; never with mask)
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status stk_order_init(struct stk_order *order,
                                              const struct stk_stream_info *info, uint32_t rank,
                                              uint32_t world, struct stk_address start,
                                              uint32_t epochs);

/** Go to another place; STK_RANGE where it lies behind the epoch's end (nothing changed). */
STK_MUST_CHECK enum stk_status stk_order_seek(struct stk_order *order, struct stk_address place);

/** Take the next address; false where every epoch is through.  Threads: the owner's. */
bool stk_order_next(struct stk_order *order, struct stk_address *address);

/** Steps that this rank takes of place's epoch, which the group enters there; step 0 .. steps. */
uint64_t stk_order_count(const struct stk_order *order, struct stk_address place);

/** The group's next step once this rank has taken an address: what to save in a checkpoint. */
struct stk_address stk_order_after(const struct stk_order *order, struct stk_address taken);

#endif
