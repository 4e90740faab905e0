/*
 * resize: torchvision's Resize, to a shorter side or to two sides; with no crop behind it, to the
 * size that is served.
 */
#include "daemon/transform/ops.h"

/* A side when the shorter side becomes wanted: torchvision truncates the longer one. */
static uint32_t resized_side(uint32_t side, uint32_t shorter, uint32_t wanted)
{
    return (uint32_t)((uint64_t)wanted * side / shorter);
}

static void draw(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                 struct transform_drawn *drawn)
{
    (void)epoch;
    (void)position;
    struct view *view = &drawn->view;
    const uint32_t *side = recipe->resize.side;
    if (!recipe_has_transform(recipe, TRANSFORM_CENTER_CROP) &&
        !recipe_has_transform(recipe, TRANSFORM_PAD_CROP)) {
        view->resized_height = recipe->height;
        view->resized_width = recipe->width;
    } else if (recipe->resize.side_count == 2) {
        view->resized_height = side[0];
        view->resized_width = side[1];
    } else {
        uint32_t height = view->resized_height;
        uint32_t width = view->resized_width;
        uint32_t shorter = height < width ? height : width;
        view->resized_height = resized_side(height, shorter, side[0]);
        view->resized_width = resized_side(width, shorter, side[0]);
    }
}

const struct transform_ops transform_resize = {.draw = draw};
