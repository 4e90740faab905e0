/*
 * Spreading: which endpoint is asked for a step, by how fast each one answers.
 *
 * The law.  An endpoint's cost is the time that a reply took over the requests that were in flight
 * there with it, smoothed: the inverse of its throughput.  The next step goes to the endpoint whose
 * answer is expected first, the one with the least (in flight + 1) x cost; requests in flight are
 * then shared out as the endpoints' throughputs are.  Endpoints that are expected within half as
 * much again count as equal, and among equals the step decides, so that trainers which share a
 * stream ask the same daemon for the same batch, and it is made once.  An endpoint that was never
 * measured counts as the fastest known.  One that is silent costs at least the age of its oldest
 * request over those in flight, so it is not asked on while it stalls; and one that has had nothing
 * to do for a second is asked for a step whatever it costs, so that its recovery is noticed.
 *
 * Pure arithmetic: no client, no clock; any thread.  Private to libstoker.
 */
#ifndef STK_SPREAD_H
#define STK_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

enum { STK_PROBE_MS = 1000 };

/* How fast an endpoint answers, as far as it is known; all zero: not at all. */
struct stk_pace {
    uint64_t reply_ns; /* from a request to its reply, smoothed */
    uint64_t cost_ns;  /* the same over the requests in flight with it */
};

/**
 * A reply has come.
 *
 *   took_ns    at most, from its request
 *   beside     requests in flight when it was asked, itself counted: >= 1
 *   exact      whether it took that long; otherwise nobody looked, and it may have come earlier
 */
void stk_pace_reply(struct stk_pace *pace, uint64_t took_ns, uint32_t beside, bool exact);

/** A reply has not come for so long, and is no longer waited for. */
void stk_pace_give_up(struct stk_pace *pace, uint64_t age_ns, uint32_t beside);

/* An endpoint as a step to be asked for sees it. */
struct stk_candidate {
    bool open; /* it may be asked: live, not resting, with room in its window */
    struct stk_pace pace;
    uint32_t in_flight;
    uint64_t oldest_ns; /* age of its oldest request in flight; 0 where there is none */
    uint64_t idle_ns;   /* since it was asked last */
};

/**
 * The endpoint to ask for a step.
 *
 *   count    candidates, 1 .. STK_ENDPOINTS_MAX
 *   probe    whether this step may go to an idle endpoint whatever it costs
 *   picked   set where one is open
 *
 * Returns: whether one is open.
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
bool stk_spread_pick(const struct stk_candidate *candidates, uint32_t count, uint64_t step,
                     bool probe, uint32_t *picked);

#endif
