/*
 * Wants: see want.h.
 */
#include "daemon/batch/want.h"

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void want_note(struct want *want, struct stk_address address, uint64_t steps)
{
    bool known = want->steps > 0 && address.epoch == want->last.epoch;
    if (known && address.step == want->last.step)
        return;
    bool onward = known && address.step > want->last.step;
    want->stride = onward ? common_divisor(address.step - want->last.step, want->stride) : 0;
    want->last = address;
    want->steps = steps;
}

uint64_t want_distance(const struct want *want, const struct batch *batch)
{
    uint64_t stride = want->stride > 0 ? want->stride : 1;
    uint64_t step = batch->address.step;
    if (batch->stream != want->stream || batch->unmixed != want->unmixed || want->steps == 0 ||
        batch->address.epoch < want->last.epoch)
        return WANT_NEVER;
    if (batch->address.epoch > want->last.epoch) {
        /* Where it will begin there is not known; what lies beyond the next epoch is far away. */
        bool next = batch->address.epoch - want->last.epoch == 1;
        return next ? (want->steps - want->last.step + step) / stride : WANT_NEVER - 1;
    }
    if (step <= want->last.step || (step - want->last.step) % stride != 0)
        return WANT_NEVER;
    return (step - want->last.step) / stride - 1;
}
