/*
 * The pipeline: reader and worker threads around one lock.
 *
 *   thread    count     does                                          waits for
 *   reader    config    takes a picture (retries, then the oldest     `readable`; for
 *                       batch's next) and reads its sample            memory, `room`
 *   worker    config    decodes a sample that was read into its       `decodable`
 *                       slot; the batch's last one mixes and seals
 *   loop      1         pushes batches                                nothing
 *
 * A task is a sample on its way: idle -> reading -> decodable -> idle, or back to a reader with
 * another sample where it cannot be decoded.  There is a fixed number of tasks, which bounds how
 * far readers run ahead.  `lock` is the only lock, held for list operations alone; `finished` is
 * called without it.
 *
 * Readers sleep in a full pipeline, and one is woken for each sample that is done once no more wait
 * for a worker than there are workers.  So with files in memory one reader works in bursts, where a
 * switch to it and back for every sample would cost 5 % of the CPU; and with files on a slow disk,
 * where the readers never catch up, all of them read at once.
 */
#include "daemon/pipeline.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/mix/mix.h"
#include "daemon/stream.h"
#include "daemon/target.h"
#include "daemon/transform/transform.h"

enum {
    ATTEMPTS_MAX = 64,               /* stand-ins for one slot, before the batch fails */
    TASKS_A_WORKER = 4,              /* samples read ahead */
    TASK_BYTES = 512 * 1024,         /* encoded bytes planned for a task */
    GROWTH_BYTES = 64 * 1024,        /* encoded storage grows in these steps */
    THREAD_STACK_BYTES = 512 * 1024, /* nothing here recurses; libjpeg-turbo needs little */
};

/* In the daemon's figures, and in those of the stream that a batch is of. */
#define COUNT(pipeline, batch, name, amount)                                                       \
    figure_add_both(&(pipeline)->options.figures->name, &(batch)->stream->figures->name, (amount))

struct task {
    struct batch *batch;
    uint32_t slot;          /* number of the picture in its batch */
    struct encoded encoded; /* capacity counts in pipeline->encoded_bytes */
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

static uint32_t tasks_for(const struct pipeline_options *options)
{
    return options->readers + TASKS_A_WORKER * options->workers;
}

size_t pipeline_encoded_bytes_max(const struct pipeline_options *options)
{
    return options->encoded_bytes_max + GROWTH_BYTES + (size_t)tasks_for(options) * TASK_BYTES;
}

static void *reader_main(void *argument);
static void *worker_main(void *argument);

static enum stk_status start_threads(struct pipeline *pipeline)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return STK_MEMORY;
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    uint32_t wanted = pipeline->options.readers + pipeline->options.workers;
    while (pipeline->thread_count < wanted) {
        uint32_t i = pipeline->thread_count;
        bool reader = i < pipeline->options.readers;
        void *argument =
            reader ? (void *)pipeline : (void *)&pipeline->workers[i - pipeline->options.readers];
        if (pthread_create(&pipeline->threads[i], &attributes, reader ? reader_main : worker_main,
                           argument) != 0)
            break;
        pipeline->thread_count++;
    }
    pthread_attr_destroy(&attributes);
    return pipeline->thread_count == wanted ? STK_OK : STK_SYSTEM;
}

static enum stk_status make_tasks(struct pipeline *pipeline)
{
    const struct pipeline_options *options = &pipeline->options;
    pipeline->tasks = calloc(pipeline->task_count, sizeof *pipeline->tasks);
    pipeline->workers = calloc(options->workers, sizeof *pipeline->workers);
    pipeline->threads = calloc(options->readers + options->workers, sizeof *pipeline->threads);
    if (pipeline->tasks == NULL || pipeline->workers == NULL || pipeline->threads == NULL)
        return STK_MEMORY;
    for (uint32_t i = 0; i < pipeline->task_count; i++)
        TAILQ_INSERT_TAIL(&pipeline->idle, &pipeline->tasks[i], entry);
    for (uint32_t i = 0; i < options->workers; i++) {
        pipeline->workers[i].pipeline = pipeline;
        enum stk_status status =
            image_decoder_open(&options->limits, &pipeline->workers[i].decoder);
        if (status != STK_OK)
            return status;
    }
    return STK_OK;
}

