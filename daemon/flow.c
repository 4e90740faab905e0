/*
 * Flow: sums.
 */
#include "daemon/flow.h"

#include <stddef.h>

/* All fields are uint64_t, in order. */
enum { FIELDS = sizeof(struct flow_sums) / sizeof(uint64_t) };

_Static_assert(sizeof(struct flow_sums) % sizeof(uint64_t) == 0, "nothing but numbers");

void flow_add(struct flow_sums *sums, const struct flow_sums *more)
{
    uint64_t *to = (uint64_t *)sums;
    const uint64_t *from = (const uint64_t *)more;
    for (size_t i = 0; i < FIELDS; i++)
        to[i] += from[i];
}

struct flow_sums flow_between(const struct flow_sums *before, const struct flow_sums *after)
{
    struct flow_sums between = *after;
    uint64_t *to = (uint64_t *)&between;
    const uint64_t *from = (const uint64_t *)before;
    for (size_t i = 0; i < FIELDS; i++)
        to[i] -= from[i];
    return between;
}

void flow_init(struct flow *flow, uint64_t now_ns)
{
    *flow = (struct flow){.at_ns = now_ns};
    flow->tick_ns[0] = now_ns;
    flow->tick_count = 1;
}

/* Up to now everything was as it stands. */
static void advance(struct flow *flow, uint64_t now_ns)
{
    uint64_t passed_ns = now_ns - flow->at_ns;
    flow->at_ns = now_ns;
    if (flow->window == 0)
        return;
    struct flow_sums *sums = &flow->sums;
    uint32_t away = flow->asked + flow->sent;
    uint32_t held = away < flow->window ? flow->window - away : 0;
    sums->asked_ns += passed_ns * flow->asked;
    sums->sent_ns += passed_ns * flow->sent;
    sums->held_ns += passed_ns * held;
    sums->active_ns += passed_ns;
    sums->sending_ns += flow->sent > 0 ? passed_ns : 0;
    sums->ready_ns += held > 0 ? passed_ns : 0;
    sums->starved_ns += held == 0 ? passed_ns : 0;
}

void flow_change(struct flow *flow, uint32_t asked, uint32_t sent, uint64_t now_ns)
{
    advance(flow, now_ns);
    flow->asked = asked;
    flow->sent = sent;
    uint32_t most = asked > sent ? asked : sent;
    flow->window = most > flow->window ? most : flow->window;
}

void flow_count(struct flow *flow, uint64_t images, uint64_t bytes)
{
    flow->sums.images += images;
    flow->sums.batches++;
    flow->sums.bytes += bytes;
}

/* Batches that the kernel keeps are no more at the trainer than those that the daemon does. */
static void move_queued(struct flow_sums *sums, const struct flow_sums *since,
                        uint64_t queued_bytes)
{
    if (queued_bytes == 0 || sums->batches == 0 || since->held_ns == 0)
        return;
    double batch_bytes = (double)sums->bytes / (double)sums->batches;
    double queued = (double)queued_bytes / batch_bytes;
    double held = (double)since->held_ns / (double)since->active_ns;
    double moved = queued < held ? queued / held : 1;
    uint64_t held_ns = (uint64_t)(moved * (double)since->held_ns);
    uint64_t ready_ns = (uint64_t)(moved * (double)since->ready_ns);
    uint64_t unsent_ns = since->active_ns - since->sending_ns;
    sums->held_ns -= held_ns;
    sums->sent_ns += held_ns;
    sums->ready_ns -= ready_ns;
    sums->starved_ns += ready_ns;
    sums->sending_ns += ready_ns < unsent_ns ? ready_ns : unsent_ns;
}

void flow_tick(struct flow *flow, uint64_t queued_bytes, uint64_t now_ns)
{
    advance(flow, now_ns);
    struct flow_sums since =
        flow_between(&flow->ticks[(flow->tick_count - 1) % FLOW_SPAN], &flow->sums);
    move_queued(&flow->sums, &since, queued_bytes);
    flow->ticks[flow->tick_count % FLOW_SPAN] = flow->sums;
    flow->tick_ns[flow->tick_count % FLOW_SPAN] = now_ns;
    flow->tick_count++;
}

uint64_t flow_recent(const struct flow *flow, struct flow_sums *recent)
{
    uint64_t last = flow->tick_count - 1;
    uint64_t first = last < FLOW_SPAN ? 0 : last - FLOW_SPAN + 1;
    *recent = flow_between(&flow->ticks[first % FLOW_SPAN], &flow->ticks[last % FLOW_SPAN]);
    return flow->tick_ns[last % FLOW_SPAN] - flow->tick_ns[first % FLOW_SPAN];
}
