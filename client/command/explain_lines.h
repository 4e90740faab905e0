/*
 * The words of an explained slot: what was drawn for it, and what came of its label.
 *
 * From the batch's tensors to the texts of a panel; explain.h draws them.  No sockets, no pictures.
 */
#ifndef STK_EXPLAIN_LINES_H
#define STK_EXPLAIN_LINES_H

#include "client/command/explain.h"
#include "client/command/slots.h"

enum { EXPLAIN_SAMPLE_BYTES = 64 };

/* Storage of what a panel points to. */
struct explain_texts {
    char sample[EXPLAIN_SAMPLE_BYTES];
    char partner_sample[EXPLAIN_SAMPLE_BYTES];
};

/**
 * Fill a panel's texts, boxes and lines; its pictures are the caller's.
 *
 *   classes        borrowed as long as the panel, as texts
 *   slot           below slots->count
 *   partner_slot   the slot that is its partner; -1 where that is none, or is not known
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
void explain_describe(const struct slots *slots, const struct class_names *classes, uint32_t slot,
                      int64_t partner_slot, struct explain_panel *panel,
                      struct explain_texts *texts);

#endif