enum stk_status pipeline_open(const struct pipeline_options *options, struct pipeline **pipeline)
{
    *pipeline = NULL;
    struct pipeline *made = calloc(1, sizeof *made);
    if (made == NULL)
        return STK_MEMORY;
    made->options = *options;
    made->task_count = tasks_for(options);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->readable, NULL);
    pthread_cond_init(&made->room, NULL);
    pthread_cond_init(&made->decodable, NULL);
    TAILQ_INIT(&made->waiting);
    TAILQ_INIT(&made->idle);
    TAILQ_INIT(&made->retries);
    TAILQ_INIT(&made->decodables);
    enum stk_status status = make_tasks(made);
    if (status == STK_OK)
        status = start_threads(made);
    if (status != STK_OK) {
        pipeline_close(&made);
        return status;
    }
    *pipeline = made;
    return STK_OK;
}

void pipeline_close(struct pipeline **pipeline)
{
    struct pipeline *closing = *pipeline;
    if (closing == NULL)
        return;
    pthread_mutex_lock(&closing->lock);
    closing->closing = true;
    pthread_cond_broadcast(&closing->readable);
    pthread_cond_broadcast(&closing->room);
    pthread_cond_broadcast(&closing->decodable);
    pthread_mutex_unlock(&closing->lock);
    for (uint32_t i = 0; i < closing->thread_count; i++)
        pthread_join(closing->threads[i], NULL);
    for (uint32_t i = 0; closing->tasks != NULL && i < closing->task_count; i++)
        free(closing->tasks[i].encoded.data);
    for (uint32_t i = 0; closing->workers != NULL && i < closing->options.workers; i++)
        image_decoder_close(&closing->workers[i].decoder);
    pthread_cond_destroy(&closing->decodable);
    pthread_cond_destroy(&closing->room);
    pthread_cond_destroy(&closing->readable);
    pthread_mutex_destroy(&closing->lock);
    free(closing->threads);
    free(closing->workers);
    free(closing->tasks);
    free(closing);
    *pipeline = NULL;
}

void pipeline_push(struct pipeline *pipeline, struct batch *batch)
{
    batch_set_state(batch, BATCH_FILLING);
    pthread_mutex_lock(&pipeline->lock);
    TAILQ_INSERT_TAIL(&pipeline->waiting, batch, queued);
    pipeline->backlog += batch->pictures;
    pthread_cond_broadcast(&pipeline->readable);
    pthread_mutex_unlock(&pipeline->lock);
}

uint64_t pipeline_backlog(struct pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->lock);
    uint64_t backlog = pipeline->backlog;
    pthread_mutex_unlock(&pipeline->lock);
    return backlog;
}

uint64_t pipeline_progress(const struct pipeline *pipeline)
{
    return atomic_load_explicit(&pipeline->progress, memory_order_relaxed);
}

/* Storage: grow a task's, within what is planned for all of them. */

/* Under lock. */
static void release_encoded(struct pipeline *pipeline, struct encoded *encoded)
{
    pipeline->encoded_bytes -= encoded->capacity;
    free(encoded->data);
    *encoded = (struct encoded){0};
}

/* Under lock: free what idle tasks keep, until there is room. */
static bool make_room(struct pipeline *pipeline, size_t bytes)
{
    size_t bytes_max = pipeline_encoded_bytes_max(&pipeline->options);
    struct task *task;
    TAILQ_FOREACH (task, &pipeline->idle, entry) {
        if (pipeline->encoded_bytes + bytes <= bytes_max)
            break;
        release_encoded(pipeline, &task->encoded);
    }
    return pipeline->encoded_bytes + bytes <= bytes_max;
}

/* While it waits, a reader holds no storage, and no task that waits for a reader does either: what
 * is in use is on its way through the workers and will come free. */
static enum stk_status reserve(void *context, struct encoded *encoded, size_t bytes)
{
    struct pipeline *pipeline = context;
    if (bytes > pipeline->options.encoded_bytes_max)
        return STK_LIMIT;
    /* A task keeps its storage, but not what one giant picture took. */
    if (bytes <= encoded->capacity && encoded->capacity <= bytes + TASK_BYTES)
        return STK_OK;
    size_t capacity = (bytes + GROWTH_BYTES - 1) / GROWTH_BYTES * GROWTH_BYTES;
    pthread_mutex_lock(&pipeline->lock);
    release_encoded(pipeline, encoded);
    pthread_cond_broadcast(&pipeline->room);
    while (pipeline->growing && !pipeline->closing)
        pthread_cond_wait(&pipeline->room, &pipeline->lock);
    pipeline->growing = true;
    while (!make_room(pipeline, capacity) && !pipeline->closing)
        pthread_cond_wait(&pipeline->room, &pipeline->lock);
    pipeline->growing = false;
    pthread_cond_broadcast(&pipeline->room);
    bool closing = pipeline->closing;
    if (!closing)
        pipeline->encoded_bytes += capacity;
    pthread_mutex_unlock(&pipeline->lock);
    if (closing)
        return STK_CLOSED;
    encoded->capacity = capacity;
    encoded->data = malloc(capacity);
    if (encoded->data == NULL) {
        pthread_mutex_lock(&pipeline->lock);
        release_encoded(pipeline, encoded);
        pthread_mutex_unlock(&pipeline->lock);
        return STK_MEMORY;
    }
    return STK_OK;
}

