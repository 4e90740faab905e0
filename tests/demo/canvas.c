/*
 * A canvas: textures, objects with rim and shadow, and the lens.
 */
#include "tests/demo/canvas.h"

#include <stdlib.h>

#include "tests/demo/rng.h"

float colour_luma(struct colour colour)
{
    return 0.299f * colour.red + 0.587f * colour.green + 0.114f * colour.blue;
}

enum stk_status canvas_init(struct canvas *canvas, uint32_t height, uint32_t width)
{
    *canvas = (struct canvas){.height = height, .width = width, .light = {-0.6f, -0.8f}};
    canvas->pixels = calloc((size_t)height * width, sizeof *canvas->pixels);
    return canvas->pixels ? STK_OK : STK_MEMORY;
}

void canvas_release(struct canvas *canvas)
{
    free(canvas->pixels);
    canvas->pixels = NULL;
}

struct view canvas_view(const struct canvas *canvas)
{
    return (struct view){
        .centre = {(float)canvas->width * 0.5f, (float)canvas->height * 0.5f},
        .scale = 1.0f,
        .cosine = 1.0f,
    };
}

float canvas_short_side(const struct canvas *canvas)
{
    return (float)(canvas->height < canvas->width ? canvas->height : canvas->width);
}

void view_turn(struct view *view, float turns)
{
    view->cosine = cosine_of(turns);
    view->sine = sine_of(turns);
}

/* A pixel's width in the view's units: the larger of its two steps, which perspective stretches. */
static float view_blur(const struct view *view, float x, float y, struct point at)
{
    if (view->tilt == 0.0f)
        return 1.0f / view->scale;
    struct point right = view_at(view, x + 1.0f, y);
    struct point below = view_at(view, x, y + 1.0f);
    float across = length_of(right.x - at.x, right.y - at.y);
    float down = length_of(below.x - at.x, below.y - at.y);
    return across > down ? across : down;
}

void canvas_fill(struct canvas *canvas, const struct view *view, texture_colour *colour,
                 const void *texture)
{
    for (uint32_t row = 0; row < canvas->height; row++) {
        struct colour *pixels = canvas_row(canvas, row);
        for (uint32_t column = 0; column < canvas->width; column++) {
            float x = (float)column + 0.5f;
            float y = (float)row + 0.5f;
            struct point at = view_at(view, x, y);
            pixels[column] = colour(texture, at, view_blur(view, x, y, at));
        }
    }
}

struct area {
    uint32_t top;
    uint32_t left;
    uint32_t bottom; /* exclusive */
    uint32_t right;  /* exclusive */
};

/* The pixels that an object may touch, and so many more around. */
static struct area area_of(const struct canvas *canvas, const struct view *view,
                           const struct object *object, float margin)
{
    float cosine = fabsf(view->cosine) * view->scale;
    float sine = fabsf(view->sine) * view->scale;
    float across = cosine * object->reach.x + sine * object->reach.y + margin;
    float down = sine * object->reach.x + cosine * object->reach.y + margin;
    float height = (float)canvas->height;
    float width = (float)canvas->width;
    return (struct area){
        .top = (uint32_t)clamp_of(view->centre.y - down, 0.0f, height),
        .left = (uint32_t)clamp_of(view->centre.x - across, 0.0f, width),
        .bottom = (uint32_t)clamp_of(view->centre.y + down + 1.0f, 0.0f, height),
        .right = (uint32_t)clamp_of(view->centre.x + across + 1.0f, 0.0f, width),
    };
}

/* An object's distance from a pixel's middle, in pixels. */
static float pixel_distance(const struct view *view, const struct object *object, float x, float y)
{
    return object->distance(object->shape, view_at(view, x, y)) * view->scale;
}

static void put_shadow(struct canvas *canvas, const struct view *view, const struct object *object)
{
    float off = object->height * view->scale;
    struct view shifted = *view;
    shifted.centre.x -= canvas->light.x * off;
    shifted.centre.y -= canvas->light.y * off;
    float fade = off * 1.2f + 1.0f;
    struct area area = area_of(canvas, &shifted, object, fade);
    for (uint32_t row = area.top; row < area.bottom; row++) {
        struct colour *pixels = canvas_row(canvas, row);
        for (uint32_t column = area.left; column < area.right; column++) {
            float distance =
                pixel_distance(&shifted, object, (float)column + 0.5f, (float)row + 0.5f);
            float share = smooth_step(0.5f - distance / (2.0f * fade));
            pixels[column] = colour_scale(pixels[column], 1.0f - object->shadow * share);
        }
    }
}

