/*
 * Textures: surfaces and patterns.
 */
#include "tests/demo/texture.h"

#include "tests/demo/rng.h"

struct colour solid_colour(const void *texture, struct point at, float blur)
{
    const struct solid *solid = texture;
    (void)blur;
    float uneven = noise_cloud(solid->seed, at.x * solid->spots, at.y * solid->spots, 2) - 0.5f;
    return colour_scale(solid->colour, 1.0f + solid->roughness * uneven);
}

struct colour gradient_colour(const void *texture, struct point at, float blur)
{
    const struct gradient *gradient = texture;
    float share = 0.0f;
    (void)blur;
    switch (gradient->kind) {
    case GRADIENT_LINEAR:
        share = 0.5f + 0.5f * at.x;
        break;
    case GRADIENT_RADIAL:
        share = length_of(at.x, at.y);
        break;
    case GRADIENT_SADDLE:
        share = 0.5f + 0.5f * at.x * at.y;
        break;
    }
    share = clamp_of(share, 0.0f, 1.0f);
    float middle = gradient->middle;
    if (share < middle)
        return colour_mix(gradient->stops[0], gradient->stops[1], share / middle);
    return colour_mix(gradient->stops[1], gradient->stops[2], (share - middle) / (1.0f - middle));
}

struct colour cloud_colour(const void *texture, struct point at, float blur)
{
    const struct cloud *cloud = texture;
    (void)blur;
    float noise = noise_cloud(cloud->seed, at.x / cloud->stretch, at.y, cloud->octaves);
    float share = clamp_of(0.5f + (noise - 0.5f) * cloud->contrast, 0.0f, 1.0f);
    return colour_mix(cloud->colours[0], cloud->colours[1], share);
}

/* How bright a thread is across its width, 0 at its sides .. 1 on its back. */
static float thread_light(float across)
{
    float t = across - (float)floor_of(across);
    return 4.0f * t * (1.0f - t);
}

struct colour linen_colour(const void *texture, struct point at, float blur)
{
    const struct linen *linen = texture;
    int32_t column = floor_of(at.x);
    int32_t row = floor_of(at.y);
    /* Plain weave: warp and weft lie on top in turns. */
    int warp_on_top = (column + row) & 1;
    float light = thread_light(warp_on_top ? at.x : at.y);
    uint32_t thread =
        warp_on_top ? noise_bits(linen->seed, column, -1) : noise_bits(linen->seed, -1, row);
    float shade = 0.6f * light + 0.4f * (float)(thread & 255) / 255.0f - 0.6f;
    /* Threads finer than a pixel are not seen one by one. */
    float depth = linen->depth * clamp_of(1.5f - blur, 0.0f, 1.0f);
    return colour_scale(linen->colour, 1.0f + depth * shade);
}

/* The colour at a phase of 0 .. 1; the bands' borders fade over blur. */
static struct colour bands_colour(const struct bands *bands, float phase, float blur)
{
    unsigned i = 0;
    while (i + 1 < bands->count && phase >= bands->ends[i])
        i++;
    struct colour colour = bands->colours[i];
    float start = i == 0 ? 0.0f : bands->ends[i - 1];
    struct colour before = bands->colours[(i + bands->count - 1) % bands->count];
    struct colour after = bands->colours[(i + 1) % bands->count];
    colour = colour_mix(colour, before, edge_share(phase - start, blur));
    return colour_mix(colour, after, edge_share(bands->ends[i] - phase, blur));
}

struct colour stripes_colour(const void *texture, struct point at, float blur)
{
    const struct stripes *stripes = texture;
    float along = at.x + stripes->wave_height * sine_of(at.y / stripes->wave_length);
    return bands_colour(&stripes->bands, along - (float)floor_of(along), blur);
}

