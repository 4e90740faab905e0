/*
 * The order: see order.h.
 */
#include "client/order.h"

#define EPOCHS_ALL ((uint64_t)UINT32_MAX + 1)

static uint64_t steps_of(const struct stk_order *order, uint64_t epoch)
{
    return stk_stream_phase(order->info, (uint32_t)epoch).steps;
}

/* The first epoch of the phase behind an epoch's; EPOCHS_ALL behind the last. */
static uint64_t phase_end(const struct stk_stream_info *info, uint64_t epoch)
{
    for (uint32_t i = 0; i < info->phase_count; i++) {
        if (info->phases[i].epoch > epoch)
            return info->phases[i].epoch;
    }
    return EPOCHS_ALL;
}

/* The first epoch at or behind one that has no step for this rank; epoch_end where all have. */
static uint64_t find_empty(const struct stk_order *order, uint64_t epoch)
{
    while (epoch < order->epoch_end &&
           stk_order_count(order, (struct stk_address){(uint32_t)epoch, 0}) > 0)
        epoch = phase_end(order->info, epoch);
    return epoch < order->epoch_end ? epoch : order->epoch_end;
}

enum stk_status stk_order_init(struct stk_order *order, const struct stk_stream_info *info,
                               uint32_t rank, uint32_t world, struct stk_address start,
                               uint32_t epochs)
{
    *order =
        (struct stk_order){.info = info, .rank = rank, .world = world, .epoch_end = EPOCHS_ALL};
    if (epochs != 0 && start.epoch + (uint64_t)epochs < EPOCHS_ALL)
        order->epoch_end = start.epoch + (uint64_t)epochs;
    /* The last ranks of an evaluation may come away empty; a training that does is a mistake. */
    bool may_be_empty = info->last == STK_LAST_PARTIAL && epochs != 0;
    if (!may_be_empty && find_empty(order, start.epoch) < order->epoch_end)
        return STK_RANGE;
    return stk_order_seek(order, start);
}

enum stk_status stk_order_seek(struct stk_order *order, struct stk_address place)
{
    if (place.step > steps_of(order, place.epoch))
        return STK_RANGE;
    order->epoch = place.epoch;
    order->base = place.step;
    order->taken = 0;
    return STK_OK;
}

uint64_t stk_order_count(const struct stk_order *order, struct stk_address place)
{
    uint64_t left = steps_of(order, place.epoch) - place.step;
    switch (order->info->last) {
    case STK_LAST_PARTIAL: /* every step goes to somebody */
        return left > order->rank ? (left - order->rank - 1) / order->world + 1 : 0;
    case STK_LAST_MASK: /* the steps behind the end are there, and count nothing */
        return left / order->world + (left % order->world != 0);
    default: /* every rank takes as many */
        return left / order->world;
    }
}

/* The next epoch that has a step for this rank: a phase without is passed over whole. */
static uint64_t next_epoch(const struct stk_order *order)
{
    uint64_t epoch = order->epoch + 1;
    while (epoch < order->epoch_end &&
           stk_order_count(order, (struct stk_address){(uint32_t)epoch, 0}) == 0)
        epoch = phase_end(order->info, epoch);
    return epoch < order->epoch_end ? epoch : order->epoch_end;
}

bool stk_order_next(struct stk_order *order, struct stk_address *address)
{
    if (order->epoch >= order->epoch_end)
        return false;
    const struct stk_address entered = {(uint32_t)order->epoch, order->base};
    if (order->taken == stk_order_count(order, entered)) {
        order->base = 0;
        order->taken = 0;
        order->epoch = next_epoch(order);
    }
    if (order->epoch >= order->epoch_end)
        return false;
    *address =
        (struct stk_address){.epoch = (uint32_t)order->epoch,
                             .step = order->base + order->rank + order->taken * order->world};
    order->taken++;
    return true;
}

struct stk_address stk_order_after(const struct stk_order *order, struct stk_address taken)
{
    uint64_t steps = steps_of(order, taken.epoch);
    uint64_t next = taken.step - order->rank + order->world;
    return (struct stk_address){.epoch = taken.epoch, .step = next < steps ? next : steps};
}
