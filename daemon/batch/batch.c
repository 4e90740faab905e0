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

static struct plan_slot *plan_slots(const struct batch *batch)
{
    return (struct plan_slot *)(void *)(batch->slab + batch->layout->plan_offset);
}

/* What is to be made, from the plan of the slots; returns how many pictures are. */
static uint32_t plan_pictures(const struct batch *batch)
{
    const struct plan_slot *plan = batch_plan_slots(batch);
    struct batch_slot *pictures = batch_slots(batch);
    struct batch_slot *partners = pictures + batch->count;
    uint32_t wanted = batch->count;
    for (uint32_t i = 0; i < batch->count; i++) {
        pictures[i] = (struct batch_slot){
            .index = plan[i].index, .position = plan[i].position, .wanted = true};
        if (batch_partner_images(batch) == NULL)
            continue;
        partners[i] = (struct batch_slot){.index = plan[i].partner_index,
                                          .position = plan[i].position + PLAN_PARTNER_POSITION,
                                          .wanted = plan[i].mixing != PLAN_KEEP};
        wanted += partners[i].wanted;
    }
    return wanted;
}

void batch_plan(struct batch *batch, const struct stream *stream, const struct recipe *recipe,
                const struct sampler *sampler, struct stk_address address, enum stk_unmixed unmixed)
{
    batch_set_state(batch, BATCH_PLANNED);
    batch->stream = stream;
    batch->address = address;
    batch->unmixed = unmixed;
    batch->count = plan_count(recipe, sampler->length, address.step);
    CHECK(batch->count <= batch->layout->batch);
    batch->slots_taken = 0;
    batch->slot_next = 0;
    batch->replaced_count = 0;
    batch->failure = STK_OK;
    plan_batch(recipe, sampler, address, plan_slots(batch));
    batch->pictures = plan_pictures(batch);
    atomic_store_explicit(&batch->slots_left, batch->pictures, memory_order_relaxed);
}

uint32_t batch_take_picture(struct batch *batch)
{
    CHECK(batch->slots_taken < batch->pictures);
    while (!batch_slots(batch)[batch->slot_next].wanted)
        batch->slot_next++;
    batch->slots_taken++;
    return batch->slot_next++;
}

void *batch_tensor(const struct batch *batch, enum layout_tensor tensor)
{
    return batch->slab + batch->layout->offset[tensor];
}

void *batch_image(const struct batch *batch, uint32_t picture)
{
    const struct layout *layout = batch->layout;
    if (picture < batch->count)
        return batch->slab + layout->offset[LAYOUT_IMAGES] + picture * layout->slot_bytes;
    return batch->slab + layout->partner_offset + (picture - batch->count) * layout->slot_bytes;
}

void *batch_partner_images(const struct batch *batch)
{
    bool separate = batch->layout->pictures > batch->layout->batch;
    return separate ? batch->slab + batch->layout->partner_offset : NULL;
}

/* A picture's row of four numbers: pictures that are no slots' own have a tensor of their own. */
static int32_t *picture_box(const struct batch *batch, uint32_t picture, enum layout_tensor own,
                            enum layout_tensor partner)
{
    if (picture < batch->count)
        return (int32_t *)batch_tensor(batch, own) + 4 * (size_t)picture;
    return (int32_t *)batch_tensor(batch, partner) + 4 * (size_t)(picture - batch->count);
}

int32_t *batch_crop(const struct batch *batch, uint32_t picture)
{
    return picture_box(batch, picture, LAYOUT_CROP, LAYOUT_PARTNER_CROP);
}

int32_t *batch_erase(const struct batch *batch, uint32_t picture)
{
    if (!batch->layout->present[LAYOUT_ERASE])
        return NULL;
    return picture_box(batch, picture, LAYOUT_ERASE, LAYOUT_PARTNER_ERASE);
}

uint8_t *batch_flip(const struct batch *batch, uint32_t picture)
{
    if (picture < batch->count)
        return (uint8_t *)batch_tensor(batch, LAYOUT_FLIP) + picture;
    return (uint8_t *)batch_tensor(batch, LAYOUT_PARTNER_FLIP) + (picture - batch->count);
}

