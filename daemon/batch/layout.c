/*
 * The layout of a batch: one row a tensor, offsets by counting up.
 */
#include "daemon/batch/layout.h"

#include "daemon/batch/batch.h"

static bool cuts(const struct recipe *recipe, uint32_t target_columns)
{
    (void)target_columns;
    return mix_cuts(&recipe->mix);
}

static bool has_partners(const struct recipe *recipe, uint32_t target_columns)
{
    (void)target_columns;
    return recipe->mix.method != MIX_NONE && recipe->mix.partner == MIX_PARTNER_DATASET;
}

static bool erases(const struct recipe *recipe, uint32_t target_columns)
{
    (void)target_columns;
    return recipe_has_transform(recipe, TRANSFORM_RANDOM_ERASING);
}

static bool erases_partners(const struct recipe *recipe, uint32_t target_columns)
{
    return erases(recipe, target_columns) && has_partners(recipe, target_columns);
}

static bool has_target(const struct recipe *recipe, uint32_t target_columns)
{
    (void)recipe;
    return target_columns > 0;
}

static bool has_valid(const struct recipe *recipe, uint32_t target_columns)
{
    (void)target_columns;
    return recipe->last == STK_LAST_MASK;
}

/* The recipe decides the images' dtype and shape, the source the target's. */
static const struct {
    const char *name;
    enum stk_dtype dtype;
    uint32_t columns; /* 0: one element a slot, no second dimension */
    bool (*has)(const struct recipe *recipe, uint32_t target_columns); /* NULL: every recipe */
} rows[LAYOUT_TENSORS] = {
    [LAYOUT_IMAGES] = {"images", STK_U8, 0, NULL},
    [LAYOUT_LABEL] = {"label", STK_I32, 0, NULL},
    [LAYOUT_PARTNER_LABEL] = {"partner_label", STK_I32, 0, NULL},
    [LAYOUT_LAMBDA] = {"lambda", STK_F32, 0, NULL},
    [LAYOUT_INDEX] = {"index", STK_U64, 0, NULL},
    [LAYOUT_PARTNER_INDEX] = {"partner_index", STK_U64, 0, NULL},
    [LAYOUT_CROP] = {"crop", STK_I32, 4, NULL},
    [LAYOUT_FLIP] = {"flip", STK_U8, 0, NULL},
    [LAYOUT_CUT] = {"cut", STK_I32, 4, cuts},
    [LAYOUT_PARTNER_CROP] = {"partner_crop", STK_I32, 4, has_partners},
    [LAYOUT_PARTNER_FLIP] = {"partner_flip", STK_U8, 0, has_partners},
    [LAYOUT_ERASE] = {"erase", STK_I32, 4, erases},
    [LAYOUT_PARTNER_ERASE] = {"partner_erase", STK_I32, 4, erases_partners},
    [LAYOUT_TARGET] = {"target", STK_F32, 1, has_target},
    [LAYOUT_VALID] = {"valid", STK_U8, 0, has_valid},
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

void layout_init(struct layout *layout, const struct recipe *recipe, uint32_t target_columns)
{
    uint32_t pictures = has_partners(recipe, target_columns) ? 2 * recipe->batch : recipe->batch;
    *layout = (struct layout){.batch = recipe->batch, .pictures = pictures};
    for (int i = 0; i < LAYOUT_TENSORS; i++) {
        layout->present[i] = rows[i].has == NULL || rows[i].has(recipe, target_columns);
        if (!layout->present[i])
            continue;
        layout->info[i] = (struct stk_tensor_info){
            .name = stk_text_of(rows[i].name),
            .dtype = rows[i].dtype,
            .rank = rows[i].columns == 0 ? 1 : 2,
            .shape = {recipe->batch, rows[i].columns},
        };
        if (i == LAYOUT_IMAGES)
            layout->info[i] = images_info(recipe);
        if (i == LAYOUT_TARGET)
            layout->info[i].shape[1] = target_columns;
        layout->offset[i] = take(layout, stk_tensor_bytes(&layout->info[i]));
    }
    layout->slot_bytes = stk_tensor_bytes(&layout->info[LAYOUT_IMAGES]) / recipe->batch;
    layout->partner_offset = take(layout, (pictures - recipe->batch) * layout->slot_bytes);
    layout->plan_offset = take(layout, recipe->batch * sizeof(struct plan_slot));
    layout->slot_offset = take(layout, pictures * sizeof(struct batch_slot));
    layout->replaced_offset = take(layout, pictures * sizeof(struct batch_replaced));
}

uint32_t layout_list(const struct layout *layout, enum layout_tensor list[LAYOUT_TENSORS])
{
    uint32_t count = 0;
    for (int i = 0; i < LAYOUT_TENSORS; i++) {
        if (layout->present[i])
            list[count++] = (enum layout_tensor)i;
    }
    return count;
}
