/*
 * The memory plan: what every part may hold, computed from the configuration before anything runs.
 *
 * The parts add up to memory_max; what is left after the fixed ones is for batches.
 */
#ifndef STK_MEMORY_H
#define STK_MEMORY_H

#include "daemon/pipeline.h"
#include "daemon/stream.h"

enum {
    MEMORY_FIXED_BYTES = 48 << 20, /* code, libraries, stacks, libzmq's buffers, requests */
    MEMORY_SLABS_MIN = 2,          /* batches of the largest phase of a stream that must fit */
};

struct memory_plan {
    size_t bytes_max; /* memory_max */
    size_t listing_bytes;
    size_t encoded_bytes;
    size_t decoder_bytes;
    size_t slab_bytes; /* for all batches together */
    size_t slab_bytes_largest;
};

/**
 * Make the plan and log it as one line.
 *
 *   options   the pipeline's threads and limits
 *   streams   count of them
 *   error     CONFIG_ERROR_BYTES of storage for a sentence that says how much would do
 *
 * Returns: STK_OK, or STK_CONFIG where memory_max is too small.
 * Threads: the loop.  Blocks: on the log.
 */
STK_MUST_CHECK enum stk_status memory_plan(const struct config *config,
                                           const struct pipeline_options *options,
                                           struct stream *const *streams, size_t count,
                                           struct memory_plan *plan, char *error);

#endif
