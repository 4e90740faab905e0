/*
 * The order: see order.h.
 */
#include "client/order.h"

enum stk_status stk_order_init(struct stk_order *order, uint64_t steps, enum stk_last last,
                               uint32_t rank, uint32_t world, struct stk_address start,
                               uint32_t epochs)
{
    const uint64_t epochs_all = (uint64_t)UINT32_MAX + 1;
    *order = (struct stk_order){.steps = steps,
                                .rank = rank,
                                .world = world,
                                .partial = last == STK_LAST_PARTIAL,
                                .epoch_end = epochs_all};
    if (epochs != 0 && start.epoch + (uint64_t)epochs < epochs_all)
        order->epoch_end = start.epoch + (uint64_t)epochs;
    /* The last ranks of an evaluation may come away empty; a training that does is a mistake, and
     * without an end it would search for ever. */
    if (stk_order_count(order, 0) == 0 && (!order->partial || epochs == 0))
        return STK_RANGE;
    return stk_order_seek(order, start);
}

enum stk_status stk_order_seek(struct stk_order *order, struct stk_address place)
{
    if (place.step > order->steps)
        return STK_RANGE;
    order->epoch = place.epoch;
    order->base = place.step;
    order->taken = 0;
    return STK_OK;
}

uint64_t stk_order_count(const struct stk_order *order, uint64_t base)
{
    uint64_t left = order->steps - base;
    if (!order->partial)
        return left / order->world;
    return left > order->rank ? (left - order->rank - 1) / order->world + 1 : 0;
}

bool stk_order_next(struct stk_order *order, struct stk_address *address)
{
    while (order->epoch < order->epoch_end && order->taken == stk_order_count(order, order->base)) {
        order->base = 0;
        order->taken = 0;
        order->epoch = stk_order_count(order, 0) == 0 ? order->epoch_end : order->epoch + 1;
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
    uint64_t next = taken.step - order->rank + order->world;
    return (struct stk_address){.epoch = taken.epoch,
                                .step = next < order->steps ? next : order->steps};
}
