/*
 * A batch: life cycle, plan and seal.
 */
#include "daemon/batch/batch.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"

enum stk_status batch_open(const struct layout *layout, struct batch **batch)
{
    *batch = NULL;
    struct batch *made = calloc(1, sizeof *made);
    if (made == NULL)
        return STK_MEMORY;
    made->layout = layout;
    made->slab = aligned_alloc(LAYOUT_ALIGN, layout->bytes);
    if (made->slab == NULL) {
        free(made);
        return STK_MEMORY;
    }
    *batch = made;
    return STK_OK;
}

void batch_close(struct batch **batch)
{
    if (*batch == NULL)
        return;
    CHECK((*batch)->state == BATCH_FREE && (*batch)->refs == 0);
    free((*batch)->slab);
    free(*batch);
    *batch = NULL;
}

void batch_set_state(struct batch *batch, enum batch_state state)
{
    static const uint8_t allowed[] = {
        [BATCH_FREE] = 1 << BATCH_PLANNED,
        [BATCH_PLANNED] = 1 << BATCH_FILLING,
        [BATCH_FILLING] = 1 << BATCH_READY | 1 << BATCH_FAILED,
        [BATCH_READY] = 1 << BATCH_FREE,
        [BATCH_FAILED] = 1 << BATCH_FREE,
    };
    CHECK(allowed[batch->state] & 1 << state);
    batch->state = state;
}

void batch_plan(struct batch *batch, const struct stream *stream, const struct recipe *recipe,
                const struct sampler *sampler, struct stk_address address)
{
    batch_set_state(batch, BATCH_PLANNED);
    batch->stream = stream;
    batch->address = address;
    batch->count = plan_count(recipe, sampler->length, address.step);
    CHECK(batch->count <= batch->layout->batch);
    batch->slots_taken = 0;
    batch->replaced_count = 0;
    batch->failure = STK_OK;
    atomic_store_explicit(&batch->slots_left, batch->count, memory_order_relaxed);
    struct plan_slot *plan = (struct plan_slot *)(void *)(batch->slab + batch->layout->plan_offset);
    plan_batch(recipe, sampler, address, plan);
    for (uint32_t i = 0; i < batch->count; i++)
        batch_slots(batch)[i] = (struct batch_slot){.index = plan[i].index};
}

void *batch_tensor(const struct batch *batch, enum layout_tensor tensor)
{
    return batch->slab + batch->layout->offset[tensor];
}

void *batch_image(const struct batch *batch, uint32_t slot)
{
    return batch->slab + batch->layout->offset[LAYOUT_IMAGES] + slot * batch->layout->slot_bytes;
}

const struct plan_slot *batch_plan_slots(const struct batch *batch)
{
    return (const struct plan_slot *)(const void *)(batch->slab + batch->layout->plan_offset);
}

struct batch_slot *batch_slots(const struct batch *batch)
{
    return (struct batch_slot *)(void *)(batch->slab + batch->layout->slot_offset);
}

struct batch_replaced *batch_replaced(const struct batch *batch)
{
    return (struct batch_replaced *)(void *)(batch->slab + batch->layout->replaced_offset);
}

struct stk_tensor_info batch_tensor_info(const struct batch *batch, enum layout_tensor tensor)
{
    struct stk_tensor_info info = batch->layout->info[tensor];
    info.shape[0] = batch->count;
    return info;
}

static int by_slot(const void *a, const void *b)
{
    const struct batch_replaced *first = a;
    const struct batch_replaced *second = b;
    return (first->slot > second->slot) - (first->slot < second->slot);
}

static void seal_valid(struct batch *batch)
{
    if (!batch->layout->present[LAYOUT_VALID])
        return;
    const struct plan_slot *plan = batch_plan_slots(batch);
    uint8_t *valid = batch_tensor(batch, LAYOUT_VALID);
    for (uint32_t i = 0; i < batch->count; i++)
        valid[i] = plan[i].valid;
}

void batch_seal(struct batch *batch)
{
    const struct plan_slot *plan = batch_plan_slots(batch);
    const struct batch_slot *slots = batch_slots(batch);
    const int32_t *label = batch_tensor(batch, LAYOUT_LABEL);
    int32_t *partner_label = batch_tensor(batch, LAYOUT_PARTNER_LABEL);
    float *lambda = batch_tensor(batch, LAYOUT_LAMBDA);
    uint64_t *index = batch_tensor(batch, LAYOUT_INDEX);
    uint64_t *partner_index = batch_tensor(batch, LAYOUT_PARTNER_INDEX);
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t partner = plan[i].partner;
        partner_label[i] = label[partner];
        lambda[i] = (float)plan[i].weight / PLAN_LAMBDA_ONE;
        index[i] = slots[i].index;
        partner_index[i] = slots[partner].index;
    }
    seal_valid(batch);
    /* Workers found them in any order; the header's bytes must not depend on it. */
    qsort(batch_replaced(batch), batch->replaced_count, sizeof(struct batch_replaced), by_slot);
}
