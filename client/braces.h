/*
 * Braces: "tcp://node{1..4}:{7654,7655}" to the texts that it stands for.
 *
 * What a shell's braces do, as far as it makes sense for endpoints: {1..4} counts up, with as many
 * digits as the first number has ({08..12}); {a,b} lists.  Several groups give every combination,
 * the last group changing first.  No state; any thread.  Private to libstoker.
 */
#ifndef STK_BRACES_H
#define STK_BRACES_H

#include <stddef.h>

#include "proto/status.h"

enum { STK_BRACES_BYTES = 280 }; /* storage for a text without braces, its end mark included */

/* Takes one text without braces; anything but STK_OK ends the expansion. */
typedef enum stk_status stk_braces_fn(void *context, const char *text, size_t len, char *error);

/**
 * Call a function with each text, in order.
 *
 *   text       len bytes
 *   take       called at least once where the text makes sense; bounds how many are made
 *   error      STK_ERROR_BYTES of storage, or NULL: the group that makes no sense, and its text
 *
 * Returns: STK_OK; STK_INVALID where a group is not closed, is neither a range nor a list, counts
 *          down, or makes a text too long; or what take returned.
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status stk_braces_expand(const char *text, size_t len, stk_braces_fn *take,
                                                 void *context, char *error);

#endif
