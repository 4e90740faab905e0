/*
 * Peek: pictures of a batch made once more, one at a time, for somebody who looks at them.
 *
 * What is made is what the pipeline makes at the same address, stand-ins included, but always as
 * 8-bit RGB rows, whatever the stream's dtype and layout.  Nothing is counted, logged or remembered
 * of it; the trainers' batches, figures and memory are not touched.
 */
#ifndef STK_PEEK_H
#define STK_PEEK_H

#include "daemon/plan/plan.h"
#include "daemon/stream.h"
#include "daemon/transform/transform.h"

enum {
    PEEK_SOURCE_SIDE_MAX = 512, /* of a source picture that is looked at whole */
    PEEK_REASON_BYTES = 640,    /* storage for a reason, its end mark included */
};

struct peek;

/* What may be looked at. */
enum peek_show {
    PEEK_SERVED,         /* the slot's picture as trainers get it */
    PEEK_OWN,            /* likewise, before it is mixed */
    PEEK_PARTNER,        /* what it is mixed with */
    PEEK_OWN_SOURCE,     /* the whole picture that the slot's own is cut from */
    PEEK_PARTNER_SOURCE, /* likewise its partner's */
    PEEK_SHOWS
};

/* A picture of a batch: a slot's own, or its partner. */
struct peek_picture {
    uint64_t index;                 /* the sample that stands there */
    bool failed;                    /* none does, and reason says why; what follows is not set */
    char reason[PEEK_REASON_BYTES]; /* else why the plan's own does not; empty where it does */
    uint32_t height;                /* of the whole source */
    uint32_t width;
    struct transform_drawn drawn;
    struct box crop; /* of the source, what is served */
};

/* Pixels that were made: uint8 [height, width, 3], RGB; the peek's, until it makes others. */
struct peek_pixels {
    const uint8_t *bytes;
    uint32_t height;
    uint32_t width;
};

/* How long pictures may take: asked by the peek's thread again and again while it makes them. */
struct peek_patience {
    /* STK_OK to go on.  STK_CLOSED where it has ended: what is being made is dropped.  STK_LIMIT
     * where it has ended and there will never be more: what is being made has failed.  Once it has
     * ended, it stays so until peek_make, or whoever calls that, has returned. */
    enum stk_status (*ask)(void *context);
    void *context;
};

/**
 * Make a peek, which takes memory when it is used first.
 *
 *   limits              of one picture, their patience apart; copied
 *   encoded_bytes_max   of one sample
 *   patience            copied
 *   peek                set on success, NULL otherwise
 *
 * Owns:    the caller owns *peek and gives it to peek_close.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: one at a time uses a peek.
 */
STK_MUST_CHECK enum stk_status peek_open(const struct image_limits *limits,
                                         size_t encoded_bytes_max,
                                         const struct peek_patience *patience, struct peek **peek);

/** Give it back; *peek becomes NULL.  NULL is fine. */
void peek_close(struct peek **peek);

/** Whether patience has ended. */
bool peek_has_ended(const struct peek *peek);

/** An upper bound of a peek's memory beside streams, for the memory plan. */
size_t peek_bytes_max(const struct image_limits *limits, size_t encoded_bytes_max,
                      struct stream *const *streams, size_t count);

/**
 * Plan a batch.
 *
 *   address   plan_has_step
 *   slots     set to the plan of the batch's plan_count slots; the peek's, until the next plan
 *
 * Owns:    borrows the stream until the next plan, or the peek's end.
 * Returns: STK_OK or STK_MEMORY.
 * Blocks:  no.
 */
STK_MUST_CHECK enum stk_status peek_plan(struct peek *peek, const struct stream *stream,
                                         struct stk_address address,
                                         const struct plan_slot **slots);

/**
 * Make a picture of the batch planned last.
 *
 *   slot      of the batch; with PEEK_PARTNER and PEEK_PARTNER_SOURCE one that is mixed
 *   picture   set on success: of the slot's own or of its partner, by what is shown
 *   pixels    set on success, where the picture has not failed
 *   reason    PEEK_REASON_BYTES of storage: why it failed
 *
 * Returns: STK_OK, also where no sample can stand in the slot, which the trainers are told as well;
 *          STK_SYSTEM for a fault that may pass, STK_MEMORY, STK_CLOSED where patience ended.
 * Blocks:  on the file system.
 */
STK_MUST_CHECK enum stk_status peek_make(struct peek *peek, uint32_t slot, enum peek_show show,
                                         struct peek_picture *picture, struct peek_pixels *pixels,
                                         char *reason);

#endif
