/*
 * Walk a stranger's bytes before msgpack unpacks them.
 *
 * msgpack's unpacker reserves memory on the sender's word: five bytes can ask for 8 GiB.  What this
 * walk accepts is one whole value whose every count and length is covered by the bytes that are
 * really there.  No state; any thread.
 */
#ifndef STK_WALK_H
#define STK_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/status.h"

enum { STK_KEYS_MAX = 64 }; /* of one map */

/**
 * Whether len bytes are exactly one msgpack map as PROTOCOL.md allows it.
 *
 * Owns:    nothing.
 * Returns: STK_OK
 *          STK_INVALID  cut short, something behind the end, not a map, a key that is no text or
 *                       stands twice, a text that is not UTF-8
 *          STK_LIMIT    deeper than STK_DEPTH_MAX, or a map with more than STK_KEYS_MAX keys
 * Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status stk_walk(const void *bytes, size_t len);

#endif