struct colour spiral_colour(const void *texture, struct point at, float blur)
{
    const struct spiral *spiral = texture;
    float radius = length_of(at.x, at.y);
    float along = radius * spiral->windings + (float)spiral->arms * angle_of(at.x, at.y);
    /* The phase's slope: outwards by the windings, around by the arms over the circumference. */
    float around = (float)spiral->arms / (6.2831853f * (radius + blur));
    float slope = length_of(spiral->windings, around);
    return bands_colour(&spiral->bands, along - (float)floor_of(along), blur * slope);
}

/* How far a coordinate lies behind the nearest border of its cell, 0 .. 0.5. */
static float border_distance(float along)
{
    float t = along - (float)floor_of(along);
    return t < 0.5f ? t : 1.0f - t;
}

struct colour checkerboard_colour(const void *texture, struct point at, float blur)
{
    const struct checkerboard *board = texture;
    int32_t column = floor_of(at.x);
    int32_t row = floor_of(at.y);
    int own = (column + row) & 1;
    /* Beyond a border lies the other colour, beyond two the own again. */
    float across = edge_share(border_distance(at.x), blur);
    float down = edge_share(border_distance(at.y), blur);
    float other = across + down - 2.0f * across * down;
    struct colour colour = colour_mix(board->colours[own], board->colours[!own], other);
    float field = (float)(noise_bits(board->seed, column, row) & 255) / 255.0f - 0.5f;
    return colour_scale(colour, 1.0f + board->wear * field);
}

/* A brick's own colour, rough like burnt clay. */
static struct colour clay_colour(const struct bricks *bricks, struct point at, int32_t column,
                                 int32_t course)
{
    uint32_t bits = noise_bits(bricks->seed, column, course);
    float kind = (float)(bits & 255) / 255.0f;
    float burnt = (float)(bits >> 8 & 255) / 255.0f;
    float rough = noise_cloud(bricks->seed + 9, at.x * 6.0f, at.y * 6.0f, 2) - 0.5f;
    struct colour colour = colour_mix(bricks->colours[0], bricks->colours[1], kind);
    return colour_scale(colour, 0.82f + 0.26f * burnt + 0.45f * rough);
}

struct colour bricks_colour(const void *texture, struct point at, float blur)
{
    const struct bricks *bricks = texture;
    int32_t course = floor_of(at.y);
    float along = at.x / bricks->length + bricks->shift * (float)course;
    int32_t column = floor_of(along);
    /* From the middle of a brick, in units; the joint runs around it. */
    float x = (along - (float)column - 0.5f) * bricks->length;
    float y = at.y - (float)course - 0.5f;
    float inside_x = 0.5f * (bricks->length - bricks->joint) - fabsf(x);
    float inside_y = 0.5f * (1.0f - bricks->joint) - fabsf(y);
    float wobble = 0.07f * (noise_smooth(bricks->seed + 5, at.x * 4.0f, at.y * 4.0f) - 0.5f);
    float inside = (inside_x < inside_y ? inside_x : inside_y) + wobble;
    float joint = edge_share(inside, blur > 0.04f ? blur : 0.04f);
    struct colour mortar = {0.0f, 0.0f, 0.0f};
    if (joint > 0.0f) {
        float sand = noise_cloud(bricks->seed + 7, at.x * 12.0f, at.y * 12.0f, 2) - 0.5f;
        mortar = colour_scale(bricks->mortar, 0.95f + 0.4f * sand);
    }
    if (joint >= 1.0f)
        return mortar;
    struct colour clay = clay_colour(bricks, at, column, course);
    /* The edge towards the light shines, the one away from it is dark. */
    float facing = inside_x < inside_y ? (x < 0.0f ? -1.0f : 1.0f) * bricks->light.x
                                       : (y < 0.0f ? -1.0f : 1.0f) * bricks->light.y;
    clay = colour_scale(clay, 1.0f + 0.35f * facing * edge_share(inside - 0.05f, 0.1f));
    return colour_mix(clay, mortar, joint);
}
