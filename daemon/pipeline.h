/*
 * The pipeline: planned batches in, finished ones out.
 *
 * Readers bring encoded bytes into memory in the order in which they are needed; workers decode
 * them into their slots; the worker that finishes a batch's last slot mixes and seals it.  No
 * socket, no request and no client is known here.
 */
#ifndef STK_PIPELINE_H
#define STK_PIPELINE_H

#include "daemon/base/figures.h"
#include "daemon/batch/batch.h"
#include "daemon/image/image.h"

struct pipeline;

enum { PIPELINE_STAND_INS_MAX = 64 }; /* for one slot, before its batch fails */

struct pipeline_options {
    uint32_t workers;           /* >= 1 */
    uint32_t readers;           /* >= 1 */
    size_t encoded_bytes_max;   /* of one sample */
    struct image_limits limits; /* of one picture */
    struct figures *figures;    /* borrowed */
    /* Called by a worker when every slot of a batch is filled, or batch->failure says why not. */
    void (*finished)(void *context, struct batch *batch);
    void *context;
};

/** Whether a failure is its sample's own and stays, so that another sample takes its place.
 *  Threads: any. */
bool pipeline_replaces(enum stk_status status);

/** Memory for encoded bytes that a pipeline may hold, for the memory plan.  Threads: any. */
size_t pipeline_encoded_bytes_max(const struct pipeline_options *options);

/** Likewise, for the maps of the samples that are under way. */
size_t pipeline_map_bytes_max(const struct pipeline_options *options);

/**
 * Start the threads.
 *
 *   options    copied
 *   pipeline   set on success, NULL otherwise
 *
 * Owns:    the caller owns *pipeline and gives it to pipeline_close.
 * Returns: STK_OK, STK_MEMORY, or STK_SYSTEM where a thread could not be started.
 * Threads: the loop.
 */
STK_MUST_CHECK enum stk_status pipeline_open(const struct pipeline_options *options,
                                             struct pipeline **pipeline);

/**
 * Stop: batches that wait or are being filled are given up without a call of finished.
 * *pipeline becomes NULL.  NULL is fine.  Blocks: for a picture a worker.
 */
void pipeline_close(struct pipeline **pipeline);

/**
 * Fill a PLANNED batch, FILLING from here on; finished is called for it exactly once.  Batches are
 * begun in this order.
 *
 * Owns: the pipeline borrows the batch until finished.  Threads: the loop.  Blocks: no.
 */
void pipeline_push(struct pipeline *pipeline, struct batch *batch);

/** Pictures of pushed batches that no reader has begun.  Threads: any.  Blocks: on a short lock. */
uint64_t pipeline_backlog(struct pipeline *pipeline);

/** Samples decoded or found bad since the start: whether the threads move.  Threads: any. */
uint64_t pipeline_progress(const struct pipeline *pipeline);

#endif
