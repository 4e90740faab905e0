/*
 * Shapes: signed distances of polygons and discs.
 */
#include "tests/demo/shape.h"

struct segment segment_of(struct point from, struct point to)
{
    struct point along = {to.x - from.x, to.y - from.y};
    return (struct segment){from, along, 1.0f / (along.x * along.x + along.y * along.y)};
}

void polygon_init(struct polygon *polygon, const struct point *corners, unsigned count)
{
    *polygon = (struct polygon){.count = count};
    for (unsigned i = 0; i < count; i++)
        polygon->edges[i] = segment_of(corners[i], corners[(i + 1) % count]);
}

void polygon_init_star(struct polygon *polygon, unsigned points, float inner)
{
    struct point corners[POLYGON_CORNERS_MAX];
    for (unsigned i = 0; i < 2 * points; i++) {
        float radius = i % 2 ? inner : 1.0f;
        float turns = (float)i / (float)(2 * points);
        corners[i] = (struct point){radius * sine_of(turns), -radius * cosine_of(turns)};
    }
    polygon_init(polygon, corners, 2 * points);
}

void polygon_init_rectangle(struct polygon *polygon, float height, float width)
{
    float y = height * 0.5f;
    float x = width * 0.5f;
    const struct point corners[] = {{-x, -y}, {x, -y}, {x, y}, {-x, y}};
    polygon_init(polygon, corners, 4);
}

/* A frame lies on the inner side of the edge that a filled shape has. */
static float hollow(float distance, float wall)
{
    return wall > 0.0f ? fabsf(distance + wall * 0.5f) - wall * 0.5f : distance;
}

float polygon_distance(const void *shape, struct point at)
{
    const struct polygon *polygon = shape;
    float nearest = 1e9f;
    int inside = 0;
    for (unsigned i = 0; i < polygon->count; i++) {
        const struct segment *edge = &polygon->edges[i];
        float distance = segment_distance2(edge, at);
        nearest = distance < nearest ? distance : nearest;
        /* A ray to the right crosses the border an odd number of times from inside. */
        float down = at.y - edge->from.y;
        if ((down < 0.0f) != (down < edge->along.y) &&
            at.x < edge->from.x + edge->along.x * down / edge->along.y)
            inside = !inside;
    }
    float distance = sqrtf(nearest);
    return hollow((inside ? -distance : distance) - polygon->rounding, polygon->wall);
}

float disc_distance(const void *shape, struct point at)
{
    const struct disc *disc = shape;
    return hollow(length_of(at.x, at.y) - 1.0f, disc->wall);
}
