/*
 * The contact sheet: layout and cells; and served pixels as RGB.
 */
#include "client/command/sheet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/check.h"
#include "proto/half.h"

/* All in pixels. */
enum {
    GAP = 18,
    BAR_TOP = 6,     /* below the picture */
    LABEL_BASE = 28, /* below the picture */
    MIX_BASE = 45,
    CAPTION_HEIGHT = 52,
};

static const double label_points = 13.0;
static const double mix_points = 11.5;

void sheet_arrange(uint32_t cell_height, uint32_t cell_width, uint32_t count,
                   struct sheet_grid *grid)
{
    grid->column_step = cell_width + GAP;
    grid->row_step = cell_height + GAP;
    grid->top = DRAWING_MARGIN + DRAWING_TITLE_HEIGHT;
    grid->left = DRAWING_MARGIN;
    uint32_t longest = UINT32_MAX;
    for (uint32_t columns = 1; columns <= count; columns++) {
        uint32_t rows = (count + columns - 1) / columns;
        uint32_t sheet_width = 2 * DRAWING_MARGIN + columns * grid->column_step - GAP;
        uint32_t sheet_height = grid->top + DRAWING_MARGIN + rows * grid->row_step - GAP;
        if (drawing_larger(sheet_width, sheet_height) >= longest)
            continue;
        longest = drawing_larger(sheet_width, sheet_height);
        grid->columns = columns;
        grid->rows = rows;
        grid->width = sheet_width;
        grid->height = sheet_height;
    }
}

void sheet_layout(uint32_t height, uint32_t width, uint32_t count, struct sheet_grid *grid)
{
    CHECK(height >= 1 && width >= 1 && height <= STK_SIDE_MAX && width <= STK_SIDE_MAX);
    CHECK(count >= 1 && count <= SHEET_CELLS_MAX);
    struct drawing_size size = drawing_fit(height, width);
    grid->picture_height = size.height;
    grid->picture_width = size.width;
    sheet_arrange(size.height + CAPTION_HEIGHT, drawing_larger(size.width, DRAWING_COLUMN_MIN),
                  count, grid);
}

/* A share and whose it is, within a width; returns where it ends. */
static double draw_share(struct drawing *drawing, double x, double y, double width, double share,
                         enum drawing_ink ink, const char *label)
{
    char number[16];
    snprintf(number, sizeof number, "%.2f ", share);
    double name_x = drawing_text(drawing, ink, x, y, width, number);
    return drawing_text(drawing, INK_QUIET, name_x, y, width - (name_x - x), label);
}

/* How wide a share and its label would be, uncut. */
static double share_width(struct drawing *drawing, const char *label)
{
    return drawing_text_width(drawing, "0.00 ") + drawing_text_width(drawing, label) + 1.0;
}

/* "0.73 circle + 0.27 star"; where both do not fit, the longer one is cut, to half of the column
 * at the least. */
static void draw_mix(struct drawing *drawing, double x, double y, double width, double share,
                     const struct sheet_cell *cell)
{
    static const char plus[] = " + ";
    drawing_font(drawing, mix_points, false);
    double plus_width = drawing_text_width(drawing, plus) + 1.0;
    double room = width - plus_width;
    double own_room = fmax(room / 2.0, room - share_width(drawing, cell->partner));
    double end = draw_share(drawing, x, y, own_room, share, INK_OWN, cell->own);
    end = drawing_text(drawing, INK_QUIET, end, y, plus_width, plus);
    draw_share(drawing, end, y, x + width - end, 1.0 - share, INK_PARTNER, cell->partner);
}

static void draw_captions(struct drawing *drawing, double x, double y, double width,
                          const struct sheet_cell *cell)
{
    double lambda = cell->lambda;
    double share = lambda >= 0.0 && lambda <= 1.0 ? lambda : lambda > 1.0 ? 1.0 : 0.0;
    bool mixed = cell->partner != NULL;
    drawing_bar(drawing, x, y + BAR_TOP, width, mixed ? share : 1.0);
    double label_width = width;
    if (cell->note != NULL) {
        drawing_font(drawing, mix_points, true);
        double note_width = drawing_text_width(drawing, cell->note);
        drawing_text(drawing, INK_ALERT, x + width - note_width, y + LABEL_BASE, note_width + 1.0,
                     cell->note);
        label_width -= note_width + 6.0;
    }
    drawing_font(drawing, label_points, true);
    drawing_text(drawing, INK_TEXT, x, y + LABEL_BASE, label_width, cell->label);
    if (mixed)
        draw_mix(drawing, x, y + MIX_BASE, width, share, cell);
}

enum stk_status sheet_write(const char *path, const char *title, uint32_t height, uint32_t width,
                            const struct sheet_cell *cells, uint32_t count, char *error)
{
    struct sheet_grid grid;
    sheet_layout(height, width, count, &grid);
    struct drawing *drawing;
    if (drawing_open(grid.height, grid.width, title, &drawing) != STK_OK)
        return drawing_fail_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        double x = grid.left + (double)(i % grid.columns) * grid.column_step;
        double y = grid.top + (double)(i / grid.columns) * grid.row_step;
        drawing_picture(drawing, x, y, height, width, cells[i].rgb);
        draw_captions(drawing, x, y + grid.picture_height, (double)grid.column_step - GAP,
                      &cells[i]);
    }
    enum stk_status status = drawing_save(drawing, path, error);
    drawing_close(&drawing);
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
