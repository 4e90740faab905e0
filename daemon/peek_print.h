/*
 * What stands in the slots of a batch, as JSON, for somebody who looks at it.
 */
#ifndef STK_PEEK_PRINT_H
#define STK_PEEK_PRINT_H

#include "daemon/base/buffer.h"
#include "daemon/peek.h"

/**
 * Print a batch: its shape, and count slots from first on, fewer where it has fewer, or where
 * patience ends behind the first.  Each of their pictures is made, since only so it is known what
 * was replaced.
 *
 *   address   plan_has_step
 *   first     below the batch's plan_count
 *   reason    PEEK_REASON_BYTES of storage: why it failed
 *
 * Returns: STK_OK, or what peek_plan and peek_make return.
 * Threads: the peek's.  Blocks: on the file system.  Allocates: the buffer, and rows of a target.
 */
STK_MUST_CHECK enum stk_status peek_print_batch(struct peek *peek, const struct stream *stream,
                                                struct stk_address address, uint32_t first,
                                                uint32_t count, struct buffer *buffer,
                                                char *reason);

/** An upper bound of what it allocates for a target, for the memory plan. */
size_t peek_print_bytes_max(struct stream *const *streams, size_t count);

#endif
