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
    MEMORY_FIXED_BYTES = 48 << 20,   /* code, libraries, stacks, libzmq's buffers, requests */
    MEMORY_SLABS_MIN = 2,            /* batches of the largest phase of a stream that must fit */
    MEMORY_KERNEL_BYTES = 256 << 20, /* what it keeps for sockets and counts as ours */
};

struct memory_plan {
    size_t bytes_max; /* memory_max */
    size_t listing_bytes;
    size_t encoded_bytes;
    size_t decoder_bytes;
    size_t viewer_bytes; /* where there is http */
    size_t slab_bytes;   /* for all batches together */
    size_t slab_bytes_largest;
};

/**
 * What a CSV or a list of names may have, before anything is planned: a quarter of memory_max.  Its
 * text, its rows and what is kept of them take three times the text together while it is listed
 * (measured with rows of 30 bytes), when there are no batches yet.
 *
 * Threads: any.  Blocks: no.
 */
uint64_t memory_text_bytes_max(const struct config *config, uint32_t workers);

/**
 * Where the service manager may end the process: behind the plan, a quarter of it for what a reload
 * lists beside the streams that are served, and the kernel's share.  Threads: any.  Blocks: no.
 */
uint64_t memory_bytes_wall(const struct config *config, uint32_t workers);

/**
 * Make the plan.
 *
 *   options   the pipeline's threads and limits
 *   streams   count of them
 *   error     CONFIG_ERROR_BYTES of storage for a sentence that says how much would do
 *
 * Returns: STK_OK, or STK_CONFIG where memory_max is too small.
 * Threads: any.  Blocks: no.
 */
STK_MUST_CHECK enum stk_status memory_plan(const struct config *config,
                                           const struct pipeline_options *options,
                                           struct stream *const *streams, size_t count,
                                           struct memory_plan *plan, char *error);

/** Log a plan as one line.  Threads: the loop.  Blocks: on the log. */
void memory_plan_log(const struct memory_plan *plan);

#endif
