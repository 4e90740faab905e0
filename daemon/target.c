/*
 * The target: one-hots mixed by class numbers, everything else by what the source knows.
 */
#include "daemon/target.h"

#include "daemon/stream.h"
#include "proto/soft_label.h"

static void fill_classes(struct batch *batch, uint32_t classes, float *target)
{
    const int32_t *label = batch_tensor(batch, LAYOUT_LABEL);
    const int32_t *partner_label = batch_tensor(batch, LAYOUT_PARTNER_LABEL);
    const float *lambda = batch_tensor(batch, LAYOUT_LAMBDA);
    const struct recipe *recipe = &stream_phase(batch->stream, batch->address.epoch)->recipe;
    struct stk_one_hot one_hot = stk_one_hot_of(recipe_smoothing(recipe), classes);
    for (uint32_t i = 0; i < batch->count; i++)
        stk_one_hot_mix(one_hot, label[i], partner_label[i], lambda[i], classes,
                        target + (size_t)i * classes);
}

static void fill_rows(struct batch *batch, uint32_t columns, float *target)
{
    const struct source *source = batch->stream->source;
    const uint64_t *index = batch_tensor(batch, LAYOUT_INDEX);
    const uint64_t *partner_index = batch_tensor(batch, LAYOUT_PARTNER_INDEX);
    const float *lambda = batch_tensor(batch, LAYOUT_LAMBDA);
    for (uint32_t i = 0; i < batch->count; i++) {
        float *row = target + (size_t)i * columns;
        for (uint32_t k = 0; k < columns; k++)
            row[k] = 0;
        source_add_target(source, index[i], lambda[i], row);
        source_add_target(source, partner_index[i], 1 - lambda[i], row);
    }
}

void target_fill(struct batch *batch)
{
    if (!batch->layout->present[LAYOUT_TARGET])
        return;
    float *target = batch_tensor(batch, LAYOUT_TARGET);
    uint32_t columns = batch->layout->info[LAYOUT_TARGET].shape[1];
    if (source_labels(batch->stream->source) == STK_LABEL_CLASS)
        fill_classes(batch, columns, target);
    else
        fill_rows(batch, columns, target);
}
