/*
 * Grounds: one function a kind, one table row a kind.
 */
#include "tests/demo/ground.h"

#include "tests/demo/texture.h"

/* A backdrop with a pool of light. */
static void backdrop(struct canvas *canvas, struct rng *rng, const struct palette *palette)
{
    struct view view = canvas_view(canvas);
    view.centre.x *= rng_between(rng, 0.3f, 1.7f);
    view.centre.y *= rng_between(rng, 0.3f, 1.3f);
    view.scale = length_of((float)canvas->width, (float)canvas->height) * 0.8f;
    struct colour lit = colour_scale(palette->grounds[0], 1.12f);
    struct gradient gradient = {
        .kind = GRADIENT_RADIAL,
        .stops = {lit, palette->grounds[0], colour_scale(palette->grounds[1], 0.8f)},
        .middle = 0.45f,
    };
    canvas_fill(canvas, &view, gradient_colour, &gradient);
}

static void clouds(struct canvas *canvas, struct rng *rng, const struct palette *palette)
{
    struct view view = canvas_view(canvas);
    view.scale = canvas_short_side(canvas) * rng_between(rng, 0.3f, 0.8f);
    struct cloud cloud = {
        .colours = {palette->grounds[0], palette->grounds[1]},
        .contrast = 1.8f,
        .octaves = 3,
    };
    cloud.stretch = rng_between(rng, 1.0f, 1.8f);
    cloud.seed = rng_bits(rng);
    canvas_fill(canvas, &view, cloud_colour, &cloud);
}

static void wood(struct canvas *canvas, struct rng *rng, const struct palette *palette)
{
    struct view view = canvas_view(canvas);
    view.scale = canvas_short_side(canvas) * rng_between(rng, 0.05f, 0.12f);
    view_turn(&view, rng_between(rng, -0.05f, 0.05f));
    struct cloud cloud = {
        .colours = {palette->grounds[0], palette->grounds[1]},
        .contrast = 2.4f,
        .octaves = 3,
    };
    cloud.stretch = rng_between(rng, 9.0f, 18.0f);
    cloud.seed = rng_bits(rng);
    canvas_fill(canvas, &view, cloud_colour, &cloud);
    ground_weather(canvas, rng, 0.25f);
}

static void cloth(struct canvas *canvas, struct rng *rng, const struct palette *palette)
{
    struct view view = canvas_view(canvas);
    view.scale = canvas_short_side(canvas) / rng_between(rng, 45.0f, 90.0f);
    view_turn(&view, rng_between(rng, -0.06f, 0.06f));
    struct linen linen = {.colour = palette->grounds[0], .depth = 0.35f, .seed = rng_bits(rng)};
    canvas_fill(canvas, &view, linen_colour, &linen);
    ground_weather(canvas, rng, 0.35f);
}

/* A table before a wall: two backdrops and a soft horizon. */
static void table_top(struct canvas *canvas, struct rng *rng, const struct palette *palette)
{
    struct view view = canvas_view(canvas);
    view.centre.y *= rng_between(rng, 0.9f, 1.5f);
    view.scale = (float)canvas->height * rng_between(rng, 0.3f, 0.6f);
    view_turn(&view, 0.25f);
    float horizon = rng_between(rng, 0.02f, 0.1f);
    struct gradient gradient = {
        .kind = GRADIENT_LINEAR,
        .stops = {colour_scale(palette->grounds[0], 1.05f), colour_scale(palette->grounds[0], 0.8f),
                  palette->grounds[1]},
        .middle = 0.5f,
    };
    canvas_fill(canvas, &view, gradient_colour, &gradient);
    for (uint32_t row = 0; row < canvas->height; row++) {
        float below = ((float)row - view.centre.y) / view.scale;
        float share = smooth_step(0.5f + below / horizon);
        struct colour nearer =
            colour_scale(palette->grounds[1], 0.78f + 0.3f * clamp_of(below, 0.0f, 1.0f));
        struct colour *pixels = canvas_row(canvas, row);
        for (uint32_t column = 0; column < canvas->width; column++)
            pixels[column] = colour_mix(pixels[column], nearer, share);
    }
    ground_weather(canvas, rng, 0.15f);
}

/* Weather changes so slowly that every eighth pixel is enough; between them it runs straight. */
enum { WEATHER_STEP = 8 };

void ground_weather(struct canvas *canvas, struct rng *rng, float strength)
{
    uint32_t seed = rng_bits(rng);
    float scale = rng_between(rng, 1.5f, 4.0f) / canvas_short_side(canvas);
    for (uint32_t row = 0; row < canvas->height; row++) {
        struct colour *pixels = canvas_row(canvas, row);
        float y = (float)row * scale;
        float left = 0.0f;
        float right = noise_cloud(seed, 0.0f, y, 3);
        for (uint32_t column = 0; column < canvas->width; column++) {
            uint32_t step = column % WEATHER_STEP;
            if (step == 0) {
                left = right;
                right = noise_cloud(seed, (float)(column + WEATHER_STEP) * scale, y, 3);
            }
            float noise = mix_of(left, right, (float)step / (float)WEATHER_STEP);
            pixels[column] = colour_scale(pixels[column], 1.0f + strength * (noise - 0.5f));
        }
    }
}

static void (*const kinds[])(struct canvas *, struct rng *, const struct palette *) = {
    backdrop, clouds, wood, cloth, table_top,
};

void ground_draw(struct canvas *canvas, struct rng *rng, const struct palette *palette)
{
    kinds[rng_below(rng, sizeof kinds / sizeof *kinds)](canvas, rng, palette);
}