int32_t *batch_label(const struct batch *batch, uint32_t picture)
{
    if (picture < batch->count)
        return (int32_t *)batch_tensor(batch, LAYOUT_LABEL) + picture;
    return (int32_t *)batch_tensor(batch, LAYOUT_PARTNER_LABEL) + (picture - batch->count);
}

const struct plan_slot *batch_plan_slots(const struct batch *batch)
{
    return plan_slots(batch);
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

/* A slot that is kept is its own partner. */
static void copy_own(const struct batch *batch, uint32_t slot)
{
    uint32_t partner = batch->count + slot;
    memcpy(batch_crop(batch, partner), batch_crop(batch, slot), 4 * sizeof(int32_t));
    if (batch->layout->present[LAYOUT_ERASE])
        memcpy(batch_erase(batch, partner), batch_erase(batch, slot), 4 * sizeof(int32_t));
    *batch_flip(batch, partner) = *batch_flip(batch, slot);
    *batch_label(batch, partner) = *batch_label(batch, slot);
}

/* Partners from the data set have their labels, boxes and flips from the workers. */
static void seal_separate(const struct batch *batch)
{
    const struct plan_slot *plan = batch_plan_slots(batch);
    const struct batch_slot *pictures = batch_slots(batch);
    uint64_t *partner_index = batch_tensor(batch, LAYOUT_PARTNER_INDEX);
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t partner = batch->count + i;
        if (plan[i].mixing == PLAN_KEEP) {
            copy_own(batch, i);
            partner = i;
        }
        partner_index[i] = pictures[partner].index;
    }
}

static void seal_partners(const struct batch *batch)
{
    const struct plan_slot *plan = batch_plan_slots(batch);
    const struct batch_slot *pictures = batch_slots(batch);
    const int32_t *label = batch_tensor(batch, LAYOUT_LABEL);
    int32_t *partner_label = batch_tensor(batch, LAYOUT_PARTNER_LABEL);
    uint64_t *partner_index = batch_tensor(batch, LAYOUT_PARTNER_INDEX);
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t partner = plan[i].mixing == PLAN_KEEP ? i : plan[i].partner;
        partner_label[i] = label[partner];
        partner_index[i] = pictures[partner].index;
    }
}

static void seal_cuts(const struct batch *batch)
{
    const struct plan_slot *plan = batch_plan_slots(batch);
    int32_t *cut = batch_tensor(batch, LAYOUT_CUT);
    for (uint32_t i = 0; i < batch->count; i++) {
        bool boxed = plan[i].mixing == PLAN_CUT;
        cut[4 * i] = boxed ? plan[i].cut.top : 0;
        cut[4 * i + 1] = boxed ? plan[i].cut.left : 0;
        cut[4 * i + 2] = boxed ? plan[i].cut.height : 0;
        cut[4 * i + 3] = boxed ? plan[i].cut.width : 0;
    }
}

void batch_seal(struct batch *batch)
{
    const struct plan_slot *plan = batch_plan_slots(batch);
    const struct batch_slot *slots = batch_slots(batch);
    float *lambda = batch_tensor(batch, LAYOUT_LAMBDA);
    uint64_t *index = batch_tensor(batch, LAYOUT_INDEX);
    for (uint32_t i = 0; i < batch->count; i++) {
        lambda[i] = plan[i].lambda;
        index[i] = slots[i].index;
    }
    if (batch_partner_images(batch) != NULL)
        seal_separate(batch);
    else
        seal_partners(batch);
    if (batch->layout->present[LAYOUT_CUT])
        seal_cuts(batch);
    seal_valid(batch);
    /* Workers found them in any order; the header's bytes must not depend on it. */
    qsort(batch_replaced(batch), batch->replaced_count, sizeof(struct batch_replaced), by_slot);
}

void batch_show_partners(struct batch *batch, uint32_t height, uint32_t width)
{
    struct plan_slot *plan = plan_slots(batch);
    for (uint32_t i = 0; i < batch->count; i++) {
        if (plan[i].mixing == PLAN_KEEP)
            continue;
        plan[i].mixing = PLAN_CUT;
        plan[i].cut = (struct box){.height = (int32_t)height, .width = (int32_t)width};
    }
}
