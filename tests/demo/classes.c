/*
 * The classes of the demo data set: one function a class, one table row a class.
 */
#include "tests/demo/classes.h"

#include "tests/demo/font.h"
#include "tests/demo/ground.h"
#include "tests/demo/palette.h"
#include "tests/demo/shape.h"
#include "tests/demo/texture.h"

/* Somewhere on the canvas, turned and tilted, with so many pixels a unit. */
static struct view pattern_view(const struct canvas *canvas, struct rng *rng, float scale)
{
    struct view view = canvas_view(canvas);
    view.centre.x *= rng_between(rng, 0.5f, 1.5f);
    view.centre.y *= rng_between(rng, 0.5f, 1.5f);
    view.scale = scale;
    view_turn(&view, rng_between(rng, 0.0f, 1.0f));
    return view;
}

/* Perspective: none, or the far end of the canvas up to three times as far as its middle. */
static float draw_tilt(const struct canvas *canvas, struct rng *rng, const struct view *view)
{
    if (rng_chance(rng, 0.5f))
        return 0.0f;
    float reach = (float)canvas->height / view->scale;
    return rng_between(rng, 0.3f, 0.85f) / reach;
}

/* The place of one of count objects: they share the long side, and stay on the canvas. */
static struct view object_view(const struct canvas *canvas, struct rng *rng, unsigned i,
                               unsigned count)
{
    float height = (float)canvas->height;
    float width = (float)canvas->width;
    float room = (height > width ? height : width) / (float)count;
    float narrow = room < canvas_short_side(canvas) ? room : canvas_short_side(canvas);
    float largest = count == 1 ? 0.46f : 0.5f;
    float radius = narrow * rng_between(rng, 0.33f, largest);
    float along = rng_between(rng, radius, room - radius) + room * (float)i;
    float across = rng_between(rng, radius, canvas_short_side(canvas) - radius);
    struct view view = canvas_view(canvas);
    view.centre = height > width ? (struct point){across, along} : (struct point){along, across};
    view.scale = radius * 0.94f;
    view_turn(&view, rng_between(rng, 0.0f, 1.0f));
    return view;
}

/* One object in a colour that stands out from the ground. */
static void put_object(struct canvas *canvas, struct rng *rng, const struct palette *palette,
                       const struct view *view, struct object object)
{
    struct solid solid;
    solid.colour = palette_ink(palette, rng, palette->grounds[0]);
    solid.roughness = rng_between(rng, 0.0f, 0.35f);
    solid.spots = rng_between(rng, 2.0f, 9.0f);
    solid.seed = rng_bits(rng);
    object.colour = solid_colour;
    object.texture = &solid;
    object.shadow = rng_between(rng, 0.25f, 0.6f);
    object.height = rng_between(rng, 0.04f, 0.16f);
    object.rim = rng_between(rng, 0.05f, 0.12f);
    object.softness = rng_between(rng, 1.0f, 1.8f);
    canvas_put(canvas, view, &object);
}

static unsigned draw_object_count(struct rng *rng)
{
    return rng_chance(rng, 0.55f) ? 1 : 2 + rng_below(rng, 2);
}

/* A frame's width where a shape is drawn hollow, 0 where it is filled. */
static float draw_wall(struct rng *rng, float thinnest, float thickest)
{
    float wall = rng_between(rng, thinnest, thickest);
    return rng_chance(rng, 0.3f) ? wall : 0.0f;
}

/* Polygons of one kind on a ground; make draws one. */
static void put_polygons(struct canvas *canvas, struct rng *rng,
                         void (*make)(struct polygon *polygon, struct rng *rng))
{
    struct palette palette;
    palette_init(&palette, rng);
    ground_draw(canvas, rng, &palette);
    unsigned count = draw_object_count(rng);
    for (unsigned i = 0; i < count; i++) {
        struct polygon polygon;
        make(&polygon, rng);
        struct view view = object_view(canvas, rng, i, count);
        struct object object = {
            .distance = polygon_distance,
            .shape = &polygon,
            .reach = {1.0f + polygon.rounding, 1.0f + polygon.rounding},
            .finish = rng_chance(rng, 0.6f) ? FINISH_BEVELED : FINISH_FLAT,
        };
        put_object(canvas, rng, &palette, &view, object);
    }
}

