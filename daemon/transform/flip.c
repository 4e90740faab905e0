/*
 * flip: torchvision's RandomHorizontalFlip.
 */
#include "daemon/base/rng.h"
#include "daemon/transform/ops.h"

static void draw(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                 struct transform_drawn *drawn)
{
    uint32_t words[4];
    rng_block(&(struct rng){recipe->seed, epoch, RNG_FLIP, position}, 0, words);
    drawn->flip = rng_unit(words[0]) < recipe->flip.prob;
}

const struct transform_ops transform_flip = {.draw = draw};