/* The way of a slot that has its picture, or never will. */

static const struct stream_phase *phase_of(const struct batch *batch)
{
    return stream_phase(batch->stream, batch->address.epoch);
}

/* After the batch was sealed: what it tells of the plan is told before that is changed. */
static void mix_batch(struct pipeline *pipeline, struct batch *batch)
{
    uint64_t start_ns = clock_now_ns();
    const struct recipe *recipe = &phase_of(batch)->recipe;
    const struct mix_format format = {recipe->height, recipe->width, recipe->dtype, recipe->layout};
    if (batch->unmixed == STK_UNMIXED_PARTNER)
        batch_show_partners(batch, recipe->height, recipe->width);
    mix_images(&format, batch_image(batch, 0), batch_partner_images(batch), batch_plan_slots(batch),
               batch->count);
    COUNT(pipeline, batch, mix_ns_total, clock_now_ns() - start_ns);
}

static void finish_slot(struct pipeline *pipeline, struct batch *batch)
{
    if (atomic_fetch_sub_explicit(&batch->slots_left, 1, memory_order_acq_rel) != 1)
        return;
    if (batch->failure == STK_OK) {
        batch_seal(batch);
        target_fill(batch);
        if (phase_of(batch)->recipe.mix.method != MIX_NONE && batch->unmixed != STK_UNMIXED_OWN)
            mix_batch(pipeline, batch);
        COUNT(pipeline, batch, batches_made, 1);
    } else {
        COUNT(pipeline, batch, batches_failed, 1);
    }
    pipeline->options.finished(pipeline->options.context, batch);
}

/* The task is done with its slot; its storage is kept for the next one. */
static void finish_task(struct pipeline *pipeline, struct task *task)
{
    struct batch *batch = task->batch;
    pthread_mutex_lock(&pipeline->lock);
    task->batch = NULL;
    TAILQ_INSERT_HEAD(&pipeline->idle, task, entry);
    if (pipeline->decodable_count <= pipeline->options.workers)
        pthread_cond_signal(&pipeline->readable);
    if (pipeline->growing)
        pthread_cond_broadcast(&pipeline->room);
    pthread_mutex_unlock(&pipeline->lock);
    finish_slot(pipeline, batch);
}

static void fail_batch(struct pipeline *pipeline, struct task *task, enum stk_status status,
                       const char *reason)
{
    struct batch *batch = task->batch;
    pthread_mutex_lock(&pipeline->lock);
    if (batch->failure == STK_OK) {
        batch->failure = status;
        snprintf(batch->failure_reason, sizeof batch->failure_reason, "%s", reason);
    }
    pthread_mutex_unlock(&pipeline->lock);
    finish_task(pipeline, task);
}

/* Under lock. */
static void note_replaced(struct batch *batch, const struct batch_slot *slot, uint32_t number,
                          enum stk_status status, const char *reason)
{
    if (slot->attempt > 0)
        return;
    struct batch_replaced *row = &batch_replaced(batch)[batch->replaced_count++];
    row->slot = number;
    row->index = slot->index;
    snprintf(row->reason, sizeof row->reason, "%s: %s", stk_status_word(status), reason);
}

/* The slot's sample is to blame, or what it was read from. */
static void fail_slot(struct pipeline *pipeline, struct task *task, enum stk_status status,
                      const char *reason)
{
    const struct batch *batch = task->batch;
    char sentence[BATCH_FAILURE_BYTES];
    bool partner = task->slot >= batch->count;
    snprintf(sentence, sizeof sentence, "sample %llu %s slot %u: %s",
             (unsigned long long)batch_slots(batch)[task->slot].index, partner ? "beside" : "in",
             partner ? task->slot - batch->count : task->slot, reason);
    fail_batch(pipeline, task, status, sentence);
}