static void draw_bricks(struct canvas *canvas, struct rng *rng)
{
    static const struct colour clays[][2] = {
        {{0.62f, 0.27f, 0.20f}, {0.74f, 0.40f, 0.29f}}, /* red */
        {{0.78f, 0.60f, 0.40f}, {0.86f, 0.71f, 0.52f}}, /* sand */
        {{0.38f, 0.36f, 0.37f}, {0.52f, 0.49f, 0.48f}}, /* gray */
        {{0.44f, 0.20f, 0.18f}, {0.62f, 0.34f, 0.28f}}, /* dark */
        {{0.84f, 0.81f, 0.76f}, {0.93f, 0.91f, 0.87f}}, /* whitewashed */
    };
    const struct colour *clay = clays[rng_below(rng, sizeof clays / sizeof *clays)];
    float lime = rng_between(rng, 0.35f, 0.8f);
    struct view view =
        pattern_view(canvas, rng, canvas_short_side(canvas) / rng_between(rng, 3.5f, 9.0f));
    view_turn(&view, rng_between(rng, -0.035f, 0.035f));
    view.tilt = draw_tilt(canvas, rng, &view) * 0.4f;
    struct bricks bricks = {
        .colours = {clay[0], clay[1]},
        .mortar = {lime, lime * 0.97f, lime * 0.92f},
        .light = canvas->light,
    };
    bricks.length = rng_between(rng, 2.0f, 3.0f);
    bricks.joint = rng_between(rng, 0.10f, 0.18f);
    bricks.shift = rng_chance(rng, 0.7f) ? 0.5f : 0.3333f;
    bricks.seed = rng_bits(rng);
    canvas_fill(canvas, &view, bricks_colour, &bricks);
    ground_weather(canvas, rng, 0.4f);
}

static void draw_checkerboard(struct canvas *canvas, struct rng *rng)
{
    struct palette palette;
    palette_init(&palette, rng);
    struct view view =
        pattern_view(canvas, rng, canvas_short_side(canvas) / rng_between(rng, 3.5f, 8.0f));
    view.tilt = draw_tilt(canvas, rng, &view);
    struct checkerboard board = {.colours = {palette.grounds[0]}};
    board.colours[1] = palette_ink(&palette, rng, palette.grounds[0]);
    board.wear = rng_between(rng, 0.0f, 0.3f);
    board.seed = rng_bits(rng);
    canvas_fill(canvas, &view, checkerboard_colour, &board);
    ground_weather(canvas, rng, 0.45f);
}

static void draw_circle(struct canvas *canvas, struct rng *rng)
{
    static const enum finish finishes[] = {FINISH_ROUND, FINISH_BEVELED, FINISH_FLAT};
    struct palette palette;
    palette_init(&palette, rng);
    ground_draw(canvas, rng, &palette);
    unsigned count = draw_object_count(rng);
    for (unsigned i = 0; i < count; i++) {
        struct disc disc = {.wall = draw_wall(rng, 0.15f, 0.4f)};
        struct view view = object_view(canvas, rng, i, count);
        struct object object = {.distance = disc_distance, .shape = &disc, .reach = {1.0f, 1.0f}};
        object.finish = disc.wall > 0.0f ? FINISH_BEVELED : finishes[rng_below(rng, 3)];
        put_object(canvas, rng, &palette, &view, object);
    }
}

static void draw_gradient(struct canvas *canvas, struct rng *rng)
{
    struct palette palette;
    palette_init(&palette, rng);
    float reach = length_of((float)canvas->width, (float)canvas->height) * 0.5f;
    struct view view = pattern_view(canvas, rng, reach * rng_between(rng, 0.8f, 1.2f));
    struct gradient gradient = {.kind = (enum gradient_kind)rng_below(rng, 3)};
    gradient.stops[0] = palette_ink(&palette, rng, palette.grounds[0]);
    gradient.stops[1] = palette.grounds[rng_below(rng, 2)];
    gradient.stops[2] = palette_ink(&palette, rng, gradient.stops[1]);
    gradient.middle = rng_between(rng, 0.3f, 0.7f);
    canvas_fill(canvas, &view, gradient_colour, &gradient);
}

