/*
 * A canvas: a picture in the making, and the few ways to put paint on it.
 *
 * Everything is drawn by formula, a pixel at a time.  A shape is a signed distance, a texture is a
 * colour for every place, and edges are antialiased by how much of a pixel they cover.  One light
 * stands above the canvas, so that shadows and rims agree.  No files, no draws of its own.
 */
#ifndef STK_DEMO_CANVAS_H
#define STK_DEMO_CANVAS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"
#include "tests/demo/arith.h"

struct colour {
    float red; /* 0 .. 1, as on the screen: with its gamma */
    float green;
    float blue;
};

struct canvas {
    uint32_t height;
    uint32_t width;
    struct point light;    /* unit length, from a place towards the light; y runs down */
    struct colour *pixels; /* [height, width] */
};

/** From a (share 0) to b (share 1). */
static inline struct colour colour_mix(struct colour a, struct colour b, float share)
{
    return (struct colour){mix_of(a.red, b.red, share), mix_of(a.green, b.green, share),
                           mix_of(a.blue, b.blue, share)};
}

/** A colour made darker (below 1) or lighter (above 1). */
static inline struct colour colour_scale(struct colour colour, float factor)
{
    return (struct colour){colour.red * factor, colour.green * factor, colour.blue * factor};
}

/** How bright a colour looks, 0 .. 1 (ITU-R BT.601, as JPEG weighs it). */
float colour_luma(struct colour colour);

/** A shape: the distance in its own units from a place to its edge, negative inside. */
typedef float shape_distance(const void *shape, struct point at);

/** A texture: the colour at a place; blur is a pixel's width there, in the texture's units. */
typedef struct colour texture_colour(const void *texture, struct point at, float blur);

/* How the own coordinates of a shape or texture lie on the canvas. */
struct view {
    struct point centre; /* pixels: where (0, 0) lies */
    float scale;         /* pixels a unit */
    float cosine;        /* of its rotation */
    float sine;
    float tilt; /* perspective: how much nearer each unit further down is; 0 is face on */
};

/** Turn a view by an angle in turns, from none. */
void view_turn(struct view *view, float turns);

/** The coordinates that lie under a place of the canvas, in pixels. */
static inline struct point view_at(const struct view *view, float x, float y)
{
    float across = (x - view->centre.x) / view->scale;
    float down = (y - view->centre.y) / view->scale;
    if (view->tilt > 0.0f) {
        float depth = 1.0f + view->tilt * down;
        across /= depth;
        down /= depth;
    }
    return (struct point){view->cosine * across + view->sine * down,
                          view->cosine * down - view->sine * across};
}

enum finish {
    FINISH_FLAT,    /* paper */
    FINISH_BEVELED, /* a thick tile with a rim */
    FINISH_ROUND,   /* a ball of radius 1 */
};

struct object {
    shape_distance *distance;
    const void *shape;
    struct point reach; /* units: nothing of the shape lies further out along x or y */
    texture_colour *colour;
    const void *texture;
    enum finish finish;
    float rim;      /* FINISH_BEVELED: the rim's width in units */
    float shadow;   /* 0 none .. 1 black */
    float height;   /* units above the ground: how far off and how soft the shadow is */
    float softness; /* pixels over which an edge fades, >= 1 */
};

/**
 * Make a canvas, black.
 *
 * Owns:    the caller's storage; its pixels go back with canvas_release.
 * Returns: STK_OK or STK_MEMORY.
 */
STK_MUST_CHECK enum stk_status canvas_init(struct canvas *canvas, uint32_t height, uint32_t width);

/** Give the pixels back. */
void canvas_release(struct canvas *canvas);

/** A view of unit scale on the canvas's middle, not turned. */
struct view canvas_view(const struct canvas *canvas);

/** A row of pixels, from left to right; row < height. */
static inline struct colour *canvas_row(const struct canvas *canvas, uint32_t row)
{
    return canvas->pixels + (size_t)row * canvas->width;
}

/** The shorter side in pixels. */
float canvas_short_side(const struct canvas *canvas);

/** Cover the whole canvas with a texture. */
void canvas_fill(struct canvas *canvas, const struct view *view, texture_colour *colour,
                 const void *texture);

/** Put an object on the canvas, its shadow first. */
void canvas_put(struct canvas *canvas, const struct view *view, const struct object *object);

/* What a camera adds to a scene. */
struct lens {
    float exposure; /* factor */
    float warmth;   /* -1 .. 1: blue to red */
    float vignette; /* how much darker the corners are, 0 .. 1 */
    float grain;    /* standard deviation, 0 .. 1 */
    uint32_t seed;  /* of the grain */
};

/**
 * Turn the canvas into an 8-bit picture.
 *
 *   rgb   u8 [height, width, 3], RGB; the caller's
 */
void canvas_develop(const struct canvas *canvas, const struct lens *lens, uint8_t *rgb);

/** The share of a pixel that lies on the near side of an edge, 0 .. 1, by the pixel's distance
 *  behind that edge; blur is the pixel's width in the same units. */
static inline float edge_share(float distance, float blur)
{
    return clamp_of(0.5f - distance / blur, 0.0f, 1.0f);
}

#endif
