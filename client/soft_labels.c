/*
 * Soft labels: two class numbers and a lambda a slot, to a dense distribution.
 */
#include "client/stoker.h"
#include "proto/soft_label.h"

enum stk_status stk_soft_labels(const int32_t *label, const int32_t *partner_label,
                                const float *lambda, uint32_t count, uint32_t classes,
                                double smoothing, float *target)
{
    /* Written so that a NaN is refused too. */
    if (!(smoothing >= 0 && smoothing <= 1))
        return STK_INVALID;
    struct stk_one_hot one_hot = stk_one_hot_of(smoothing, classes > 0 ? classes : 1);
    for (uint32_t i = 0; i < count; i++) {
        /* A negative label is a huge number here, and outside. */
        if ((uint32_t)label[i] >= classes || (uint32_t)partner_label[i] >= classes ||
            !(lambda[i] >= 0 && lambda[i] <= 1))
            return STK_RANGE;
        stk_one_hot_mix(one_hot, label[i], partner_label[i], lambda[i], classes,
                        target + (size_t)i * classes);
    }
    return STK_OK;
}
