/*
 * The viewer: a thread that makes what somebody looks at, behind everything else.
 *
 * It has memory and a decoder of its own, and stands behind the workers in turn for a core:
 * trainers come first.  Nobody waits for it but who looks.
 */
#ifndef STK_VIEWER_H
#define STK_VIEWER_H

#include "daemon/base/buffer.h"
#include "daemon/query.h"

enum {
    VIEWER_JOBS_MAX = 12,  /* that may exist at once; the viewer has one of them at a time */
    VIEWER_JOB_S_MAX = 15, /* by the clock; the page waits no longer */
};

struct viewer;

/* A look: who asks owns it, and lends it to the viewer between viewer_push and viewer_take. */
struct viewer_job {
    /* Set by who asks. */
    struct query query; /* its address and its slots are the stream's */
    const struct stream *stream;
    uint64_t cpu_ns_max; /* that it may take */
    bool last;           /* and it will never be given more */
    /* Set by the viewer. */
    enum stk_status status; /* STK_CLOSED: it was stopped before there was anything to show */
    struct buffer body; /* STK_OK: what was asked for; else a sentence.  The asker releases it */
    uint64_t cpu_ns;    /* that it took: more than it may where what was begun had to be ended */
};

struct viewer_options {
    struct image_limits limits; /* of one picture */
    size_t encoded_bytes_max;   /* of one sample */
    /* Called by the viewer's thread when there is something to take. */
    void (*finished)(void *context);
    void *context;
};

/**
 * Start the thread.
 *
 *   options   copied
 *   viewer    set on success, NULL otherwise
 *
 * Owns:    the caller owns *viewer and gives it to viewer_close.
 * Returns: STK_OK, STK_MEMORY, or STK_SYSTEM where the thread could not be started.
 */
STK_MUST_CHECK enum stk_status viewer_open(const struct viewer_options *options,
                                           struct viewer **viewer);

/** Stop; the job is the asker's again, made or not.  *viewer becomes NULL.  NULL is fine.  Blocks:
 *  for a row of a picture. */
void viewer_close(struct viewer **viewer);

/**
 * Ask.
 *
 *   job   the one before, if there was one, was taken
 *
 * Owns: the viewer borrows it, its stream included, until it is taken.  Threads: the loop.
 * Blocks: no.
 */
void viewer_push(struct viewer *viewer, struct viewer_job *job);

/** The job, once it is done; else NULL.  Threads: the loop.  Blocks: no. */
struct viewer_job *viewer_take(struct viewer *viewer);

/** An upper bound of its memory, for the memory plan; for samples of so many bytes, and these
 *  streams.  Threads: any. */
size_t viewer_bytes_max(const struct image_limits *limits, size_t encoded_bytes_max,
                        struct stream *const *streams, size_t count);

#endif
