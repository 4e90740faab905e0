/*
 * Drawing: see drawing.h.
 */
#include "client/command/drawing.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cairo.h>

#include "proto/utf8.h"

enum {
    SIDE_MAX = 224,
    SUBTITLE_BASE = 38,     /* below the upper margin */
    TEXT_BYTES = 768,       /* a caption's storage; each bad byte becomes three */
    TEXT_SOURCE_BYTES = 240 /* what is looked at of a caption: more fits into no column */
};

static const double title_points = 19.0;
static const double subtitle_points = 12.0;
static const double outline_width = 2.0;
static const char font[] = "sans-serif";

struct ink {
    double red;
    double green;
    double blue;
};

static const struct ink inks[] = {
    [INK_PAGE] = {0.980, 0.980, 0.973},    [INK_TEXT] = {0.110, 0.118, 0.137},
    [INK_QUIET] = {0.420, 0.447, 0.502},   [INK_OWN] = {0.149, 0.388, 0.922},
    [INK_PARTNER] = {0.918, 0.490, 0.055}, [INK_ALERT] = {0.784, 0.137, 0.173},
};

struct drawing {
    cairo_surface_t *surface;
    cairo_t *cairo; /* remembers its first error */
    bool failed;    /* a picture could not be drawn */
    uint32_t width;
};

static void set_ink(const struct drawing *drawing, enum drawing_ink ink)
{
    const struct ink *set = &inks[ink];
    cairo_set_source_rgb(drawing->cairo, set->red, set->green, set->blue);
}

static void draw_title(struct drawing *drawing, const char *title)
{
    double width = (double)drawing->width - 2 * DRAWING_MARGIN;
    char first[TEXT_BYTES];
    const char *below = strchrnul(title, '\n');
    snprintf(first, sizeof first, "%.*s", (int)(below - title), title);
    drawing_font(drawing, title_points, true);
    drawing_text(drawing, INK_TEXT, DRAWING_MARGIN, DRAWING_MARGIN + title_points, width, first);
    drawing_font(drawing, subtitle_points, false);
    drawing_text(drawing, INK_QUIET, DRAWING_MARGIN, DRAWING_MARGIN + SUBTITLE_BASE, width,
                 below + (*below != '\0'));
}

enum stk_status drawing_open(uint32_t height, uint32_t width, const char *title,
                             struct drawing **drawing)
{
    *drawing = NULL;
    struct drawing *made = calloc(1, sizeof *made);
    if (made == NULL)
        return STK_MEMORY;
    made->width = width;
    made->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    made->cairo = cairo_create(made->surface);
    set_ink(made, INK_PAGE);
    cairo_paint(made->cairo);
    draw_title(made, title);
    *drawing = made;
    return STK_OK;
}

void drawing_close(struct drawing **drawing)
{
    if (*drawing == NULL)
        return;
    cairo_destroy((*drawing)->cairo);
    cairo_surface_destroy((*drawing)->surface);
    free(*drawing);
    *drawing = NULL;
}

static enum stk_status fail_path(const char *path, const char *reason, char *error)
{
    snprintf(error, DRAWING_ERROR_BYTES, "cannot write the contact sheet \"%s\": %s", path, reason);
    return STK_SYSTEM;
}

enum stk_status drawing_fail_memory(char *error)
{
    snprintf(error, DRAWING_ERROR_BYTES, "out of memory while drawing the contact sheet");
    return STK_MEMORY;
}

/* Write to a temporary name beside the path, and rename. */
static enum stk_status write_png(cairo_surface_t *surface, const char *path, char *error)
{
    struct stat found;
    /* A rename would replace a device or a pipe, not fill it. */
    if (stat(path, &found) == 0 && !S_ISREG(found.st_mode))
        return fail_path(path, "not a regular file, choose another name", error);
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof temporary, "%s.%ld.part", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof temporary)
        return fail_path(path, strerror(ENAMETOOLONG), error);
    errno = 0;
    cairo_status_t written = cairo_surface_write_to_png(surface, temporary);
    int cause = errno != 0 ? errno : EIO;
    if (written == CAIRO_STATUS_SUCCESS) {
        if (rename(temporary, path) == 0)
            return STK_OK;
        cause = errno;
    }
    unlink(temporary);
    return written == CAIRO_STATUS_NO_MEMORY ? drawing_fail_memory(error)
                                             : fail_path(path, strerror(cause), error);
}

enum stk_status drawing_save(const struct drawing *drawing, const char *path, char *error)
{
    if (drawing->failed || cairo_status(drawing->cairo) != CAIRO_STATUS_SUCCESS)
        return drawing_fail_memory(error);
    return write_png(drawing->surface, path, error);
}

/* How long a picture's longer side is drawn: it grows by a whole factor, so that pixels stay
 * pixels, but where that leaves it narrower than its caption. */
static uint32_t drawn_side(uint32_t side)
{
    uint32_t whole = side <= SIDE_MAX ? side * (SIDE_MAX / side) : SIDE_MAX;
    return drawing_larger(whole, DRAWING_COLUMN_MIN);
}

/* The other side in proportion. */
static uint32_t scaled(uint32_t side, uint32_t drawn, uint32_t longer)
{
    return drawing_larger(1, (side * drawn + longer / 2) / longer);
}

