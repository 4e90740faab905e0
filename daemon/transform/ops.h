/*
 * What a transform is made of: the object that each file of this folder defines.  Internal to
 * transform/.
 */
#ifndef STK_TRANSFORM_OPS_H
#define STK_TRANSFORM_OPS_H

#include "daemon/transform/transform.h"

struct transform_ops {
    /* Draw from purposes of its own at (recipe->seed, epoch, position).  What the transforms before
     * it decided stands in drawn; at first the view is the whole picture at its own size. */
    void (*draw)(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                 struct transform_drawn *drawn);

    /* Change the slot as drawn says; NULL but for TRANSFORM_PIXELS. */
    void (*apply)(const struct recipe *recipe, const struct transform_drawn *drawn,
                  const struct image_format *format, void *slot);
};

#define TRANSFORM_OBJECT(NAME, name, kind) extern const struct transform_ops transform_##name;
TRANSFORMS(TRANSFORM_OBJECT)
#undef TRANSFORM_OBJECT

#endif
