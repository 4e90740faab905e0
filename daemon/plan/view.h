/*
 * A view: which part of a source picture is served, and at what scale.  Plain data; transforms make
 * views, image renders them.
 */
#ifndef STK_VIEW_H
#define STK_VIEW_H

#include <stdint.h>

/* A rectangle in pixels, not empty. */
struct box {
    int32_t top;
    int32_t left;
    int32_t height;
    int32_t width;
};

/*
 * box, which lies inside the picture, is resized to resized_height x resized_width; of that, the
 * window of the stream's height x width at (top, left) is served.  The window may reach outside of
 * the resized box, where fill stands instead of pixels, but shows at least one pixel of it.
 * RandomResizedCrop serves all of a resized part of the source, Resize + CenterCrop a part of the
 * resized whole, a padded crop a part of the picture and what is around it.
 */
struct view {
    struct box box;
    uint32_t resized_height;
    uint32_t resized_width;
    int32_t top;
    int32_t left;
    uint8_t fill[3]; /* RGB */
};

/**
 * The source pixels that a view shows: its window, mapped back and rounded outwards.  Where the
 * window reaches outside of the resized box, so does what comes out, and may so leave the picture.
 *
 *   height, width   of the served picture
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
struct box view_source(const struct view *view, uint32_t height, uint32_t width);

#endif