/* Under way again, with another sample. */
static void retry_slot(struct pipeline *pipeline, struct task *task, uint64_t stand_in,
                       enum stk_status status, const char *reason)
{
    struct batch_slot *slot = &batch_slots(task->batch)[task->slot];
    if (slot->attempt == 0)
        COUNT(pipeline, task->batch, images_replaced, 1);
    pthread_mutex_lock(&pipeline->lock);
    note_replaced(task->batch, slot, task->slot, status, reason);
    slot->index = stand_in;
    slot->attempt++;
    release_encoded(pipeline, &task->encoded);
    TAILQ_INSERT_TAIL(&pipeline->retries, task, entry);
    pthread_cond_signal(&pipeline->readable);
    pthread_cond_broadcast(&pipeline->room);
    pthread_mutex_unlock(&pipeline->lock);
}

/* The slot's sample is no good: another one takes its place, by the plan. */
static void replace_sample(struct pipeline *pipeline, struct task *task, enum stk_status status,
                           const char *reason)
{
    const struct batch *batch = task->batch;
    const struct stream *stream = batch->stream;
    const struct batch_slot *slot = &batch_slots(batch)[task->slot];
    bool fail =
        phase_of(batch)->recipe.on_corrupt == ON_CORRUPT_FAIL || slot->attempt == ATTEMPTS_MAX;
    uint64_t stand_in =
        plan_replacement(&stream->sampler, batch->address.epoch, slot->position, slot->attempt);
    health_bad(stream->health, slot->index, batch->address, fail ? NULL : &stand_in, status,
               reason);
    char sentence[HEALTH_SENTENCE_BYTES];
    if (fail)
        fail_slot(pipeline, task, STK_CORRUPT, reason);
    else if (health_is_stopped(stream->health, sentence))
        fail_batch(pipeline, task, STK_CORRUPT, sentence);
    else
        retry_slot(pipeline, task, stand_in, status, reason);
}

/* What may pass fails the batch, and nothing is replaced: its bytes must not depend on it. */
static void meet_fault(struct pipeline *pipeline, struct task *task, enum stk_status status,
                       const char *reason)
{
    health_fault(task->batch->stream->health, batch_slots(task->batch)[task->slot].index, reason);
    COUNT(pipeline, task->batch, faults, 1);
    fail_slot(pipeline, task, status, reason);
}

static void handle_failure(struct pipeline *pipeline, struct task *task, enum stk_status status,
                           const char *reason)
{
    bool sample = status == STK_CORRUPT || status == STK_UNSUPPORTED || status == STK_UNREADABLE ||
                  status == STK_LIMIT;
    if (sample)
        replace_sample(pipeline, task, status, reason);
    else
        meet_fault(pipeline, task, status, reason);
}

/* Readers. */

/* Under lock: a task with a slot to read, or NULL. */
static struct task *next_read(struct pipeline *pipeline)
{
    struct task *task = TAILQ_FIRST(&pipeline->retries);
    if (task != NULL) {
        TAILQ_REMOVE(&pipeline->retries, task, entry);
        return task;
    }
    struct batch *batch = TAILQ_FIRST(&pipeline->waiting);
    task = TAILQ_FIRST(&pipeline->idle);
    if (batch == NULL || task == NULL)
        return NULL;
    TAILQ_REMOVE(&pipeline->idle, task, entry);
    task->batch = batch;
    task->slot = batch_take_picture(batch);
    pipeline->backlog--;
    if (batch->slots_taken == batch->pictures)
        TAILQ_REMOVE(&pipeline->waiting, batch, queued);
    return task;
}

static struct task *wait_read(struct pipeline *pipeline)
{
    struct task *task = NULL;
    pthread_mutex_lock(&pipeline->lock);
    while (!pipeline->closing && (task = next_read(pipeline)) == NULL)
        pthread_cond_wait(&pipeline->readable, &pipeline->lock);
    pthread_mutex_unlock(&pipeline->lock);
    return task;
}

