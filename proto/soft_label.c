/*
 * Soft labels: two values, mixed into at most three.
 */
#include "proto/soft_label.h"

struct stk_one_hot stk_one_hot_of(double smoothing, uint32_t classes)
{
    double off = smoothing / classes;
    return (struct stk_one_hot){.on = (float)(1 - smoothing + off), .off = (float)off};
}

void stk_one_hot_mix(struct stk_one_hot one_hot, int32_t label, int32_t partner_label, float lambda,
                     uint32_t classes, float *row)
{
    float rest = 1 - lambda;
    float both_off = lambda * one_hot.off + rest * one_hot.off;
    for (uint32_t k = 0; k < classes; k++)
        row[k] = both_off;
    row[label] = lambda * one_hot.on + rest * one_hot.off;
    row[partner_label] = lambda * one_hot.off + rest * one_hot.on;
    if (label == partner_label)
        row[label] = lambda * one_hot.on + rest * one_hot.on;
}