/* Two colours, or all inks, at even or uneven widths. */
static void draw_bands(struct bands *bands, struct rng *rng, const struct palette *palette)
{
    bands->count = rng_chance(rng, 0.55f) ? 2 : 2 * (2 + rng_below(rng, 2));
    float end = 0.0f;
    for (unsigned i = 0; i < bands->count; i++) {
        end += rng_between(rng, 0.55f, 1.45f);
        bands->ends[i] = end;
        bands->colours[i] = palette->grounds[0];
        if (i % 2)
            bands->colours[i] = palette_ink(palette, rng, palette->grounds[0]);
    }
    for (unsigned i = 0; i < bands->count; i++)
        bands->ends[i] /= end;
}

/* A spiral over all of the canvas, or on a disc like a lollipop. */
static void draw_spiral(struct canvas *canvas, struct rng *rng)
{
    struct palette palette;
    palette_init(&palette, rng);
    struct spiral spiral = {.arms = 1 + (int)rng_below(rng, 3)};
    draw_bands(&spiral.bands, rng, &palette);
    float rounds = rng_between(rng, 6.0f, 10.0f);
    spiral.windings = rounds / (float)spiral.bands.count;
    if (rng_chance(rng, 0.5f))
        spiral.arms = -spiral.arms;
    if (rng_chance(rng, 0.55f)) {
        struct view view = pattern_view(canvas, rng, canvas_short_side(canvas) * 0.8f);
        canvas_fill(canvas, &view, spiral_colour, &spiral);
        ground_weather(canvas, rng, 0.35f);
        return;
    }
    ground_draw(canvas, rng, &palette);
    struct disc disc = {.wall = 0.0f};
    struct view view = object_view(canvas, rng, 0, 1);
    struct object object = {
        .distance = disc_distance,
        .shape = &disc,
        .reach = {1.0f, 1.0f},
        .colour = spiral_colour,
        .texture = &spiral,
        .finish = FINISH_BEVELED,
        .rim = 0.09f,
        .shadow = 0.5f,
        .height = 0.1f,
        .softness = 1.4f,
    };
    canvas_put(canvas, &view, &object);
}

static void make_square(struct polygon *polygon, struct rng *rng)
{
    float rounding = rng_between(rng, 0.0f, 0.12f);
    polygon_init_rectangle(polygon, 1.41f - 2.0f * rounding, 1.41f - 2.0f * rounding);
    polygon->rounding = rounding;
    polygon->wall = draw_wall(rng, 0.14f, 0.3f);
}

static void draw_square(struct canvas *canvas, struct rng *rng)
{
    put_polygons(canvas, rng, make_square);
}

static void make_star(struct polygon *polygon, struct rng *rng)
{
    unsigned points = rng_chance(rng, 0.6f) ? 5 : 4 + rng_below(rng, 5);
    float inner = rng_between(rng, 0.38f, 0.56f);
    polygon_init_star(polygon, points, inner);
    polygon->rounding = rng_between(rng, 0.0f, 0.06f);
    polygon->wall = draw_wall(rng, 0.08f, 0.12f);
}

static void draw_star(struct canvas *canvas, struct rng *rng)
{
    put_polygons(canvas, rng, make_star);
}

static void draw_stripes(struct canvas *canvas, struct rng *rng)
{
    struct palette palette;
    palette_init(&palette, rng);
    struct stripes stripes = {.wave_height = 0.0f};
    draw_bands(&stripes.bands, rng, &palette);
    float bands_seen = rng_between(rng, 7.0f, 20.0f);
    float scale = canvas_short_side(canvas) / bands_seen * (float)stripes.bands.count;
    struct view view = pattern_view(canvas, rng, scale);
    view.tilt = draw_tilt(canvas, rng, &view);
    stripes.wave_length = rng_between(rng, 0.8f, 2.5f);
    if (rng_chance(rng, 0.4f))
        stripes.wave_height = rng_between(rng, 0.03f, 0.1f);
    canvas_fill(canvas, &view, stripes_colour, &stripes);
    ground_weather(canvas, rng, 0.45f);
}

