/*
 * The way of a slot that has its picture, or never will.
 */
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/mix/mix.h"
#include "daemon/pipeline_parts.h"
#include "daemon/target.h"

/* After the batch was sealed: what it tells of the plan is told before that is changed. */
static void mix_batch(struct pipeline *pipeline, struct batch *batch)
{
    uint64_t start_ns = clock_now_ns();
    const struct recipe *recipe = &pipeline_phase(batch)->recipe;
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
        if (pipeline_phase(batch)->recipe.mix.method != MIX_NONE &&
            batch->unmixed != STK_UNMIXED_OWN)
            mix_batch(pipeline, batch);
        COUNT(pipeline, batch, batches_made, 1);
    } else {
        COUNT(pipeline, batch, batches_failed, 1);
    }
    pipeline->options.finished(pipeline->options.context, batch);
}

void pipeline_finish_task(struct pipeline *pipeline, struct task *task)
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
    pipeline_finish_task(pipeline, task);
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

/* Under lock: under way again.  Its storage is not kept, as it waits for a reader. */
static void read_again(struct pipeline *pipeline, struct task *task)
{
    pipeline_release_encoded(pipeline, &task->encoded);
    TAILQ_INSERT_TAIL(&pipeline->retries, task, entry);
    pthread_cond_signal(&pipeline->readable);
    pthread_cond_broadcast(&pipeline->room);
}

void pipeline_read_whole(struct pipeline *pipeline, struct task *task)
{
    pthread_mutex_lock(&pipeline->lock);
    task->whole = true;
    read_again(pipeline, task);
    pthread_mutex_unlock(&pipeline->lock);
}

/* With another sample. */
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
    task->whole = false;
    read_again(pipeline, task);
    pthread_mutex_unlock(&pipeline->lock);
}

/* The slot's sample is no good: another one takes its place, by the plan. */
static void replace_sample(struct pipeline *pipeline, struct task *task, enum stk_status status,
                           const char *reason)
{
    const struct batch *batch = task->batch;
    const struct stream *stream = batch->stream;
    const struct batch_slot *slot = &batch_slots(batch)[task->slot];
    bool fail = pipeline_phase(batch)->recipe.on_corrupt == ON_CORRUPT_FAIL ||
                slot->attempt == PIPELINE_STAND_INS_MAX;
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

bool pipeline_replaces(enum stk_status status)
{
    return status == STK_CORRUPT || status == STK_UNSUPPORTED || status == STK_UNREADABLE ||
           status == STK_LIMIT;
}

void pipeline_handle_failure(struct pipeline *pipeline, struct task *task, enum stk_status status,
                             const char *reason)
{
    if (pipeline_replaces(status))
        replace_sample(pipeline, task, status, reason);
    else
        meet_fault(pipeline, task, status, reason);
}
