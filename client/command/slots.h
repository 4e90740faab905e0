/*
 * Slots: what the small tensors of a batch say of each picture, and how a person reads it.
 *
 * Plain data and texts; no sockets, no drawing, no output.  Any thread.
 */
#ifndef STK_SLOTS_H
#define STK_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/command/class_names.h"
#include "client/stoker.h"

enum {
    SLOTS_BOX_BYTES = 64,    /* a box as text, its end mark included */
    SLOTS_TARGET_BYTES = 96, /* a target as text, likewise; what does not fit is cut */
    SLOTS_ENTRIES_MAX = 4,   /* of a target that are told */
};

/* The tensors of a batch, borrowed from it: a row a slot. */
struct slots {
    uint32_t count;
    const int32_t *label;
    const int32_t *partner_label;
    const float *lambda;
    const uint64_t *index;
    const uint64_t *partner_index;
    const int32_t *crop;
    const uint8_t *flip;
    /* NULL where the stream has none: */
    const int32_t *cut;
    const int32_t *partner_crop;
    const uint8_t *partner_flip;
    const int32_t *erase;
    const int32_t *partner_erase;
    const float *target;
    uint32_t columns; /* of the target */
    const uint8_t *valid;
    const struct stk_replaced *replaced;
    uint32_t replaced_count;
};

/* An element of a target. */
struct slots_entry {
    uint32_t column;
    float value;
};

/** Find a batch's tensors; false where one is missing that every stream has. */
bool slots_init(struct slots *slots, const struct stk_batch *batch);

/** Whether a slot counts: all do but those that only fill a masked batch. */
bool slots_valid(const struct slots *slots, uint32_t slot);

/** The row of a picture that was replaced, by its number; NULL where it is the plan's own. */
const struct stk_replaced *slots_replaced(const struct slots *slots, uint32_t picture);

/** Whether top, left, height and width are a box at all. */
bool slots_is_box(const int32_t box[4]);

/** A box as "WIDTHxHEIGHT at LEFT,TOP". */
void slots_box_text(const int32_t box[4], char text[SLOTS_BOX_BYTES]);

/**
 * The elements of a row that are not 0, the largest first.
 *
 *   row       f4 [columns]
 *   entries   SLOTS_ENTRIES_MAX of them, filled as far as there are any
 *
 * Returns: how many are not 0, told or not.
 */
uint32_t slots_entries(const float *row, uint32_t columns,
                       struct slots_entry entries[SLOTS_ENTRIES_MAX]);

/** A slot's target by columns, "3=0.7 5=0.3", or "0"; the stream has one. */
void slots_target_text(const struct slots *slots, uint32_t slot, char text[SLOTS_TARGET_BYTES]);

/**
 * What a slot is, for a caption: the name of its class; where labels are several, the names of the
 * classes above 0, with those shares that are not whole; where they are numbers, these.
 *
 *   kind   as the stream's description says
 *
 * "?" where the batch does not say.
 */
void slots_caption(const struct slots *slots, const struct class_names *classes,
                   enum stk_label_kind kind, uint32_t slot, char text[SLOTS_TARGET_BYTES]);

#endif
