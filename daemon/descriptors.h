/*
 * Descriptors: how many connections the limit of this process leaves room for.
 */
#ifndef STK_DESCRIPTORS_H
#define STK_DESCRIPTORS_H

#include <stdint.h>

#include "config/config.h"

/**
 * Lead standard streams that are closed to /dev/null: a socket in the place of one would be sent
 * the log.
 *
 * Returns: STK_OK, or STK_SYSTEM where there is no /dev/null.
 * Threads: main's, before anything is opened.
 */
STK_MUST_CHECK enum stk_status descriptors_fill_standard(void);

/** Raise the soft limit to the hard one, as far as the system lets us.  Threads: main's. */
void descriptors_raise(void);

/**
 * Plan the connections, and log the plan as one line.
 *
 *   config            connections_max, readers and the endpoints that are yet to be bound
 *   connections_max   set on success: how many may be open at once, >= 1
 *   error             CONFIG_ERROR_BYTES of storage for a sentence that says what would do
 *
 * What is open now stays open; the endpoints, every reader and a reserve are added to it.
 *
 * Returns: STK_OK, or STK_CONFIG where the limit does not suffice.
 * Threads: the loop's, before the endpoints are bound.  Blocks: on the log.
 */
STK_MUST_CHECK enum stk_status descriptors_plan(const struct config *config,
                                                uint32_t *connections_max, char *error);

#endif
