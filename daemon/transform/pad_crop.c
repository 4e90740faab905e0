/*
 * pad_crop: torchvision's RandomCrop(size, padding, pad_if_needed=True, fill), which CIFAR's
 * recipes use.  Nothing is padded: the window reaches outside of the picture.
 */
#include "daemon/base/rng.h"
#include "daemon/transform/ops.h"

/* Where a window begins on a side that was padded at both ends: by padding, and where it is then
 * still shorter than the window, by all that it lacks. */
static int32_t window_start(uint32_t word, uint32_t side, uint32_t padding, uint32_t window)
{
    uint32_t padded = side + 2 * padding;
    if (padded < window) {
        padding += window - padded;
        padded = side + 2 * padding;
    }
    return (int32_t)rng_below(word, padded - window + 1) - (int32_t)padding;
}

static void draw(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                 struct transform_drawn *drawn)
{
    uint32_t words[4];
    rng_block(&(struct rng){recipe->seed, epoch, RNG_PAD_CROP, position}, 0, words);
    struct view *view = &drawn->view;
    uint32_t padding = recipe->pad_crop.padding;
    view->top = window_start(words[0], view->resized_height, padding, recipe->height);
    view->left = window_start(words[1], view->resized_width, padding, recipe->width);
    for (int c = 0; c < 3; c++)
        view->fill[c] = (uint8_t)recipe->pad_crop.fill[c];
}

const struct transform_ops transform_pad_crop = {.draw = draw};