/* A plate behind the words, like a sign's. */
static void put_plate(struct canvas *canvas, const struct view *view, const struct text *text,
                      struct colour colour)
{
    struct polygon plate;
    polygon_init_rectangle(&plate, text_height(text) + 2.0f, text_width(text) + 2.0f);
    plate.rounding = 1.2f;
    struct solid solid = {.colour = colour, .roughness = 0.2f, .spots = 0.3f, .seed = 77};
    struct object object = {
        .distance = polygon_distance,
        .shape = &plate,
        .reach = {0.5f * text_width(text) + 2.2f, 0.5f * text_height(text) + 2.2f},
        .colour = solid_colour,
        .texture = &solid,
        .finish = FINISH_BEVELED,
        .rim = 0.4f,
        .shadow = 0.5f,
        .height = 0.5f,
        .softness = 1.2f,
    };
    canvas_put(canvas, view, &object);
}

static void draw_words(struct text *text, struct rng *rng)
{
    static const char *const words[] = {
        "STOKER", "COAL",  "FIRE",  "STEAM",  "BATCH",   "EPOCH", "SHUFFLE", "MIXUP",
        "LAMBDA", "PIXEL", "CROP",  "FLIP",   "LABEL",   "TRAIN", "OPEN",    "EXIT",
        "KEY",    "ZERO",  "QUEUE", "WINDOW", "FURNACE", "SLAB",  "JPEG",    "GPU",
    };
    const char *lines[TEXT_LINES_MAX];
    unsigned line_count = 1 + rng_below(rng, TEXT_LINES_MAX);
    for (unsigned i = 0; i < line_count; i++)
        lines[i] = words[rng_below(rng, sizeof words / sizeof *words)];
    text_init(text, lines, line_count, rng_between(rng, 0.36f, 0.72f));
}

static void draw_text(struct canvas *canvas, struct rng *rng)
{
    struct palette palette;
    palette_init(&palette, rng);
    ground_draw(canvas, rng, &palette);
    struct text text;
    draw_words(&text, rng);
    float across = (float)canvas->width / (text_width(&text) + 3.6f);
    float down = (float)canvas->height / (text_height(&text) + 3.6f);
    struct view view = canvas_view(canvas);
    view.scale = (across < down ? across : down) * rng_between(rng, 0.72f, 0.97f);
    view.centre.x *= rng_between(rng, 0.94f, 1.06f);
    view.centre.y *= rng_between(rng, 0.9f, 1.1f);
    view_turn(&view, rng_between(rng, -0.03f, 0.03f));
    struct colour behind = palette.grounds[0];
    if (rng_chance(rng, 0.5f)) {
        behind = palette_ink(&palette, rng, palette.grounds[0]);
        put_plate(canvas, &view, &text, behind);
    }
    struct solid solid = {.colour = palette_ink(&palette, rng, behind), .spots = 1.0f};
    if (fabsf(colour_luma(solid.colour) - colour_luma(behind)) < 0.24f)
        solid.colour = palette.grounds[0];
    struct object object = {
        .distance = text_distance,
        .shape = &text,
        .reach = {0.5f * text_width(&text), 0.5f * text_height(&text)},
        .colour = solid_colour,
        .texture = &solid,
        .finish = FINISH_FLAT,
        .shadow = 0.3f,
        .height = 0.12f,
        .softness = 1.3f,
    };
    canvas_put(canvas, &view, &object);
}

static void make_triangle(struct polygon *polygon, struct rng *rng)
{
    /* From flat and wide to tall and narrow, and leaning to a side. */
    float lean = rng_between(rng, -0.35f, 0.35f);
    float wide = rng_between(rng, 0.75f, 1.0f);
    const struct point corners[] = {{lean, -1.0f}, {0.87f * wide, 0.5f}, {-0.87f * wide, 0.5f}};
    polygon_init(polygon, corners, 3);
    polygon->rounding = rng_between(rng, 0.0f, 0.06f);
    polygon->wall = draw_wall(rng, 0.12f, 0.22f);
}

static void draw_triangle(struct canvas *canvas, struct rng *rng)
{
    put_polygons(canvas, rng, make_triangle);
}

const struct demo_class demo_classes[DEMO_CLASSES] = {
    {"bricks", draw_bricks}, {"checkerboard", draw_checkerboard},
    {"circle", draw_circle}, {"gradient", draw_gradient},
    {"spiral", draw_spiral}, {"square", draw_square},
    {"star", draw_star},     {"stripes", draw_stripes},
    {"text", draw_text},     {"triangle", draw_triangle},
};
