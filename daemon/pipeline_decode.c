/*
 * Workers: they decode samples into their slots.
 */
#include <string.h>
#include <xxhash.h>

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

/* Of what is decoded whole because no index knows it, where an index is being made. */
static bool is_to_be_noted(const struct task *task)
{
    const struct maps *maps = task->batch->stream->maps;
    bool unknown = task->found == MAPS_MISSING || task->found == MAPS_STALE;
    return unknown && maps != NULL && maps_wants(maps);
}

static const char *path_of(const struct task *task)
{
    return source_name(task->batch->stream->source, batch_slots(task->batch)[task->slot].index);
}

static enum index_contents contents_of(const struct jpeg_map *map)
{
    if (map == NULL)
        return INDEX_CORRUPT;
    if (map->component_count == 0)
        return INDEX_FOREIGN;
    return map->entries.columns > 0 ? INDEX_ENTRIES : INDEX_CRAMPED;
}

/* Damage below the view shows now, and in no view that lies above it. */
static void note(const struct task *task, const struct jpeg_map *map)
{
    const struct encoded *encoded = &task->encoded;
    struct index_sample sample = {
        .path = path_of(task),
        .bytes = encoded->file.bytes,
        .mtime_ns = encoded->file.mtime_ns,
        .checksum = XXH3_64bits(encoded->data, encoded->len),
        .contents = contents_of(map),
    };
    if (map != NULL)
        sample.map = *map;
    maps_add(task->batch->stream->maps, &sample);
}

/* By the map, of which only a part of the file was read; or from the file's beginning. */
static enum stk_status begin(struct image_decoder *decoder, const struct task *task, bool noted,
                             uint32_t *height, uint32_t *width, char *reason)
{
    const struct encoded *encoded = &task->encoded;
    if (task->found == MAPS_FOUND) {
        *height = task->sample.map.height;
        *width = task->sample.map.width;
        return image_decoder_enter(decoder, &task->sample.map, encoded->data, encoded->from,
                                   encoded->len);
    }
    if (noted)
        image_decoder_collect(decoder,
                              index_entry_bytes_max(encoded->file.bytes, strlen(path_of(task))));
    return image_decoder_begin(decoder, encoded->data, encoded->len, height, width, reason);
}

static enum stk_status decode(struct image_decoder *decoder, const struct task *task, bool noted,
                              char *reason)
{
    const struct batch *batch = task->batch;
    const struct stream_phase *phase = pipeline_phase(batch);
    uint64_t position = batch_slots(batch)[task->slot].position;
    void *image = batch_image(batch, task->slot);
    uint32_t height;
    uint32_t width;
    enum stk_status status = begin(decoder, task, noted, &height, &width, reason);
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

static enum stk_status decode_task(struct image_decoder *decoder, const struct task *task,
                                   char *reason)
{
    bool noted = is_to_be_noted(task);
    enum stk_status status = decode(decoder, task, noted, reason);
    bool sample = status == STK_OK || status == STK_CORRUPT || status == STK_UNSUPPORTED;
    if (noted && sample)
        note(task, image_decoder_collected(decoder));
    return status;
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
    } else if (status == STK_STALE) {
        pipeline_count_stale(pipeline, task);
        pipeline_read_whole(pipeline, task);
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
