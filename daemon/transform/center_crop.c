/*
 * center_crop: torchvision's CenterCrop to the size that is served, with black around a picture
 * that is smaller.
 */
#include <math.h>

#include "daemon/transform/ops.h"

/* Where a window begins: Python rounds half to even, and pads the smaller half first. */
static int32_t window_start(uint32_t side, uint32_t window)
{
    if (side < window)
        return -(int32_t)((window - side) / 2);
    return (int32_t)nearbyint((side - window) / 2.0);
}

static void draw(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                 struct transform_drawn *drawn)
{
    (void)epoch;
    (void)position;
    struct view *view = &drawn->view;
    view->top = window_start(view->resized_height, recipe->height);
    view->left = window_start(view->resized_width, recipe->width);
}

const struct transform_ops transform_center_crop = {.draw = draw};
