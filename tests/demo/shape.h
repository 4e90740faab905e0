/*
 * Shapes: signed distances of polygons and discs, in units where their outer radius is 1.
 */
#ifndef STK_DEMO_SHAPE_H
#define STK_DEMO_SHAPE_H

#include "tests/demo/canvas.h"

enum { POLYGON_CORNERS_MAX = 16 };

/* A straight line, ready for many questions. */
struct segment {
    struct point from;
    struct point along;    /* to its other end */
    float inverse_length2; /* 1 / length squared */
};

struct polygon {
    unsigned count;
    struct segment edges[POLYGON_CORNERS_MAX];
    float rounding; /* the corners' radius; it grows the polygon outwards */
    float wall;     /* a frame of this width; 0 is filled */
};

struct disc {
    float wall; /* a ring of this width; 0 is filled */
};

/** The line between two places, which differ. */
struct segment segment_of(struct point from, struct point to);

/** The square of the distance from a place to a line. */
static inline float segment_distance2(const struct segment *segment, struct point at)
{
    float x = at.x - segment->from.x;
    float y = at.y - segment->from.y;
    float share = (x * segment->along.x + y * segment->along.y) * segment->inverse_length2;
    share = clamp_of(share, 0.0f, 1.0f);
    x -= segment->along.x * share;
    y -= segment->along.y * share;
    return x * x + y * y;
}

/** A filled polygon with sharp corners; 3 .. POLYGON_CORNERS_MAX of them, in order. */
void polygon_init(struct polygon *polygon, const struct point *corners, unsigned count);

/** A star with points tips at radius 1, the first one on top, and notches at an inner radius. */
void polygon_init_star(struct polygon *polygon, unsigned points, float inner);

/** A rectangle about (0, 0). */
void polygon_init_rectangle(struct polygon *polygon, float height, float width);

/** A shape_distance of a struct polygon. */
float polygon_distance(const void *shape, struct point at);

/** A shape_distance of a struct disc. */
float disc_distance(const void *shape, struct point at);

#endif
