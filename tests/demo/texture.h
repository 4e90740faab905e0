/*
 * Textures: surfaces and patterns, a colour for every place.
 *
 * Each is a struct that the caller fills and a texture_colour that reads it.
 */
#ifndef STK_DEMO_TEXTURE_H
#define STK_DEMO_TEXTURE_H

#include "tests/demo/canvas.h"

/* One colour, a little uneven. */
struct solid {
    struct colour colour;
    float roughness; /* 0 smooth .. 1 */
    float spots;     /* how many times the unevenness changes in a unit */
    uint32_t seed;
};
struct colour solid_colour(const void *texture, struct point at, float blur);

enum { GRADIENT_STOPS = 3 };

enum gradient_kind { GRADIENT_LINEAR, GRADIENT_RADIAL, GRADIENT_SADDLE };

/* From the first colour at 0 over the second at `middle` to the third at 1. */
struct gradient {
    enum gradient_kind kind;
    struct colour stops[GRADIENT_STOPS];
    float middle;
};
struct colour gradient_colour(const void *texture, struct point at, float blur);

/* Noise between two colours: clouds, paper; stretched, the grain of wood. */
struct cloud {
    struct colour colours[2];
    float stretch; /* how much longer the noise is along x */
    float contrast;
    unsigned octaves;
    uint32_t seed;
};
struct colour cloud_colour(const void *texture, struct point at, float blur);

/* Threads over and under each other, one a unit. */
struct linen {
    struct colour colour;
    float depth; /* 0 .. 1 */
    uint32_t seed;
};
struct colour linen_colour(const void *texture, struct point at, float blur);

enum { BANDS_MAX = 6 };

/* Colours that follow each other along 0 .. 1 and start again. */
struct bands {
    unsigned count;
    float ends[BANDS_MAX]; /* ascending; the last is 1 */
    struct colour colours[BANDS_MAX];
};

struct stripes {
    struct bands bands; /* one round a unit */
    float wave_height;  /* units; 0 is straight */
    float wave_length;  /* units */
};
struct colour stripes_colour(const void *texture, struct point at, float blur);

struct spiral {
    struct bands bands;
    float windings; /* rounds of the bands in a unit of radius */
    int arms;       /* below 0 turns the other way */
};
struct colour spiral_colour(const void *texture, struct point at, float blur);

/* Fields of 1 x 1. */
struct checkerboard {
    struct colour colours[2];
    float wear; /* how much the fields differ from each other, 0 .. 1 */
    uint32_t seed;
};
struct colour checkerboard_colour(const void *texture, struct point at, float blur);

/* Courses 1 high. */
struct bricks {
    struct colour colours[2]; /* a brick's lies between them */
    struct colour mortar;
    float length;       /* of a brick */
    float joint;        /* width of the mortar */
    float shift;        /* of a course against the one above, in bricks */
    struct point light; /* the canvas's */
    uint32_t seed;
};
struct colour bricks_colour(const void *texture, struct point at, float blur);

#endif
