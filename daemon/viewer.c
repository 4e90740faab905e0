/*
 * The viewer: a thread around one lock.
 *
 *   thread    does                                  waits for
 *   viewer    makes what was pushed                 `wanted`
 *   loop      pushes and takes                      nothing
 *
 * `lock` is held for a moment; `finished` is called without it.
 */
#include "daemon/viewer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/image/encode.h"
#include "daemon/peek_print.h"
#include "proto/utf8.h"

enum {
    QUALITY = 85,
    NICE = 5, /* a third of a worker's weight; with less, a look takes seconds on a busy machine */
    THREAD_STACK_BYTES = 512 * 1024,
};

struct viewer {
    struct viewer_options options;
    struct peek *peek;     /* the thread's, like the next three */
    uint64_t cpu_ns_end;   /* of the job: on the thread's clock */
    uint64_t ns_end;       /* likewise, on everybody's */
    bool last;             /* likewise: it will never be given more */
    atomic_bool impatient; /* relaxed: a picture more or less is made before it is seen */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct viewer_job *job; /* under lock; NULL: there is none */
    bool done;              /* under lock; the job is */
};

static void *viewer_main(void *argument);
static enum stk_status ask(void *context);

static enum stk_status start(struct viewer *viewer)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return STK_MEMORY;
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    bool started = pthread_create(&viewer->thread, &attributes, viewer_main, viewer) == 0;
    pthread_attr_destroy(&attributes);
    return started ? STK_OK : STK_SYSTEM;
}

static void release(struct viewer *viewer)
{
    peek_close(&viewer->peek);
    pthread_cond_destroy(&viewer->wanted);
    pthread_mutex_destroy(&viewer->lock);
    free(viewer);
}

enum stk_status viewer_open(const struct viewer_options *options, struct viewer **viewer)
{
    *viewer = NULL;
    struct viewer *made = calloc(1, sizeof *made);
    if (made == NULL)
        return STK_MEMORY;
    made->options = *options;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->wanted, NULL);
    const struct peek_patience patience = {ask, made};
    enum stk_status status =
        peek_open(&options->limits, options->encoded_bytes_max, &patience, &made->peek);
    if (status == STK_OK)
        status = start(made);
    if (status == STK_OK)
        *viewer = made;
    else
        release(made);
    return status;
}

void viewer_close(struct viewer **viewer)
{
    struct viewer *closing = *viewer;
    if (closing == NULL)
        return;
    pthread_mutex_lock(&closing->lock);
    atomic_store_explicit(&closing->impatient, true, memory_order_relaxed);
    pthread_cond_signal(&closing->wanted);
    pthread_mutex_unlock(&closing->lock);
    pthread_join(closing->thread, NULL);
    release(closing);
    *viewer = NULL;
}

void viewer_push(struct viewer *viewer, struct viewer_job *job)
{
    pthread_mutex_lock(&viewer->lock);
    CHECK(viewer->job == NULL);
    viewer->job = job;
    viewer->done = false;
    pthread_cond_signal(&viewer->wanted);
    pthread_mutex_unlock(&viewer->lock);
}

struct viewer_job *viewer_take(struct viewer *viewer)
{
    pthread_mutex_lock(&viewer->lock);
    struct viewer_job *job = viewer->done ? viewer->job : NULL;
    if (job != NULL)
        viewer->job = NULL;
    viewer->done = false;
    pthread_mutex_unlock(&viewer->lock);
    return job;
}

size_t viewer_bytes_max(const struct image_limits *limits, size_t encoded_bytes_max,
                        struct stream *const *streams, size_t count)
{
    size_t answer = encode_bytes_max(PEEK_SOURCE_SIDE_MAX, PEEK_SOURCE_SIDE_MAX);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < streams[i]->phase_count; k++) {
            const struct recipe *recipe = &streams[i]->phases[k].recipe;
            size_t bytes = encode_bytes_max(recipe->height, recipe->width);
            answer = bytes > answer ? bytes : answer;
        }
    }
    return sizeof(struct viewer) + THREAD_STACK_BYTES + VIEWER_JOBS_MAX * answer +
           peek_bytes_max(limits, encoded_bytes_max, streams, count) +
           peek_print_bytes_max(streams, count);
}

