/*
 * random_resized_crop: torchvision's RandomResizedCrop.
 */
#include <math.h>

#include "daemon/base/rng.h"
#include "daemon/plan/exact.h"
#include "daemon/transform/ops.h"

enum { TRIES = 10 };

/* One try; false where the sides do not fit into the picture. */
static bool try_box(const struct recipe *recipe, const uint32_t words[4], uint32_t height,
                    uint32_t width, struct box *box)
{
    const double *scale = recipe->random_resized_crop.scale;
    const double *ratio = recipe->random_resized_crop.ratio;
    double area = (double)height * (double)width;
    double log_low = exact_log(ratio[0]);
    double log_high = exact_log(ratio[1]);
    double target = area * (scale[0] + (scale[1] - scale[0]) * rng_unit(words[0]));
    double aspect = exact_exp(log_low + (log_high - log_low) * rng_unit(words[1]));
    double w = nearbyint(sqrt(target * aspect));
    double h = nearbyint(sqrt(target / aspect));
    if (!(w >= 1.0 && w <= width && h >= 1.0 && h <= height))
        return false;
    box->height = (int32_t)h;
    box->width = (int32_t)w;
    box->top = (int32_t)rng_below(words[2], height - (uint32_t)h + 1);
    box->left = (int32_t)rng_below(words[3], width - (uint32_t)w + 1);
    return true;
}

/* The largest centred box whose ratio is allowed. */
static struct box fallback_box(const double ratios[2], uint32_t height, uint32_t width)
{
    double ratio = (double)width / (double)height;
    double h = height;
    double w = width;
    if (ratio < ratios[0])
        h = fmax(1.0, nearbyint(w / ratios[0]));
    else if (ratio > ratios[1])
        w = fmax(1.0, nearbyint(h * ratios[1]));
    return (struct box){.top = ((int32_t)height - (int32_t)h) / 2,
                        .left = ((int32_t)width - (int32_t)w) / 2,
                        .height = (int32_t)h,
                        .width = (int32_t)w};
}

static struct box draw_box(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                           uint32_t height, uint32_t width)
{
    struct rng rng = {recipe->seed, epoch, RNG_CROP, position};
    for (uint32_t i = 0; i < TRIES; i++) {
        uint32_t words[4];
        rng_block(&rng, i, words);
        struct box box;
        if (try_box(recipe, words, height, width, &box))
            return box;
    }
    return fallback_box(recipe->random_resized_crop.ratio, height, width);
}

static void draw(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                 struct transform_drawn *drawn)
{
    struct view *view = &drawn->view;
    view->box =
        draw_box(recipe, epoch, position, (uint32_t)view->box.height, (uint32_t)view->box.width);
    view->resized_height = recipe->height;
    view->resized_width = recipe->width;
}

const struct transform_ops transform_random_resized_crop = {.draw = draw};
