/*
 * A view: which part of a source picture is served, and at what scale.  Plain data; plan makes
 * views, image renders them.
 */
#ifndef STK_VIEW_H
#define STK_VIEW_H

#include <stdint.h>

/* A rectangle in source pixels, inside the picture, not empty. */
struct box {
    int32_t top;
    int32_t left;
    int32_t height;
    int32_t width;
};

/*
 * box is resized to resized_height x resized_width; of that, the window of the stream's height x
 * width at (top, left) is served.  RandomResizedCrop serves all of a resized part of the source,
 * Resize + CenterCrop a part of the resized whole.
 */
struct view {
    struct box box;
    uint32_t resized_height;
    uint32_t resized_width;
    uint32_t top;
    uint32_t left;
};

#endif