/* The thread. */

/* What failed is told instead of what was asked for; the reason may name files. */
static void fail(struct viewer_job *job, enum stk_status status, char *reason)
{
    stk_utf8_tame(reason, strlen(reason));
    job->status = status;
    buffer_release(&job->body);
    buffer_print(&job->body, "%s\n", reason[0] != '\0' ? reason : stk_status_text(status));
}

static enum stk_status make_picture(struct peek *peek, struct viewer_job *job, char *reason)
{
    const struct query *query = &job->query;
    const struct plan_slot *slots;
    struct peek_picture picture;
    struct peek_pixels pixels;
    enum stk_status status = peek_plan(peek, job->stream, query->address, &slots);
    if (status != STK_OK)
        return status;
    bool partner = query->show == PEEK_PARTNER || query->show == PEEK_PARTNER_SOURCE;
    if (partner && slots[query->slot].mixing == PLAN_KEEP) {
        snprintf(reason, PEEK_REASON_BYTES, "the slot is not mixed: it has no partner");
        return STK_RANGE;
    }
    status = peek_make(peek, query->slot, query->show, &picture, &pixels, reason);
    if (status == STK_OK && picture.failed) {
        snprintf(reason, PEEK_REASON_BYTES, "%s", picture.reason);
        status = STK_CORRUPT;
    }
    if (status != STK_OK)
        return status;
    uint8_t *jpeg;
    size_t len;
    status = encode_jpeg(pixels.bytes, pixels.height, pixels.width, QUALITY, &jpeg, &len);
    job->body = (struct buffer){.bytes = (char *)jpeg, .len = len, .capacity = len};
    return status;
}

static void do_job(struct viewer *viewer, struct viewer_job *job)
{
    char reason[PEEK_REASON_BYTES] = "";
    const struct query *query = &job->query;
    enum stk_status status =
        query->kind == QUERY_PICTURE
            ? make_picture(viewer->peek, job, reason)
            : peek_print_batch(viewer->peek, job->stream, query->address, query->slot,
                               query->slot_count, &job->body, reason);
    if (status == STK_OK && job->body.failed)
        status = STK_MEMORY;
    job->status = STK_OK;
    if (status != STK_OK)
        fail(job, status, reason);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_impatient(const struct viewer *viewer)
{
    return atomic_load_explicit(&viewer->impatient, memory_order_relaxed);
}

/* The patience with a job; the clock tells of others' work, and so never that there is no hope. */
static enum stk_status ask(void *context)
{
    const struct viewer *viewer = context;
    if (is_impatient(viewer) || clock_now_ns() >= viewer->ns_end)
        return STK_CLOSED;
    if (cpu_ns() < viewer->cpu_ns_end)
        return STK_OK;
    return viewer->last ? STK_LIMIT : STK_CLOSED;
}

static void do_in_time(struct viewer *viewer, struct viewer_job *job)
{
    uint64_t start_ns = cpu_ns();
    viewer->cpu_ns_end = start_ns + job->cpu_ns_max;
    viewer->ns_end = clock_now_ns() + VIEWER_JOB_S_MAX * (uint64_t)1000000000;
    viewer->last = job->last;
    do_job(viewer, job);
    job->cpu_ns = cpu_ns() - start_ns;
}

static struct viewer_job *next_job(struct viewer *viewer)
{
    pthread_mutex_lock(&viewer->lock);
    while (!is_impatient(viewer) && (viewer->job == NULL || viewer->done))
        pthread_cond_wait(&viewer->wanted, &viewer->lock);
    struct viewer_job *job = is_impatient(viewer) ? NULL : viewer->job;
    pthread_mutex_unlock(&viewer->lock);
    return job;
}

static void *viewer_main(void *argument)
{
    struct viewer *viewer = argument;
    /* Of this thread alone, on Linux.  Where it is not granted, looks are bounded all the same. */
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    for (struct viewer_job *job; (job = next_job(viewer)) != NULL;) {
        do_in_time(viewer, job);
        pthread_mutex_lock(&viewer->lock);
        viewer->done = true;
        pthread_mutex_unlock(&viewer->lock);
        viewer->options.finished(viewer->options.context);
    }
    return NULL;
}