/* How the rim of a thick tile catches the light: a factor around 1. */
static float rim_light(const struct canvas *canvas, const struct view *view,
                       const struct object *object, float x, float y, float distance)
{
    float width = object->rim * view->scale;
    float inside = -distance;
    if (inside > width)
        return 1.0f;
    float slope_x = pixel_distance(view, object, x + 1.0f, y) - distance;
    float slope_y = pixel_distance(view, object, x, y + 1.0f) - distance;
    float facing = slope_x * canvas->light.x + slope_y * canvas->light.y;
    return 1.0f + 0.38f * facing * smooth_step(1.0f - clamp_of(inside, 0.0f, width) / width);
}

/* A ball's shading and its highlight: diffuse light from above the shoulder, as a factor in
 * *factor and white to add in *white. */
static void ball_light(const struct canvas *canvas, const struct view *view, float x, float y,
                       float *factor, float *white)
{
    float across = (x - view->centre.x) / view->scale;
    float down = (y - view->centre.y) / view->scale;
    float rest = 1.0f - across * across - down * down;
    float up = rest > 0.0f ? sqrtf(rest) : 0.0f;
    float facing = 0.64f * (across * canvas->light.x + down * canvas->light.y) + 0.77f * up;
    float bright = clamp_of(facing, 0.0f, 1.0f);
    float power = bright * bright;
    power *= power;
    power *= power;
    power *= power;
    *factor = 0.42f + 0.78f * bright;
    *white = 0.65f * power * power;
}

static struct colour lit_colour(const struct canvas *canvas, const struct view *view,
                                const struct object *object, float x, float y, float distance)
{
    struct point at = view_at(view, x, y);
    struct colour colour = object->colour(object->texture, at, 1.0f / view->scale);
    float factor = 1.0f;
    float white = 0.0f;
    if (object->finish == FINISH_BEVELED)
        factor = rim_light(canvas, view, object, x, y, distance);
    else if (object->finish == FINISH_ROUND)
        ball_light(canvas, view, x, y, &factor, &white);
    /* Light falls off across any surface. */
    float towards =
        ((x - view->centre.x) * canvas->light.x + (y - view->centre.y) * canvas->light.y) /
        (object->reach.x * view->scale);
    factor *= 1.0f + 0.10f * towards;
    return colour_mix(colour_scale(colour, factor), (struct colour){1.0f, 1.0f, 1.0f}, white);
}

void canvas_put(struct canvas *canvas, const struct view *view, const struct object *object)
{
    if (object->shadow > 0.0f)
        put_shadow(canvas, view, object);
    float fade = object->softness;
    struct area area = area_of(canvas, view, object, fade);
    for (uint32_t row = area.top; row < area.bottom; row++) {
        struct colour *pixels = canvas_row(canvas, row);
        for (uint32_t column = area.left; column < area.right; column++) {
            float x = (float)column + 0.5f;
            float y = (float)row + 0.5f;
            float distance = pixel_distance(view, object, x, y);
            float share = edge_share(distance, fade);
            if (share <= 0.0f)
                continue;
            struct colour colour = lit_colour(canvas, view, object, x, y, distance);
            pixels[column] = colour_mix(pixels[column], colour, share);
        }
    }
}

static uint8_t byte_of(float value)
{
    return (uint8_t)(clamp_of(value, 0.0f, 1.0f) * 255.0f + 0.5f);
}

/* Four bytes summed are near enough to a normal law; a standard deviation of 1. */
static float grain_of(uint32_t bits)
{
    uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
    return ((float)sum - 510.0f) * (1.0f / 147.8f);
}

void canvas_develop(const struct canvas *canvas, const struct lens *lens, uint8_t *rgb)
{
    float half_height = (float)canvas->height * 0.5f;
    float half_width = (float)canvas->width * 0.5f;
    float corner = half_height * half_height + half_width * half_width;
    for (uint32_t row = 0; row < canvas->height; row++) {
        const struct colour *pixels = canvas_row(canvas, row);
        for (uint32_t column = 0; column < canvas->width; column++, rgb += 3) {
            float x = (float)column - half_width;
            float y = (float)row - half_height;
            float away = (x * x + y * y) / corner;
            float factor = lens->exposure * (1.0f - lens->vignette * away * away);
            float grain =
                lens->grain * grain_of(noise_bits(lens->seed, (int32_t)column, (int32_t)row));
            rgb[0] = byte_of(pixels[column].red * factor * (1.0f + 0.05f * lens->warmth) + grain);
            rgb[1] = byte_of(pixels[column].green * factor + grain);
            rgb[2] = byte_of(pixels[column].blue * factor * (1.0f - 0.07f * lens->warmth) + grain);
        }
    }
}
