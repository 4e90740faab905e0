/*
 * The layout of a batch: which tensors it has, and where they stand in its slab.
 *
 * Plain data, made once a stream; any thread.
 */
#ifndef STK_LAYOUT_H
#define STK_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/recipe.h"
#include "proto/message.h"

enum { LAYOUT_ALIGN = 64 }; /* of every tensor in memory, in bytes */

/* The tensors that batches have, in frame order; those in brackets only where the recipe asks, or
 * the source has labels that need one: layout->present says. */
enum layout_tensor {
    LAYOUT_IMAGES,        /* dtype of the stream, [count, height, width, 3] or [count, 3, ...] */
    LAYOUT_LABEL,         /* i4 [count] */
    LAYOUT_PARTNER_LABEL, /* i4 [count] */
    LAYOUT_LAMBDA,        /* f4 [count] */
    LAYOUT_INDEX,         /* u8 (64-bit) [count] */
    LAYOUT_PARTNER_INDEX, /* u8 (64-bit) [count] */
    LAYOUT_CROP,          /* i4 [count, 4]: top, left, height, width in source pixels */
    LAYOUT_FLIP,          /* u1 [count] */
    LAYOUT_CUT,           /* [i4 [count, 4]]: CutMix's box, as crop, in served pixels */
    LAYOUT_PARTNER_CROP,  /* [i4 [count, 4]]: of partners from the data set */
    LAYOUT_PARTNER_FLIP,  /* [u1 [count]]: likewise */
    LAYOUT_ERASE,         /* [i4 [count, 4]]: what was erased, in served pixels */
    LAYOUT_PARTNER_ERASE, /* [i4 [count, 4]]: likewise, of partners from the data set */
    LAYOUT_TARGET,        /* [f4 [count, classes]]: where labels are dense */
    LAYOUT_VALID,         /* [u1 [count]]: with last = mask */
    LAYOUT_TENSORS,
};

struct layout {
    uint32_t batch;    /* slots that there is room for */
    uint32_t pictures; /* that there is room for: batch, or twice as many with partners of theirs */
    size_t slot_bytes; /* of one picture */
    bool present[LAYOUT_TENSORS]; /* the others have no bytes and are not sent */
    size_t offset[LAYOUT_TENSORS];
    size_t partner_offset;                       /* the partners' pictures, as images; not sent */
    size_t plan_offset;                          /* struct plan_slot [batch] */
    size_t slot_offset;                          /* struct batch_slot [pictures] */
    size_t replaced_offset;                      /* struct batch_replaced [pictures] */
    size_t bytes;                                /* of the whole slab */
    struct stk_tensor_info info[LAYOUT_TENSORS]; /* shape[0] is batch */
};

/**
 * Lay out the slab of a stream's batches.
 *
 *   target_columns   of the target; 0 where the stream has none
 *
 * Owns: nothing; names are constant.  Threads: any.  Blocks: no.  Allocates: no.
 */
void layout_init(struct layout *layout, const struct recipe *recipe, uint32_t target_columns);

/** The tensors that are present, in frame order; returns how many.  Threads: any.  Blocks: no. */
uint32_t layout_list(const struct layout *layout, enum layout_tensor list[LAYOUT_TENSORS]);

#endif
