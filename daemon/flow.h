/*
 * Flow: where the batches of one trainer's window are, integrated over time.
 *
 * At any moment some of them are asked for, some are sent and on their way, and the rest of the
 * window lies ready at the trainer.  The window is what was seen in use, the most that were asked
 * for, or under way, at once: who is granted eight may ask for one at a time.  The loop's thread
 * alone; the clock is handed in.
 */
#ifndef STK_FLOW_H
#define STK_FLOW_H

#include <stdint.h>

enum { FLOW_SPAN = 10 }; /* ticks */

/* Times that only grow.  The first three count batches times nanoseconds, the others the time. */
struct flow_sums {
    uint64_t asked_ns;
    uint64_t sent_ns;
    uint64_t held_ns;
    uint64_t active_ns;  /* with a window in use */
    uint64_t sending_ns; /* with a batch on its way */
    uint64_t ready_ns;   /* with a batch ready at the trainer */
    uint64_t starved_ns; /* without one */
    uint64_t images;     /* not times: sent */
    uint64_t batches;
    uint64_t bytes;
};

struct flow {
    struct flow_sums sums;
    uint64_t at_ns;                    /* up to when they count */
    uint32_t asked;                    /* now */
    uint32_t sent;                     /* now */
    uint32_t window;                   /* in use; 0 before the first request */
    struct flow_sums ticks[FLOW_SPAN]; /* the sums at the last ticks */
    uint64_t tick_ns[FLOW_SPAN];
    uint64_t tick_count;
};

/** Begin, or begin anew with another window.  Threads: the loop, here and below. */
void flow_init(struct flow *flow, uint64_t now_ns);

/** From now on so many batches are asked for and under way. */
void flow_change(struct flow *flow, uint32_t asked, uint32_t sent, uint64_t now_ns);

/** A batch was sent. */
void flow_count(struct flow *flow, uint64_t images, uint64_t bytes);

/**
 * Once a second.
 *
 *   queued_bytes   that the kernel keeps for the trainer: batches that left the daemon and did not
 *                  arrive, taken to have been there since the last tick
 */
void flow_tick(struct flow *flow, uint64_t queued_bytes, uint64_t now_ns);

/** What was added within the last FLOW_SPAN ticks; returns how long that was. */
uint64_t flow_recent(const struct flow *flow, struct flow_sums *recent);

/** Sums, one added to another. */
void flow_add(struct flow_sums *sums, const struct flow_sums *more);

/** The difference of two sums, of which after is the later one. */
struct flow_sums flow_between(const struct flow_sums *before, const struct flow_sums *after);

#endif
