/*
 * The layout of a batch: one row a tensor, offsets by counting up.
 */
#include "daemon/batch/layout.h"

#include "daemon/batch/batch.h"

/* The recipe decides the images' dtype and shape. */
static const struct {
    const char *name;
    enum stk_dtype dtype;
    uint32_t columns; /* 0: one element a slot, no second dimension */
} rows[LAYOUT_TENSORS] = {
    [LAYOUT_IMAGES] = {"images", STK_U8, 0},
    [LAYOUT_LABEL] = {"label", STK_I32, 0},
    [LAYOUT_PARTNER_LABEL] = {"partner_label", STK_I32, 0},
    [LAYOUT_LAMBDA] = {"lambda", STK_F32, 0},
    [LAYOUT_INDEX] = {"index", STK_U64, 0},
    [LAYOUT_PARTNER_INDEX] = {"partner_index", STK_U64, 0},
    [LAYOUT_CROP] = {"crop", STK_I32, 4},
    [LAYOUT_FLIP] = {"flip", STK_U8, 0},
    [LAYOUT_ERASE] = {"erase", STK_I32, 4},
};

static size_t take(struct layout *layout, size_t bytes)
{
    size_t offset = layout->bytes;
    layout->bytes += (bytes + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
    return offset;
}

static struct stk_tensor_info images_info(const struct recipe *recipe)
{
    struct stk_tensor_info info = {
        .name = stk_text_of("images"),
        .dtype = recipe->dtype,
        .rank = 4,
        .shape = {recipe->batch, recipe->height, recipe->width, 3},
    };
    if (recipe->layout == STK_NCHW) {
        info.shape[1] = 3;
        info.shape[2] = recipe->height;
        info.shape[3] = recipe->width;
    }
    return info;
}

static bool has(const struct recipe *recipe, int tensor)
{
    switch (tensor) {
    case LAYOUT_ERASE:
        return recipe_has_transform(recipe, TRANSFORM_RANDOM_ERASING);
    default:
        return true;
    }
}

void layout_init(struct layout *layout, const struct recipe *recipe)
{
    *layout = (struct layout){.batch = recipe->batch};
    for (int i = 0; i < LAYOUT_TENSORS; i++) {
        layout->info[i] = (struct stk_tensor_info){
            .name = stk_text_of(rows[i].name),
            .dtype = rows[i].dtype,
            .rank = rows[i].columns == 0 ? 1 : 2,
            .shape = {recipe->batch, rows[i].columns},
        };
        if (i == LAYOUT_IMAGES)
            layout->info[i] = images_info(recipe);
        layout->present[i] = has(recipe, i);
        layout->offset[i] =
            take(layout, layout->present[i] ? stk_tensor_bytes(&layout->info[i]) : 0);
    }
    layout->slot_bytes = stk_tensor_bytes(&layout->info[LAYOUT_IMAGES]) / recipe->batch;
    layout->plan_offset = take(layout, recipe->batch * sizeof(struct plan_slot));
    layout->slot_offset = take(layout, recipe->batch * sizeof(struct batch_slot));
    layout->replaced_offset = take(layout, recipe->batch * sizeof(struct batch_replaced));
}
