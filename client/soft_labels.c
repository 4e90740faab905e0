/*
 * Soft labels: two class numbers and a lambda a slot, to a dense distribution.
 */
#include "client/stoker.h"

static void fill_row(float *row, uint32_t classes, float value)
{
    for (uint32_t k = 0; k < classes; k++)
        row[k] = value;
}

enum stk_status stk_soft_labels(const int32_t *label, const int32_t *partner_label,
                                const float *lambda, uint32_t count, uint32_t classes,
                                float smoothing, float *target)
{
    /* Written so that a NaN is refused too. */
    if (!(smoothing >= 0 && smoothing <= 1))
        return STK_INVALID;
    for (uint32_t i = 0; i < count; i++) {
        /* A negative label is a huge number here, and outside. */
        if ((uint32_t)label[i] >= classes || (uint32_t)partner_label[i] >= classes ||
            !(lambda[i] >= 0 && lambda[i] <= 1))
            return STK_RANGE;
        float *row = target + (size_t)i * classes;
        fill_row(row, classes, smoothing / (float)classes);
        /* Added, not set: both labels may be the same class. */
        row[label[i]] += lambda[i] * (1 - smoothing);
        row[partner_label[i]] += (1 - lambda[i]) * (1 - smoothing);
    }
    return STK_OK;
}
