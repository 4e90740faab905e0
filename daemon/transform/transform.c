/*
 * Transforms: the table, and a walk along a recipe's list.
 */
#include "daemon/transform/transform.h"

#include "daemon/transform/ops.h"

#define ROW(NAME, name, kind) &transform_##name,
static const struct transform_ops *const table[TRANSFORM_COUNT] = {TRANSFORMS(ROW)};

struct transform_drawn transform_draw(const struct recipe *recipe, uint32_t epoch,
                                      uint64_t position, uint32_t height, uint32_t width)
{
    struct transform_drawn drawn = {
        .view = {.box = {0, 0, (int32_t)height, (int32_t)width},
                 .resized_height = height,
                 .resized_width = width},
    };
    for (size_t i = 0; i < recipe->transform_count; i++)
        table[recipe->transforms[i]]->draw(recipe, epoch, position, &drawn);
    return drawn;
}

void transform_apply(const struct recipe *recipe, const struct transform_drawn *drawn,
                     const struct image_format *format, void *slot)
{
    for (size_t i = 0; i < recipe->transform_count; i++) {
        const struct transform_ops *ops = table[recipe->transforms[i]];
        if (ops->apply != NULL)
            ops->apply(recipe, drawn, format, slot);
    }
}
