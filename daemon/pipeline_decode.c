/*
 * Workers: they decode samples into their slots.
 */
#include "daemon/base/clock.h"
#include "daemon/pipeline_parts.h"
#include "daemon/transform/transform.h"

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
    const struct image_format *format = &pipeline_phase(batch)->format;
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
    const struct stream_phase *phase = pipeline_phase(batch);
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
        pipeline_finish_task(pipeline, task);
    } else {
        pipeline_handle_failure(pipeline, task, status, reason);
    }
}

void *pipeline_worker_main(void *argument)
{
    struct worker *worker = argument;
    struct pipeline *pipeline = worker->pipeline;
    for (struct task *task = wait_decode(pipeline); task != NULL; task = wait_decode(pipeline))
        work(pipeline, worker->decoder, task);
    return NULL;
}
