/*
 * Spreading: see spread.h.
 */
#include "client/spread.h"

#include "client/stoker.h"

/* What falls is believed sooner than what rises: an endpoint that has recovered is found out by one
 * request a second, and a single slow reply says little. */
static void smooth(uint64_t *estimate, uint64_t measured, bool exact)
{
    if (*estimate == 0)
        *estimate = measured;
    else if (measured < *estimate)
        *estimate -= (*estimate - measured) / 2;
    else if (exact)
        *estimate += (measured - *estimate) / 4;
    *estimate += *estimate == 0; /* 0 is "not known" */
}

void stk_pace_reply(struct stk_pace *pace, uint64_t took_ns, uint32_t beside, bool exact)
{
    smooth(&pace->reply_ns, took_ns, exact);
    smooth(&pace->cost_ns, took_ns / beside, exact);
}

void stk_pace_give_up(struct stk_pace *pace, uint64_t age_ns, uint32_t beside)
{
    if (pace->reply_ns < age_ns)
        pace->reply_ns = age_ns;
    if (pace->cost_ns < age_ns / beside)
        pace->cost_ns = age_ns / beside;
}

/* The least cost among those that were measured; 1 where nobody was. */
static uint64_t least_cost(const struct stk_candidate *candidates, uint32_t count)
{
    uint64_t least = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t cost = candidates[i].pace.cost_ns;
        if (cost != 0 && (least == 0 || cost < least))
            least = cost;
    }
    return least == 0 ? 1 : least;
}

/* When an answer is expected, from now on. */
static uint64_t expected_ns(const struct stk_candidate *candidate, uint64_t unmeasured_ns)
{
    uint64_t cost = candidate->pace.cost_ns == 0 ? unmeasured_ns : candidate->pace.cost_ns;
    if (candidate->in_flight > 0 && candidate->oldest_ns / candidate->in_flight > cost)
        cost = candidate->oldest_ns / candidate->in_flight;
    return (candidate->in_flight + 1) * cost;
}

static bool is_idle(const struct stk_candidate *candidate)
{
    return candidate->open && candidate->in_flight == 0 &&
           candidate->idle_ns >= (uint64_t)STK_PROBE_MS * 1000000;
}

bool stk_spread_pick(const struct stk_candidate *candidates, uint32_t count, uint64_t step,
                     bool probe, uint32_t *picked)
{
    uint64_t expected[STK_ENDPOINTS_MAX], soonest = UINT64_MAX;
    uint64_t unmeasured_ns = least_cost(candidates, count);
    for (uint32_t i = 0; i < count; i++) {
        expected[i] = expected_ns(&candidates[i], unmeasured_ns);
        if (candidates[i].open && expected[i] < soonest)
            soonest = expected[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)((step + i) % count);
        if (probe && is_idle(&candidates[index])) {
            *picked = index;
            return true;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)((step + i) % count);
        if (candidates[index].open && expected[index] - soonest <= soonest / 2) {
            *picked = index;
            return true;
        }
    }
    return false;
}
