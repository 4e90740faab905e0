/*
 * The contact sheet: layout, text that fits, cells, and the file.
 */
#include "client/command/sheet.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cairo.h>

#include "daemon/base/check.h"
#include "proto/half.h"

/* All in pixels. */
enum {
    SIDE_MAX = 224,
    COLUMN_MIN = 152, /* narrower captions say nothing */
    MARGIN = 28,
    GAP = 18,
    TITLE_HEIGHT = 50, /* from the upper margin to the first picture */
    BAR_TOP = 6,       /* below the picture */
    BAR_HEIGHT = 4,
    LABEL_BASE = 28, /* below the picture */
    MIX_BASE = 45,
    CAPTION_HEIGHT = 52,
};

static const double title_points = 19.0;
static const double label_points = 13.0;
static const double mix_points = 11.5;
static const char font[] = "sans-serif";

struct ink {
    double red;
    double green;
    double blue;
};

static const struct ink page = {0.980, 0.980, 0.973};
static const struct ink text_ink = {0.110, 0.118, 0.137};
static const struct ink quiet_ink = {0.420, 0.447, 0.502};
static const struct ink own_ink = {0.149, 0.388, 0.922};     /* the label's share */
static const struct ink partner_ink = {0.918, 0.490, 0.055}; /* the partner's */
static const struct ink replaced_ink = {0.784, 0.137, 0.173};

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* How long a picture's longer side is drawn: it grows by a whole factor, so that pixels stay
 * pixels, but where that leaves it narrower than its caption. */
static uint32_t drawn_side(uint32_t side)
{
    uint32_t whole = side <= SIDE_MAX ? side * (SIDE_MAX / side) : SIDE_MAX;
    return larger(whole, COLUMN_MIN);
}

/* The other side in proportion. */
static uint32_t scaled(uint32_t side, uint32_t drawn, uint32_t longer)
{
    return larger(1, (side * drawn + longer / 2) / longer);
}

static void fit_picture(uint32_t height, uint32_t width, struct sheet_grid *grid)
{
    uint32_t longer = larger(height, width);
    uint32_t drawn = drawn_side(longer);
    grid->picture_height = scaled(height, drawn, longer);
    grid->picture_width = scaled(width, drawn, longer);
}

void sheet_layout(uint32_t height, uint32_t width, uint32_t count, struct sheet_grid *grid)
{
    CHECK(height >= 1 && width >= 1 && height <= STK_SIDE_MAX && width <= STK_SIDE_MAX);
    CHECK(count >= 1 && count <= SHEET_CELLS_MAX);
    fit_picture(height, width, grid);
    grid->column_step = larger(grid->picture_width, COLUMN_MIN) + GAP;
    grid->row_step = grid->picture_height + CAPTION_HEIGHT + GAP;
    grid->top = MARGIN + TITLE_HEIGHT;
    grid->left = MARGIN;
    uint32_t longest = UINT32_MAX;
    for (uint32_t columns = 1; columns <= count; columns++) {
        uint32_t rows = (count + columns - 1) / columns;
        uint32_t sheet_width = 2 * MARGIN + columns * grid->column_step - GAP;
        uint32_t sheet_height = 2 * MARGIN + TITLE_HEIGHT + rows * grid->row_step - GAP;
        if (larger(sheet_width, sheet_height) >= longest)
            continue;
        longest = larger(sheet_width, sheet_height);
        grid->columns = columns;
        grid->rows = rows;
        grid->width = sheet_width;
        grid->height = sheet_height;
    }
}

enum {
    TEXT_BYTES = 768,       /* a caption's storage; each bad byte becomes three */
    TEXT_SOURCE_BYTES = 240 /* what is looked at of a caption: more fits into no column */
};

static const char bad_bytes[] = "\xEF\xBF\xBD"; /* U+FFFD */
static const char ellipsis[] = "\xE2\x80\xA6";  /* U+2026 */

