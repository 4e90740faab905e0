/*
 * The plan of a picture: torchvision's RandomResizedCrop, and Resize + CenterCrop.
 */
#include "daemon/plan/plan.h"

#include <math.h>

#include "daemon/base/rng.h"
#include "daemon/plan/exact.h"

enum { CROP_TRIES = 10 };

/* One try of RandomResizedCrop; false where the sides do not fit into the picture. */
static bool try_crop(const struct recipe *recipe, const uint32_t words[4], uint32_t height,
                     uint32_t width, struct box *box)
{
    double area = (double)height * (double)width;
    double log_low = exact_log(recipe->ratio[0]);
    double log_high = exact_log(recipe->ratio[1]);
    double target =
        area * (recipe->scale[0] + (recipe->scale[1] - recipe->scale[0]) * rng_unit(words[0]));
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
static struct box fallback_crop(const struct recipe *recipe, uint32_t height, uint32_t width)
{
    double ratio = (double)width / (double)height;
    double h = height;
    double w = width;
    if (ratio < recipe->ratio[0])
        h = fmax(1.0, nearbyint(w / recipe->ratio[0]));
    else if (ratio > recipe->ratio[1])
        w = fmax(1.0, nearbyint(h * recipe->ratio[1]));
    return (struct box){.top = ((int32_t)height - (int32_t)h) / 2,
                        .left = ((int32_t)width - (int32_t)w) / 2,
                        .height = (int32_t)h,
                        .width = (int32_t)w};
}

static struct box random_resized_crop(const struct recipe *recipe, uint32_t epoch,
                                      uint64_t position, uint32_t height, uint32_t width)
{
    struct rng rng = {recipe->seed, epoch, RNG_CROP, position};
    for (uint32_t i = 0; i < CROP_TRIES; i++) {
        uint32_t words[4];
        rng_block(&rng, i, words);
        struct box box;
        if (try_crop(recipe, words, height, width, &box))
            return box;
    }
    return fallback_crop(recipe, height, width);
}

/* A side when the shorter side becomes resize: torchvision truncates the longer one. */
static uint32_t resized_side(uint32_t side, uint32_t shorter, uint32_t resize)
{
    return (uint32_t)((uint64_t)resize * side / shorter);
}

static struct view center_view(const struct recipe *recipe, uint32_t height, uint32_t width)
{
    uint32_t shorter = height < width ? height : width;
    struct view view = {
        .box = {0, 0, (int32_t)height, (int32_t)width},
        .resized_height = resized_side(height, shorter, recipe->resize),
        .resized_width = resized_side(width, shorter, recipe->resize),
    };
    /* CenterCrop rounds half to even, as Python does. */
    view.top = (uint32_t)nearbyint((view.resized_height - recipe->height) / 2.0);
    view.left = (uint32_t)nearbyint((view.resized_width - recipe->width) / 2.0);
    return view;
}

struct view plan_view(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                      uint32_t height, uint32_t width)
{
    if (recipe->crop == CROP_CENTER)
        return center_view(recipe, height, width);
    struct view view = {.box = {0, 0, (int32_t)height, (int32_t)width},
                        .resized_height = recipe->height,
                        .resized_width = recipe->width};
    if (recipe->crop == CROP_RANDOM)
        view.box = random_resized_crop(recipe, epoch, position, height, width);
    return view;
}

/* [start, start + len) of resized pixels as [*first, *first + *count) of source pixels. */
static void map_back(uint32_t start, uint32_t len, uint32_t resized, int32_t side, int32_t *first,
                     int32_t *count)
{
    uint64_t low = (uint64_t)start * (uint64_t)side / resized;
    uint64_t high = ((uint64_t)(start + len) * (uint64_t)side + resized - 1) / resized;
    *first = (int32_t)low;
    *count = (int32_t)(high - low);
}

struct box plan_view_source(const struct view *view, uint32_t height, uint32_t width)
{
    struct box source;
    map_back(view->top, height, view->resized_height, view->box.height, &source.top,
             &source.height);
    map_back(view->left, width, view->resized_width, view->box.width, &source.left, &source.width);
    source.top += view->box.top;
    source.left += view->box.left;
    return source;
}