static void read_task(struct pipeline *pipeline, struct task *task)
{
    const struct stream *stream = task->batch->stream;
    char reason[SOURCE_ERROR_BYTES] = "";
    uint64_t start_ns = clock_now_ns();
    const struct source_reading reading = {.reserve = reserve, .context = pipeline};
    enum stk_status status = source_read(stream->source, batch_slots(task->batch)[task->slot].index,
                                         &reading, &task->encoded, reason);
    COUNT(pipeline, task->batch, read_ns_total, clock_now_ns() - start_ns);
    if (status == STK_CLOSED)
        return;
    if (status != STK_OK) {
        atomic_fetch_add_explicit(&pipeline->progress, 1, memory_order_relaxed);
        handle_failure(pipeline, task, status, reason);
        return;
    }
    health_fine(stream->health);
    COUNT(pipeline, task->batch, bytes_read, task->encoded.len);
    pthread_mutex_lock(&pipeline->lock);
    TAILQ_INSERT_TAIL(&pipeline->decodables, task, entry);
    pipeline->decodable_count++;
    pthread_cond_signal(&pipeline->decodable);
    pthread_mutex_unlock(&pipeline->lock);
}

static void *reader_main(void *argument)
{
    struct pipeline *pipeline = argument;
    for (struct task *task = wait_read(pipeline); task != NULL; task = wait_read(pipeline))
        read_task(pipeline, task);
    return NULL;
}

/* Workers. */

static struct task *wait_decode(struct pipeline *pipeline)
{
    uint64_t start_ns = clock_now_ns();
    pthread_mutex_lock(&pipeline->lock);
    while (!pipeline->closing && TAILQ_EMPTY(&pipeline->decodables))
        pthread_cond_wait(&pipeline->decodable, &pipeline->lock);
    struct task *task = pipeline->closing ? NULL : TAILQ_FIRST(&pipeline->decodables);
    if (task != NULL) {
        TAILQ_REMOVE(&pipeline->decodables, task, entry);
        pipeline->decodable_count--;
    }
    pthread_mutex_unlock(&pipeline->lock);
    figure_add(&pipeline->options.figures->idle_ns_total, clock_now_ns() - start_ns);
    return task;
}

static void set_box(int32_t row[4], const struct box *box)
{
    row[0] = box->top;
    row[1] = box->left;
    row[2] = box->height;
    row[3] = box->width;
}

static void set_provenance(const struct task *task, const struct transform_drawn *drawn)
{
    struct batch *batch = task->batch;
    const struct image_format *format = &phase_of(batch)->format;
    struct box source = view_source(&drawn->view, format->height, format->width);
    set_box(batch_crop(batch, task->slot), &source);
    if (batch->layout->present[LAYOUT_ERASE])
        set_box(batch_erase(batch, task->slot), &drawn->erase);
    *batch_flip(batch, task->slot) = drawn->flip;
    *batch_label(batch, task->slot) =
        source_label(batch->stream->source, batch_slots(batch)[task->slot].index);
}

static enum stk_status decode_task(struct image_decoder *decoder, const struct task *task,
                                   char *reason)
{
    const struct batch *batch = task->batch;
    const struct stream_phase *phase = phase_of(batch);
    uint64_t position = batch_slots(batch)[task->slot].position;
    void *image = batch_image(batch, task->slot);
    uint32_t height;
    uint32_t width;
    enum stk_status status = image_decoder_begin(decoder, task->encoded.data, task->encoded.len,
                                                 &height, &width, reason);
    if (status != STK_OK)
        return status;
    struct transform_drawn drawn =
        transform_draw(&phase->recipe, batch->address.epoch, position, height, width);
    status = image_decoder_finish(decoder, &drawn.view, drawn.flip, &phase->format, image, reason);
    if (status != STK_OK)
        return status;
    transform_apply(&phase->recipe, &drawn, &phase->format, image);
    set_provenance(task, &drawn);
    return STK_OK;
}

static void work(struct pipeline *pipeline, struct image_decoder *decoder, struct task *task)
{
    char reason[IMAGE_REASON_BYTES] = "";
    uint64_t start_ns = clock_now_ns();
    enum stk_status status = decode_task(decoder, task, reason);
    COUNT(pipeline, task->batch, decode_ns_total, clock_now_ns() - start_ns);
    atomic_fetch_add_explicit(&pipeline->progress, 1, memory_order_relaxed);
    if (status == STK_OK) {
        COUNT(pipeline, task->batch, images_decoded, 1);
        finish_task(pipeline, task);
    } else {
        handle_failure(pipeline, task, status, reason);
    }
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct pipeline *pipeline = worker->pipeline;
    for (struct task *task = wait_decode(pipeline); task != NULL; task = wait_decode(pipeline))
        work(pipeline, worker->decoder, task);
    return NULL;
}