/* Bytes of the character that starts here; 0 where it is not UTF-8 (RFC 3629) or a control
 * character.  The end mark is no continuation byte, so nothing behind it is read. */
static size_t character_bytes(const unsigned char *at)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (at[0] < 0x80)
        return at[0] >= 0x20 && at[0] != 0x7f;
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    uint32_t value = at[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3fu);
    }
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    return value < smallest[len] || value > 0x10ffff || surrogate ? 0 : len;
}

/* A copy that cairo accepts: it refuses a text with one bad byte. */
static void clean_text(const char *text, char clean[TEXT_BYTES])
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + strnlen(text, TEXT_SOURCE_BYTES);
    size_t used = 0;
    while (at < end) {
        size_t len = character_bytes(at);
        memcpy(clean + used, len > 0 ? (const char *)at : bad_bytes, len > 0 ? len : 3);
        used += len > 0 ? len : 3;
        at += len > 0 ? len : 1;
    }
    clean[used] = '\0';
}

static double text_width(cairo_t *cairo, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

/* Cut a clean text, by whole characters, until it and its ellipsis fit. */
static void fit_text(cairo_t *cairo, char text[TEXT_BYTES], double width)
{
    if (text_width(cairo, text) <= width)
        return;
    size_t len = strlen(text);
    if (len > TEXT_BYTES - sizeof ellipsis)
        len = TEXT_BYTES - sizeof ellipsis;
    do {
        while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
            len--;
        len -= len > 0;
        memcpy(text + len, ellipsis, sizeof ellipsis);
    } while (len > 0 && text_width(cairo, text) > width);
}

static void set_ink(cairo_t *cairo, struct ink ink)
{
    cairo_set_source_rgb(cairo, ink.red, ink.green, ink.blue);
}

static void set_font(cairo_t *cairo, double points, cairo_font_weight_t weight)
{
    cairo_select_font_face(cairo, font, CAIRO_FONT_SLANT_NORMAL, weight);
    cairo_set_font_size(cairo, points);
}

/* Show a text that fits a width; returns where it ends. */
static double show_text(cairo_t *cairo, double x, double y, double width, const char *text)
{
    char clean[TEXT_BYTES];
    clean_text(text, clean);
    fit_text(cairo, clean, width);
    cairo_move_to(cairo, x, y);
    cairo_show_text(cairo, clean);
    return x + text_width(cairo, clean);
}

static void fill_box(cairo_t *cairo, double x, double y, double width, double height)
{
    cairo_rectangle(cairo, x, y, width, height);
    cairo_fill(cairo);
}

static void draw_title(cairo_t *cairo, const struct sheet_grid *grid, const char *title)
{
    set_font(cairo, title_points, CAIRO_FONT_WEIGHT_BOLD);
    set_ink(cairo, text_ink);
    show_text(cairo, MARGIN, MARGIN + title_points, (double)grid->width - 2 * MARGIN, title);
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

static enum stk_status draw_picture(cairo_t *cairo, const struct sheet_grid *grid, double x,
                                    double y, uint32_t height, uint32_t width, const uint8_t *rgb)
{
    cairo_surface_t *surface = picture_surface(rgb, height, width);
    bool whole = grid->picture_width % width == 0 && grid->picture_height % height == 0;
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_rectangle(cairo, 0.0, 0.0, grid->picture_width, grid->picture_height);
    cairo_clip(cairo);
    cairo_scale(cairo, (double)grid->picture_width / width, (double)grid->picture_height / height);
    cairo_set_source_surface(cairo, surface, 0.0, 0.0);
    cairo_pattern_t *pattern = cairo_get_source(cairo);
    cairo_pattern_set_filter(pattern, whole ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    /* The filter would otherwise blend the border with nothing. */
    cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD);
    cairo_paint(cairo);
    cairo_restore(cairo);
    enum stk_status status =
        cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS ? STK_OK : STK_MEMORY;
    cairo_surface_destroy(surface);
    return status;
}

/* A bar as wide as the column: how much of the picture is the label's, how much the partner's. */
static void draw_bar(cairo_t *cairo, double x, double y, double width, double share)
{
    double own_width = floor(width * share + 0.5);
    set_ink(cairo, own_ink);
    fill_box(cairo, x, y, own_width, BAR_HEIGHT);
    set_ink(cairo, partner_ink);
    fill_box(cairo, x + own_width, y, width - own_width, BAR_HEIGHT);
}

/* A share and whose it is, within a width; returns where it ends. */
static double draw_share(cairo_t *cairo, double x, double y, double width, double share,
                         struct ink ink, const char *label)
{
    char number[16];
    snprintf(number, sizeof number, "%.2f ", share);
    set_ink(cairo, ink);
    double name_x = show_text(cairo, x, y, width, number);
    set_ink(cairo, quiet_ink);
    return show_text(cairo, name_x, y, width - (name_x - x), label);
}

/* How wide a share and its label would be, uncut. */
static double share_width(cairo_t *cairo, const char *label)
{
    char clean[TEXT_BYTES];
    clean_text(label, clean);
    return text_width(cairo, "0.00 ") + text_width(cairo, clean) + 1.0;
}

/* "0.73 circle + 0.27 star"; where both do not fit, the longer one is cut, to half of the column
 * at the least. */
static void draw_mix(cairo_t *cairo, double x, double y, double width, double share,
                     const struct sheet_cell *cell)
{
    static const char plus[] = " + ";
    set_font(cairo, mix_points, CAIRO_FONT_WEIGHT_NORMAL);
    double room = width - text_width(cairo, plus) - 1.0;
    double own_room = fmax(room / 2.0, room - share_width(cairo, cell->partner_label));
    double end = draw_share(cairo, x, y, own_room, share, own_ink, cell->label);
    end = show_text(cairo, end, y, text_width(cairo, plus) + 1.0, plus);
    draw_share(cairo, end, y, x + width - end, 1.0 - share, partner_ink, cell->partner_label);
}

static void draw_captions(cairo_t *cairo, double x, double y, double width,
                          const struct sheet_cell *cell)
{
    double lambda = cell->lambda;
    double share = lambda >= 0.0 && lambda <= 1.0 ? lambda : lambda > 1.0 ? 1.0 : 0.0;
    bool mixed = cell->partner_label != NULL;
    draw_bar(cairo, x, y + BAR_TOP, width, mixed ? share : 1.0);
    double label_width = width;
    if (cell->replaced) {
        static const char note[] = "replaced";
        set_font(cairo, mix_points, CAIRO_FONT_WEIGHT_BOLD);
        double note_width = text_width(cairo, note);
        set_ink(cairo, replaced_ink);
        show_text(cairo, x + width - note_width, y + LABEL_BASE, note_width + 1.0, note);
        label_width -= note_width + 6.0;
    }
    set_font(cairo, label_points, CAIRO_FONT_WEIGHT_BOLD);
    set_ink(cairo, text_ink);
    show_text(cairo, x, y + LABEL_BASE, label_width, cell->label);
    if (mixed)
        draw_mix(cairo, x, y + MIX_BASE, width, share, cell);
}

static enum stk_status draw_cells(cairo_t *cairo, const struct sheet_grid *grid, uint32_t height,
                                  uint32_t width, const struct sheet_cell *cells, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        double x = grid->left + (double)(i % grid->columns) * grid->column_step;
        double y = grid->top + (double)(i / grid->columns) * grid->row_step;
        enum stk_status status = draw_picture(cairo, grid, x, y, height, width, cells[i].rgb);
        if (status != STK_OK)
            return status;
        draw_captions(cairo, x, y + grid->picture_height, (double)grid->column_step - GAP,
                      &cells[i]);
    }
    return STK_OK;
}

static enum stk_status fail_path(const char *path, const char *reason, char *error)
{
    snprintf(error, SHEET_ERROR_BYTES, "cannot write the contact sheet \"%s\": %s", path, reason);
    return STK_SYSTEM;
}

static enum stk_status fail_memory(char *error)
{
    snprintf(error, SHEET_ERROR_BYTES, "out of memory while drawing the contact sheet");
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
    return written == CAIRO_STATUS_NO_MEMORY ? fail_memory(error)
                                             : fail_path(path, strerror(cause), error);
}

enum stk_status sheet_write(const char *path, const char *title, uint32_t height, uint32_t width,
                            const struct sheet_cell *cells, uint32_t count, char *error)
{
    struct sheet_grid grid;
    sheet_layout(height, width, count, &grid);
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)grid.width, (int)grid.height);
    cairo_t *cairo = cairo_create(surface);
    set_ink(cairo, page);
    cairo_paint(cairo);
    draw_title(cairo, &grid, title);
    enum stk_status status = draw_cells(cairo, &grid, height, width, cells, count);
    /* cairo remembers its first error; all that can go wrong in drawing is memory. */
    if (status != STK_OK || cairo_status(cairo) != CAIRO_STATUS_SUCCESS)
        status = fail_memory(error);
    else
        status = write_png(surface, path, error);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return status;
}

