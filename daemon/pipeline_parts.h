/*
 * What the files of the pipeline share.
 *
 *   pipeline.c         life cycle, threads, batches in
 *   pipeline_read.c    readers: memory for encoded bytes, samples read
 *   pipeline_decode.c  workers: samples decoded
 *   pipeline_slot.c    what becomes of a slot: filled, replaced, failed; batches out
 */
#ifndef STK_PIPELINE_PARTS_H
#define STK_PIPELINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/atlas.h"
#include "daemon/index/index.h"
#include "daemon/pipeline.h"
#include "daemon/source/source.h"
#include "daemon/stream.h"

/* In the daemon's figures, and in those of the stream that a batch is of. */
#define COUNT(pipeline, batch, name, amount)                                                       \
    figure_add_both(&(pipeline)->options.figures->name, &(batch)->stream->figures->name, (amount))

struct task {
    struct batch *batch;
    uint32_t slot;          /* number of the picture in its batch */
    struct encoded encoded; /* capacity counts in pipeline->encoded_bytes */
    struct index_buffer map_buffer;
    struct index_sample sample; /* where found is MAPS_FOUND */
    enum maps_found found;
    bool whole; /* its map did not fit: it is read whole, and no index is asked */
    TAILQ_ENTRY(task) entry;
};

struct worker {
    struct pipeline *pipeline;
    struct image_decoder *decoder; /* owned */
};

TAILQ_HEAD(task_list, task);
TAILQ_HEAD(batch_queue, batch);

struct pipeline {
    struct pipeline_options options;
    struct task *tasks;
    uint32_t task_count;
    struct worker *workers; /* options.workers of them */
    pthread_t *threads;
    uint32_t thread_count; /* started; workers and readers */

    pthread_mutex_t lock;
    pthread_cond_t readable;     /* there is something to read, and a task for it */
    pthread_cond_t room;         /* there may be memory for a reader that waits for some */
    pthread_cond_t decodable;    /* a worker may go on */
    bool closing;                /* under lock */
    struct batch_queue waiting;  /* under lock: batches with slots not taken */
    uint64_t backlog;            /* under lock: their pictures that no reader has begun */
    struct task_list idle;       /* under lock */
    struct task_list retries;    /* under lock: to be read, with another sample */
    struct task_list decodables; /* under lock: read, oldest first */
    uint32_t decodable_count;    /* under lock: of them */
    size_t encoded_bytes;        /* under lock: capacity of all tasks together */
    bool growing;                /* under lock: a reader waits for room, others wait behind it */

    _Atomic uint64_t progress; /* relaxed: only whether it changes matters */
};

/* pipeline.c */

/** Tasks of a pipeline: so far readers run ahead. */
uint32_t pipeline_task_count(const struct pipeline_options *options);

/** What a batch's epoch is made by. */
static inline const struct stream_phase *pipeline_phase(const struct batch *batch)
{
    return stream_phase(batch->stream, batch->address.epoch);
}

/* pipeline_read.c */

/** Free a task's storage.  Under lock. */
void pipeline_release_encoded(struct pipeline *pipeline, struct encoded *encoded);

/** What an index says of the task's sample is not so. */
void pipeline_count_stale(struct pipeline *pipeline, const struct task *task);

/** A reader thread; of the pipeline. */
void *pipeline_reader_main(void *pipeline);

/* pipeline_decode.c */

/** A worker thread; of a struct worker. */
void *pipeline_worker_main(void *worker);

/* pipeline_slot.c */

/** The task is done with its slot, which has its picture; its storage is kept for the next one. */
void pipeline_finish_task(struct pipeline *pipeline, struct task *task);

/** The task's map did not fit its sample, which is read again, whole. */
void pipeline_read_whole(struct pipeline *pipeline, struct task *task);

/** The task's sample could not be read or decoded: another one takes its place, or the batch fails.
 */
void pipeline_handle_failure(struct pipeline *pipeline, struct task *task, enum stk_status status,
                             const char *reason);

#endif
