/*
 * Transforms: what happens to a picture between its file and its slot.
 *
 * A transform draws first, from the counter-based rng and before anything is decoded, so that only
 * what is seen is decoded and everything that was drawn is known as provenance.  Then image/
 * renders the view that the geometry ended in, mirrored where flip says so, and the transforms that
 * change pixels are applied to the slot.  A later transform is a row of config/transform.h and a
 * file here; CONTRIBUTING.md says how.  No state; any thread.
 */
#ifndef STK_TRANSFORM_H
#define STK_TRANSFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "config/recipe.h"
#include "daemon/image/image.h"
#include "daemon/plan/view.h"

/* What was drawn for one picture. */
struct transform_drawn {
    struct view view;
    bool flip;
    struct box erase; /* of the served picture; height and width are 0 where nothing is erased */
    uint64_t erase_noise; /* the key of the noise that stands there */
};

/**
 * Draw everything that the transforms of a recipe do to a picture.
 *
 *   position        of the picture in its epoch: where its randomness starts
 *   height, width   of the picture in its file
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: PROTOCOL.md, "Transforms"; torchvision 0.14's RandomResizedCrop, Resize, CenterCrop,
 *         RandomCrop, RandomHorizontalFlip and RandomErasing.
 */
struct transform_drawn transform_draw(const struct recipe *recipe, uint32_t epoch,
                                      uint64_t position, uint32_t height, uint32_t width);

/**
 * Apply the transforms that change pixels to a slot that holds the drawn view.
 *
 *   slot   as image_decoder_finish wrote it
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
void transform_apply(const struct recipe *recipe, const struct transform_drawn *drawn,
                     const struct image_format *format, void *slot);

#endif
