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
 * A task is a sample on its way: idle -> reading -> decodable -> idle, or back to a reader: with
 * another sample where it cannot be decoded, with the same one, whole, where the map that a part of
 * it was read by does not fit.  There is a fixed number of tasks, which bounds how far readers run
 * ahead.  `lock` is the only lock, held for list operations alone; `finished` is called without it.
 *
 * Readers sleep in a full pipeline, and one is woken for each sample that is done once no more wait
 * for a worker than there are workers.  So with files in memory one reader works in bursts, where a
 * switch to it and back for every sample would cost 5 % of the CPU; and with files on a slow disk,
 * where the readers never catch up, all of them read at once.
 */
#include "daemon/pipeline.h"

#include <pthread.h>
#include <stdlib.h>

#include "daemon/pipeline_parts.h"

enum {
    TASKS_A_WORKER = 4,              /* samples read ahead */
    THREAD_STACK_BYTES = 512 * 1024, /* nothing here recurses; libjpeg-turbo needs little */
};

uint32_t pipeline_task_count(const struct pipeline_options *options)
{
    return options->readers + TASKS_A_WORKER * options->workers;
}

size_t pipeline_map_bytes_max(const struct pipeline_options *options)
{
    return pipeline_task_count(options) * (sizeof(struct task) + (size_t)INDEX_BUFFER_BYTES_MAX);
}

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
        if (pthread_create(&pipeline->threads[i], &attributes,
                           reader ? pipeline_reader_main : pipeline_worker_main, argument) != 0)
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
    made->task_count = pipeline_task_count(options);
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
    for (uint32_t i = 0; closing->tasks != NULL && i < closing->task_count; i++) {
        free(closing->tasks[i].encoded.data);
        index_buffer_release(&closing->tasks[i].map_buffer);
    }
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
