/*
 * Readers: they bring samples into memory, in the order in which they are needed.
 */
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/pipeline_parts.h"

enum {
    TASK_BYTES = 512 * 1024,  /* encoded bytes planned for a task */
    GROWTH_BYTES = 64 * 1024, /* encoded storage grows in these steps */
};

size_t pipeline_encoded_bytes_max(const struct pipeline_options *options)
{
    return options->encoded_bytes_max + GROWTH_BYTES +
           (size_t)pipeline_task_count(options) * TASK_BYTES;
}

/* Storage: grow a task's, within what is planned for all of them. */

void pipeline_release_encoded(struct pipeline *pipeline, struct encoded *encoded)
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
        pipeline_release_encoded(pipeline, &task->encoded);
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
    pipeline_release_encoded(pipeline, encoded);
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
        pipeline_release_encoded(pipeline, encoded);
        pthread_mutex_unlock(&pipeline->lock);
        return STK_MEMORY;
    }
    return STK_OK;
}

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
        pipeline_handle_failure(pipeline, task, status, reason);
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

void *pipeline_reader_main(void *argument)
{
    struct pipeline *pipeline = argument;
    for (struct task *task = wait_read(pipeline); task != NULL; task = wait_read(pipeline))
        read_task(pipeline, task);
    return NULL;
}
