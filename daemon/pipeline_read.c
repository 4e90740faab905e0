/*
 * Readers: they bring samples into memory, in the order in which they are needed.
 */
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/pipeline_parts.h"
#include "daemon/transform/transform.h"

enum {
    TASK_BYTES = 512 * 1024,  /* encoded bytes planned for a task */
    GROWTH_BYTES = 64 * 1024, /* encoded storage grows in these steps */
};

size_t pipeline_encoded_bytes_max(const struct pipeline_options *options)
{
    return options->encoded_bytes_max + GROWTH_BYTES +
           (size_t)pipeline_task_count(options) * TASK_BYTES;
}

/* A task in a reader's hands. */
struct reading {
    struct pipeline *pipeline;
    struct task *task;
};

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
    struct pipeline *pipeline = ((struct reading *)context)->pipeline;
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
    task->whole = false;
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

/* What the task's view needs of a file that a map was found of; false where the map is nonsense. */
static bool choose_part(const struct task *task, const struct source_state *file,
                        struct source_range *range)
{
    const struct batch *batch = task->batch;
    const struct stream_phase *phase = pipeline_phase(batch);
    const struct jpeg_map *map = &task->sample.map;
    struct transform_drawn drawn =
        transform_draw(&phase->recipe, batch->address.epoch,
                       batch_slots(batch)[task->slot].position, map->height, map->width);
    uint64_t from, len;
    if (!image_map_range(map, &drawn.view, &phase->format, &from, &len) || len == 0 ||
        from >= file->bytes || len > file->bytes - from)
        return false;
    *range = (struct source_range){from, (size_t)len};
    return true;
}

static struct source_range choose(void *context, const struct source_state *file)
{
    const struct reading *reading = context;
    struct task *task = reading->task;
    struct source_range range = {0, (size_t)file->bytes};
    const struct stream *stream = task->batch->stream;
    /* A part of a file that is over the limit must be no way around it. */
    bool refused = file->bytes > reading->pipeline->options.encoded_bytes_max;
    task->found = task->whole ? MAPS_STALE : MAPS_USELESS;
    if (stream->maps == NULL || task->whole || refused)
        return range;
    const char *path = source_name(stream->source, batch_slots(task->batch)[task->slot].index);
    task->found = maps_find(stream->maps, path, file, &task->map_buffer, &task->sample);
    if (task->found == MAPS_FOUND && !choose_part(task, file, &range))
        task->found = MAPS_STALE;
    return range;
}

void pipeline_count_stale(struct pipeline *pipeline, const struct task *task)
{
    const struct stream *stream = task->batch->stream;
    COUNT(pipeline, task->batch, index_stale, 1);
    maps_note_stale(stream->maps,
                    source_name(stream->source, batch_slots(task->batch)[task->slot].index));
}

/* A sample that is read once more, whole, was counted with its file. */
static void count_read(struct pipeline *pipeline, const struct task *task)
{
    COUNT(pipeline, task->batch, bytes_read, task->encoded.len);
    if (task->whole)
        return;
    COUNT(pipeline, task->batch, file_bytes, task->encoded.file.bytes);
    if (task->found == MAPS_FOUND)
        COUNT(pipeline, task->batch, index_hits, 1);
    else if (task->found == MAPS_MISSING)
        COUNT(pipeline, task->batch, index_misses, 1);
    else if (task->found == MAPS_STALE)
        pipeline_count_stale(pipeline, task);
}

static void read_task(struct pipeline *pipeline, struct task *task)
{
    const struct stream *stream = task->batch->stream;
    char reason[SOURCE_ERROR_BYTES] = "";
    uint64_t start_ns = clock_now_ns();
    struct reading context = {pipeline, task};
    const struct source_reading reading = {reserve, choose, &context};
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
    count_read(pipeline, task);
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