/* Where a picture's channels lie among its elements. */
struct picture_steps {
    size_t pixel;
    size_t channel;
};

static struct picture_steps picture_steps(enum stk_layout layout, size_t pixels)
{
    return layout == STK_NHWC ? (struct picture_steps){3, 1} : (struct picture_steps){1, pixels};
}

/* A tensor's frame may begin at any byte. */
static double load_number(const unsigned char *numbers, enum stk_dtype dtype, size_t i)
{
    float value;
    uint16_t half;
    if (dtype == STK_F32) {
        memcpy(&value, numbers + i * sizeof value, sizeof value);
        return (double)value;
    }
    memcpy(&half, numbers + i * sizeof half, sizeof half);
    return (double)(dtype == STK_F16 ? stk_f16_decode(half) : stk_bf16_decode(half));
}

static void stretch_numbers(const unsigned char *numbers, enum stk_dtype dtype,
                            struct picture_steps steps, size_t pixels, uint8_t *rgb)
{
    double least = INFINITY;
    double greatest = -INFINITY;
    for (size_t i = 0; i < pixels * 3; i++) {
        double value = load_number(numbers, dtype, i);
        if (isfinite(value)) {
            least = fmin(least, value);
            greatest = fmax(greatest, value);
        }
    }
    double range = greatest - least;
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        for (size_t channel = 0; channel < 3; channel++, rgb++) {
            double value =
                load_number(numbers, dtype, pixel * steps.pixel + channel * steps.channel);
            double share = range > 0.0 ? (value - least) / range : 128.0 / 255.0;
            *rgb = isfinite(value) ? (uint8_t)(share * 255.0 + 0.5) : 0;
        }
    }
}

void sheet_pixels(const void *images, enum stk_dtype dtype, enum stk_layout layout, uint32_t height,
                  uint32_t width, uint32_t slot, uint8_t *rgb)
{
    CHECK(dtype == STK_U8 || dtype == STK_F32 || dtype == STK_F16 || dtype == STK_BF16);
    size_t pixels = (size_t)height * width;
    struct picture_steps steps = picture_steps(layout, pixels);
    const unsigned char *picture =
        (const unsigned char *)images + slot * pixels * 3 * stk_dtype_bytes(dtype);
    if (dtype != STK_U8) {
        stretch_numbers(picture, dtype, steps, pixels, rgb);
        return;
    }
    for (size_t pixel = 0; pixel < pixels; pixel++)
        for (size_t channel = 0; channel < 3; channel++)
            *rgb++ = picture[pixel * steps.pixel + channel * steps.channel];
}