struct drawing_size drawing_fit(uint32_t height, uint32_t width)
{
    uint32_t longer = drawing_larger(height, width);
    uint32_t drawn = drawn_side(longer);
    return (struct drawing_size){scaled(height, drawn, longer), scaled(width, drawn, longer)};
}

static const char bad_bytes[] = "\xEF\xBF\xBD"; /* U+FFFD */
static const char ellipsis[] = "\xE2\x80\xA6";  /* U+2026 */

/* A copy that cairo accepts: it refuses a text with one bad byte. */
static void clean_text(const char *text, char clean[TEXT_BYTES])
{
    const char *at = text;
    const char *end = at + strnlen(text, TEXT_SOURCE_BYTES);
    size_t used = 0;
    while (at < end) {
        size_t len = stk_utf8_shown_len(at, (size_t)(end - at));
        memcpy(clean + used, len > 0 ? at : bad_bytes, len > 0 ? len : 3);
        used += len > 0 ? len : 3;
        at += len > 0 ? len : 1;
    }
    clean[used] = '\0';
}

static double clean_width(cairo_t *cairo, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

/* Cut a clean text, by whole characters, until it and its ellipsis fit. */
static void fit_text(cairo_t *cairo, char text[TEXT_BYTES], double width)
{
    if (clean_width(cairo, text) <= width)
        return;
    size_t len = strlen(text);
    if (len > TEXT_BYTES - sizeof ellipsis)
        len = TEXT_BYTES - sizeof ellipsis;
    do {
        while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
            len--;
        len -= len > 0;
        memcpy(text + len, ellipsis, sizeof ellipsis);
    } while (len > 0 && clean_width(cairo, text) > width);
}

void drawing_font(struct drawing *drawing, double points, bool bold)
{
    cairo_font_weight_t weight = bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL;
    cairo_select_font_face(drawing->cairo, font, CAIRO_FONT_SLANT_NORMAL, weight);
    cairo_set_font_size(drawing->cairo, points);
}

double drawing_text(struct drawing *drawing, enum drawing_ink ink, double x, double y, double width,
                    const char *text)
{
    char clean[TEXT_BYTES];
    clean_text(text, clean);
    fit_text(drawing->cairo, clean, width);
    set_ink(drawing, ink);
    cairo_move_to(drawing->cairo, x, y);
    cairo_show_text(drawing->cairo, clean);
    return x + clean_width(drawing->cairo, clean);
}

double drawing_text_width(struct drawing *drawing, const char *text)
{
    char clean[TEXT_BYTES];
    clean_text(text, clean);
    return clean_width(drawing->cairo, clean);
}

static void fill_box(struct drawing *drawing, enum drawing_ink ink, double x, double width,
                     double y)
{
    set_ink(drawing, ink);
    cairo_rectangle(drawing->cairo, x, y, width, DRAWING_BAR_HEIGHT);
    cairo_fill(drawing->cairo);
}

void drawing_bar(struct drawing *drawing, double x, double y, double width, double share)
{
    double own_width = floor(width * share + 0.5);
    fill_box(drawing, INK_OWN, x, own_width, y);
    fill_box(drawing, INK_PARTNER, x + own_width, width - own_width, y);
}

/* The picture as a cairo surface of its own size. */
static cairo_surface_t *picture_surface(const uint8_t *rgb, uint32_t height, uint32_t width)
{
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
        return surface;
    unsigned char *data = cairo_image_surface_get_data(surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    for (uint32_t row = 0; row < height; row++) {
        for (uint32_t column = 0; column < width; column++, rgb += 3) {
            uint32_t pixel = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
            memcpy(data + row * stride + column * sizeof pixel, &pixel, sizeof pixel);
        }
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

void drawing_picture(struct drawing *drawing, double x, double y, uint32_t height, uint32_t width,
                     const uint8_t *rgb)
{
    cairo_t *cairo = drawing->cairo;
    cairo_surface_t *surface = picture_surface(rgb, height, width);
    struct drawing_size size = drawing_fit(height, width);
    bool whole = size.width % width == 0 && size.height % height == 0;
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_rectangle(cairo, 0.0, 0.0, size.width, size.height);
    cairo_clip(cairo);
    cairo_scale(cairo, (double)size.width / width, (double)size.height / height);
    cairo_set_source_surface(cairo, surface, 0.0, 0.0);
    cairo_pattern_t *pattern = cairo_get_source(cairo);
    cairo_pattern_set_filter(pattern, whole ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    /* The filter would otherwise blend the border with nothing. */
    cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD);
    cairo_paint(cairo);
    cairo_restore(cairo);
    drawing->failed |= cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(surface);
}

void drawing_outline(struct drawing *drawing, enum drawing_ink ink, double x, double y,
                     uint32_t height, uint32_t width, const int32_t box[4])
{
    if (box[2] <= 0 || box[3] <= 0)
        return;
    struct drawing_size size = drawing_fit(height, width);
    double down = (double)size.height / height;
    double across = (double)size.width / width;
    double half = outline_width / 2.0;
    set_ink(drawing, ink);
    cairo_set_line_width(drawing->cairo, outline_width);
    cairo_rectangle(drawing->cairo, x + box[1] * across + half, y + box[0] * down + half,
                    fmax(0.0, box[3] * across - outline_width),
                    fmax(0.0, box[2] * down - outline_width));
    cairo_stroke(drawing->cairo);
}
