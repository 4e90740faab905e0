/*
 * A batch: its address, its slab and its state.
 *
 * A slab is one block of memory, recycled for batches of the same stream: the tensors, the plan of
 * the slots, and the list of the replaced ones.  States go one way,
 *
 *     FREE -> PLANNED -> FILLING -> READY -> FREE
 *                               \-> FAILED -> FREE
 *
 * and batch_set_state is the only place that changes them.  State and references belong to the
 * loop's thread.  What is inside a FILLING batch belongs to the pipeline, until it hands the batch
 * back to the loop, which then makes it READY or FAILED.
 */
#ifndef STK_BATCH_H
#define STK_BATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "daemon/batch/layout.h"
#include "daemon/plan/plan.h"
#include "proto/status.h"

struct stream;

enum batch_state { BATCH_FREE, BATCH_PLANNED, BATCH_FILLING, BATCH_READY, BATCH_FAILED };

enum {
    /* A reason in a header, its end mark included: STK_BATCH_MAX of them fit into a header. */
    BATCH_REASON_BYTES = 64,
    BATCH_FAILURE_BYTES = 256, /* an error's message, likewise */
};

/* A picture while it is made: number i is slot i's own, number count + i is its partner's where
 * that comes from the data set. */
struct batch_slot {
    uint64_t index;    /* of the sample that really stands here; the plan's unless replaced */
    uint64_t position; /* whose draws it has */
    uint32_t attempt;  /* stand-ins tried */
    bool wanted;       /* false: the partner of a slot that is kept, which nobody needs */
};

/* A picture whose own sample could not be decoded. */
struct batch_replaced {
    uint32_t slot;  /* the picture's number */
    uint64_t index; /* of the sample that should have been there */
    char reason[BATCH_REASON_BYTES];
};

struct batch {
    /* Constant while the batch is not FREE. */
    const struct stream *stream;
    const struct layout *layout;
    struct stk_address address;
    enum stk_unmixed unmixed;
    uint32_t count;

    enum batch_state state; /* the loop's */
    uint32_t refs;          /* the loop's */

    uint32_t pictures; /* to be made: count, and the partners that are wanted */

    /* Pictures not made yet.  Released by each worker when its picture is done and acquired by
     * the last one, which so sees every slot. */
    _Atomic uint32_t slots_left;

    /* Under the pipeline's lock until the batch is finished, the loop's afterwards. */
    uint32_t slots_taken; /* pictures that a reader has begun */
    uint32_t slot_next;   /* number of the next one */
    uint32_t replaced_count;
    enum stk_status failure; /* STK_OK, or why the batch cannot be made */
    char failure_reason[BATCH_FAILURE_BYTES];

    uint8_t *slab; /* layout->bytes, aligned to LAYOUT_ALIGN */

    TAILQ_ENTRY(batch) queued; /* the pipeline's, then the loop's list of finished ones */
    TAILQ_ENTRY(batch) idle;   /* the cache's: unreferenced READY ones, or FREE ones */
    LIST_ENTRY(batch) hashed;  /* the cache's */
};

/**
 * Make a FREE batch with a slab.
 *
 *   layout   borrowed; must outlive the batch
 *   batch    set on success, NULL otherwise
 *
 * Owns:    the caller owns *batch and gives it to batch_close.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: any.  Blocks: no.  Allocates: the slab, untouched.
 */
STK_MUST_CHECK enum stk_status batch_open(const struct layout *layout, struct batch **batch);

/** Give a FREE batch back; *batch becomes NULL.  NULL is fine. */
void batch_close(struct batch **batch);

/**
 * Plan a FREE batch: its address, count and slots.
 *
 *   stream    whose batch it is; only its identity is used
 *   sampler   the stream's
 *
 *   unmixed   which pictures it will hold; the plan and all other tensors are the same
 *
 * Afterwards it is PLANNED, without references.  Threads: the loop.  Blocks: no.
 */
void batch_plan(struct batch *batch, const struct stream *stream, const struct recipe *recipe,
                const struct sampler *sampler, struct stk_address address,
                enum stk_unmixed unmixed);

/** Change the state; CHECKs that the change is one of those drawn above.  Threads: the owner's. */
void batch_set_state(struct batch *batch, enum batch_state state);

/** A present tensor's elements.  Threads: the owner's, and workers for slots they were given. */
void *batch_tensor(const struct batch *batch, enum layout_tensor tensor);

/** Where a picture stands, by its number: layout->slot_bytes bytes. */
void *batch_image(const struct batch *batch, uint32_t picture);

/** The partners' pictures, by slot; NULL where partners are slots of the batch. */
void *batch_partner_images(const struct batch *batch);

/** Take the next picture to be made; fewer than batch->pictures are taken.  Returns its number. */
uint32_t batch_take_picture(struct batch *batch);

/** The place of a picture's crop, four numbers, and of its flip and its label. */
int32_t *batch_crop(const struct batch *batch, uint32_t picture);
uint8_t *batch_flip(const struct batch *batch, uint32_t picture);
int32_t *batch_label(const struct batch *batch, uint32_t picture);

/** The place of a picture's erased box, four numbers; NULL where the stream erases nothing. */
int32_t *batch_erase(const struct batch *batch, uint32_t picture);

/** The plan of the slots, count of them. */
const struct plan_slot *batch_plan_slots(const struct batch *batch);

/** The pictures by number: count, or twice as many where partners come from the data set. */
struct batch_slot *batch_slots(const struct batch *batch);

/** The replaced pictures, replaced_count of them. */
struct batch_replaced *batch_replaced(const struct batch *batch);

/** A present tensor's dtype and its shape for this batch's count. */
struct stk_tensor_info batch_tensor_info(const struct batch *batch, enum layout_tensor tensor);

/**
 * Complete a FILLING batch whose slots all hold their pictures: partner labels and indices,
 * lambdas, boxes, the replaced pictures in order.
 *
 * Threads: the last worker.  Blocks: no.  Allocates: no.
 */
void batch_seal(struct batch *batch);

/**
 * Change a sealed batch's plan so that mixing gives every slot that is mixed its partner's picture,
 * whole.
 *
 *   height, width   of a picture
 *
 * Threads: the last worker.  Blocks: no.  Allocates: no.
 */
void batch_show_partners(struct batch *batch, uint32_t height, uint32_t width);

#endif
