/*
 * Sentences: what failed, for a person, in the caller's storage.  No state; any thread.
 *
 * Private to libstoker.  Its functions carry stk_ all the same: a static library shares its
 * names with the program around it.
 */
#ifndef STK_FAIL_H
#define STK_FAIL_H

#include "proto/status.h"

/**
 * Write a sentence about a failure and hand its status on, so that failing is one return.
 *
 *   error    STK_ERROR_BYTES of storage, or NULL; a longer sentence is cut.  What no terminal
 *            should see becomes '?', since parts come from a peer
 *   format   printf's; its arguments must not point into error
 *
 * Returns: status.
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
__attribute__((format(printf, 3, 4))) enum stk_status stk_fail(char *error, enum stk_status status,
                                                               const char *format, ...);

#endif
