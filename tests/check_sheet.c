/*
 * The contact sheet: what is written is read back as a PNG and held against the cells.
 */
#include "client/command/sheet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cairo.h>

#include "client/command/explain.h"
#include "proto/half.h"
#include "tests/suite.h"

static char folder[64];
static char path[128];
static char error[SHEET_ERROR_BYTES];

static void make_folder(void)
{
    strcpy(folder, "/tmp/check_sheet.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sheet.png", folder);
}

static void remove_folder(void)
{
    unlink(path);
    /* A temporary file that was left behind keeps the folder from going away. */
    ck_assert_int_eq(rmdir(folder), 0);
}

/* A picture whose every pixel tells its cell, row and column. */
static void paint(uint8_t *rgb, uint32_t height, uint32_t width, uint32_t cell)
{
    for (uint32_t row = 0; row < height; row++) {
        for (uint32_t column = 0; column < width; column++, rgb += 3) {
            rgb[0] = (uint8_t)(cell * 16 + 5);
            rgb[1] = (uint8_t)(row * 3 + 1);
            rgb[2] = (uint8_t)(column * 2 + 7);
        }
    }
}

static uint32_t pixel_at(cairo_surface_t *png, uint32_t y, uint32_t x)
{
    uint32_t pixel;
    int stride = cairo_image_surface_get_stride(png);
    memcpy(&pixel, cairo_image_surface_get_data(png) + (size_t)stride * y + x * sizeof pixel,
           sizeof pixel);
    return pixel & 0xffffff;
}

static uint32_t rgb_at(const uint8_t *rgb, uint32_t width, uint32_t row, uint32_t column)
{
    const uint8_t *pixel = rgb + ((size_t)row * width + column) * 3;
    return (uint32_t)pixel[0] << 16 | (uint32_t)pixel[1] << 8 | pixel[2];
}

static cairo_surface_t *read_sheet(const struct sheet_grid *grid)
{
    cairo_surface_t *png = cairo_image_surface_create_from_png(path);
    ck_assert_int_eq(cairo_surface_status(png), CAIRO_STATUS_SUCCESS);
    ck_assert_int_eq(cairo_image_surface_get_width(png), (int)grid->width);
    ck_assert_int_eq(cairo_image_surface_get_height(png), (int)grid->height);
    return png;
}

/* Write a sheet of painted cells and compare every pixel of every picture. */
static void check_pictures(uint32_t height, uint32_t width, uint32_t count, uint32_t factor)
{
    struct sheet_cell cells[SHEET_CELLS_MAX];
    size_t picture_bytes = (size_t)height * width * 3;
    uint8_t *rgb = malloc(picture_bytes * count);
    ck_assert_ptr_nonnull(rgb);
    for (uint32_t i = 0; i < count; i++) {
        paint(rgb + picture_bytes * i, height, width, i);
        cells[i] = (struct sheet_cell){.rgb = rgb + picture_bytes * i, .label = "circle"};
    }
    ck_assert_int_eq(sheet_write(path, "demo", height, width, cells, count, error), STK_OK);
    struct sheet_grid grid;
    sheet_layout(height, width, count, &grid);
    ck_assert_uint_eq(grid.picture_height, height * factor);
    ck_assert_uint_eq(grid.picture_width, width * factor);
    cairo_surface_t *png = read_sheet(&grid);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t top = grid.top + i / grid.columns * grid.row_step;
        uint32_t left = grid.left + i % grid.columns * grid.column_step;
        for (uint32_t y = 0; y < grid.picture_height; y++)
            for (uint32_t x = 0; x < grid.picture_width; x++)
                ck_assert_uint_eq(pixel_at(png, top + y, left + x),
                                  rgb_at(cells[i].rgb, width, y / factor, x / factor));
    }
    cairo_surface_destroy(png);
    free(rgb);
}

START_TEST(pictures_stand_in_their_cells_pixel_by_pixel)
{
    check_pictures(160, 200, 5, 1);
}
END_TEST

START_TEST(small_pictures_grow_by_a_whole_factor)
{
    check_pictures(50, 60, 3, 3);
}
END_TEST

/* A picture of one colour is drawn at given sides, and has the colour up to its corners. */
static void check_colour(uint32_t height, uint32_t width, uint32_t drawn_height,
                         uint32_t drawn_width)
{
    uint8_t *rgb = malloc((size_t)height * width * 3);
    ck_assert_ptr_nonnull(rgb);
    for (size_t i = 0; i < (size_t)height * width; i++)
        memcpy(rgb + i * 3, (const uint8_t[]){200, 100, 50}, 3);
    struct sheet_cell cell = {.rgb = rgb, .label = "circle"};
    ck_assert_int_eq(sheet_write(path, "demo", height, width, &cell, 1, error), STK_OK);
    struct sheet_grid grid;
    sheet_layout(height, width, 1, &grid);
    ck_assert_uint_eq(grid.picture_height, drawn_height);
    ck_assert_uint_eq(grid.picture_width, drawn_width);
    cairo_surface_t *png = read_sheet(&grid);
    for (uint32_t y = 0; y < drawn_height; y++)
        for (uint32_t x = 0; x < drawn_width; x++)
            ck_assert_uint_eq(pixel_at(png, grid.top + y, grid.left + x), 0xc86432);
    cairo_surface_destroy(png);
    free(rgb);
}

START_TEST(other_pictures_are_scaled_and_keep_their_colour)
{
    check_colour(499, 1000, 112, 224);
    check_colour(120, 128, 143, 152);
}
END_TEST

START_TEST(sixty_four_cells_make_a_near_square)
{
    struct sheet_grid grid;
    for (uint32_t count = 1; count <= SHEET_CELLS_MAX; count++) {
        sheet_layout(224, 224, count, &grid);
        ck_assert_uint_ge(grid.columns * grid.rows, count);
        ck_assert_uint_lt(grid.columns * (grid.rows - 1), count);
    }
    ck_assert_uint_eq(grid.rows, 8);
    ck_assert_uint_eq(grid.columns, 8);
}
END_TEST

START_TEST(a_picture_of_extreme_shape_is_drawn)
{
    static uint8_t rgb[STK_SIDE_MAX * 3];
    struct sheet_cell cell = {.rgb = rgb, .label = "line"};
    ck_assert_int_eq(sheet_write(path, "demo", 1, STK_SIDE_MAX, &cell, 1, error), STK_OK);
    ck_assert_int_eq(sheet_write(path, "demo", STK_SIDE_MAX, 1, &cell, 1, error), STK_OK);
    ck_assert_int_eq(sheet_write(path, "demo", 1, 1, &cell, 1, error), STK_OK);
}
END_TEST

/* Columns of a bar below cell 0's picture in the colour at its left end. */
static uint32_t bar_share(cairo_surface_t *png, const struct sheet_grid *grid, uint32_t *width)
{
    uint32_t y = grid->top + grid->picture_height + 7;
    uint32_t page = pixel_at(png, y, 0);
    uint32_t own = pixel_at(png, y, grid->left);
    uint32_t share = 0;
    *width = 0;
    ck_assert_uint_ne(own, page);
    for (uint32_t x = grid->left; pixel_at(png, y, x) != page; x++) {
        share += pixel_at(png, y, x) == own;
        ++*width;
    }
    return share;
}

static void check_bar(const char *partner_label, float lambda, uint32_t expected)
{
    static uint8_t rgb[200 * 200 * 3];
    struct sheet_cell cell = {rgb, "circle", "circle", partner_label, lambda, NULL};
    struct sheet_grid grid;
    uint32_t width;
    ck_assert_int_eq(sheet_write(path, "demo", 200, 200, &cell, 1, error), STK_OK);
    sheet_layout(200, 200, 1, &grid);
    cairo_surface_t *png = read_sheet(&grid);
    ck_assert_uint_eq(bar_share(png, &grid, &width), expected);
    ck_assert_uint_eq(width, 200);
    cairo_surface_destroy(png);
}

START_TEST(the_bar_is_split_at_lambda)
{
    check_bar("star", 0.73f, 146);
    check_bar("star", 0.25f, 50);
    check_bar("star", 1.0f, 200);
    check_bar(NULL, 0.5f, 200);
    check_bar("star", 7.0f, 200);
}
END_TEST

/* Whether anything is drawn in a box. */
static bool has_ink(cairo_surface_t *png, uint32_t top, uint32_t left, uint32_t height,
                    uint32_t width)
{
    uint32_t page = pixel_at(png, 0, 0);
    for (uint32_t y = top; y < top + height; y++)
        for (uint32_t x = left; x < left + width; x++)
            if (pixel_at(png, y, x) != page)
                return true;
    return false;
}

START_TEST(a_title_has_a_line_for_its_recipe_below_it)
{
    static uint8_t rgb[200 * 200 * 3];
    static const char *const titles[] = {"demo", "demo\nmix mixup fastai"};
    struct sheet_cell cell = {.rgb = rgb, .label = "x"};
    struct sheet_grid grid;
    sheet_layout(200, 200, 1, &grid);
    for (int below = 0; below < 2; below++) {
        ck_assert_int_eq(sheet_write(path, titles[below], 200, 200, &cell, 1, error), STK_OK);
        cairo_surface_t *png = read_sheet(&grid);
        ck_assert(has_ink(png, DRAWING_MARGIN, grid.left, 22, 100));
        ck_assert_int_eq(has_ink(png, DRAWING_MARGIN + 26, grid.left, 12, 170), below);
        ck_assert(!has_ink(png, DRAWING_MARGIN + 44, 0, 6, grid.width)); /* free of the pictures */
        cairo_surface_destroy(png);
    }
}
END_TEST

START_TEST(captions_of_any_bytes_stay_in_their_column)
{
    static uint8_t rgb[200 * 200 * 3];
    static char longest[100000];
    memset(longest, 'W', sizeof longest - 1);
    /* Bad: lone continuation, cut character, overlong, surrogate, beyond Unicode, control. */
    static const char *const labels[] = {
        longest,
        "\x80\xff\xfe",
        "caf\xc3",
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "\xf0\x80\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "a\nb\x7f",
        "\xe5\xad\xa6\xe7\xbf\x92",
        "",
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        struct sheet_cell cells[2] = {
            {rgb, labels[i], labels[i], labels[i], 0.5f, "replaced"},
            {rgb, "", "", NULL, 1.0f, NULL},
        };
        struct sheet_grid grid;
        ck_assert_int_eq(sheet_write(path, labels[i], 200, 200, cells, 2, error), STK_OK);
        sheet_layout(200, 200, 2, &grid);
        ck_assert_uint_eq(grid.columns, 2);
        cairo_surface_t *png = read_sheet(&grid);
        uint32_t below = grid.top + grid.picture_height + 12;
        ck_assert(has_ink(png, below, grid.left, 40, 200));
        ck_assert(!has_ink(png, below, grid.left + 200 + 2, 40, grid.width - grid.left - 202));
        cairo_surface_destroy(png);
    }
}
END_TEST

START_TEST(what_is_wrong_with_a_picture_is_marked)
{
    static uint8_t rgb[200 * 200 * 3];
    struct sheet_cell cell = {.rgb = rgb, .label = "x"};
    struct sheet_grid grid;
    sheet_layout(200, 200, 1, &grid);
    for (int replaced = 0; replaced < 2; replaced++) {
        cell.note = replaced ? "replaced" : NULL;
        ck_assert_int_eq(sheet_write(path, "demo", 200, 200, &cell, 1, error), STK_OK);
        cairo_surface_t *png = read_sheet(&grid);
        uint32_t below = grid.top + grid.picture_height + 12;
        ck_assert_int_eq(has_ink(png, below, grid.left + 130, 20, 70), replaced);
        cairo_surface_destroy(png);
    }
}
END_TEST

enum { PANEL_Y = 160, PANEL_X = 200, ORANGE = 0xeb7d0e, RED = 0xc8232c };

/* The colour of a pixel of panel 0's picture 0, 1 or 2. */
static uint32_t panel_pixel(cairo_surface_t *png, const struct sheet_grid *grid, uint32_t step,
                            uint32_t picture, uint32_t y, uint32_t x)
{
    return pixel_at(png, grid->top + y, grid->left + picture * step + x);
}

/* Pictures of three colours, all boxes elsewhere. */
static struct explain_panel painted_panel(uint8_t rgb[3][PANEL_Y * PANEL_X * 3])
{
    for (unsigned i = 0; i < 3; i++)
        memset(rgb[i], (int)(0x40 + 0x20 * i), sizeof rgb[i]);
    return (struct explain_panel){
        .own = rgb[0],
        .partner = rgb[1],
        .served = rgb[2],
        .label = "circle",
        .partner_label = "star",
        .sample = "sample 7",
        .partner_sample = "sample 8",
        .share = 0.75,
        .cut = {10, 20, 30, 40},
        .erased = {100, 120, 20, 30},
        .partner_erased = {60, 5, 20, 20},
        .line_count = 2,
        .lines = {{"slot 0", INK_TEXT, true}, {"mixup", INK_QUIET, false}},
    };
}

START_TEST(a_panel_shows_the_pair_its_boxes_and_what_came_of_it)
{
    static uint8_t rgb[3][PANEL_Y * PANEL_X * 3];
    struct explain_panel panel = painted_panel(rgb);
    struct sheet_grid grid;
    uint32_t step;
    ck_assert_int_eq(explain_write(path, "demo", PANEL_Y, PANEL_X, &panel, 1, error), STK_OK);
    explain_layout(PANEL_Y, PANEL_X, 1, &grid, &step);
    cairo_surface_t *png = read_sheet(&grid);
    static const struct {
        uint32_t picture, y, x, colour;
    } expected[] = {
        {0, 0, 0, 0x404040},    {0, 100, 120, RED},      {0, 119, 149, RED},
        {0, 99, 120, 0x404040}, {0, 120, 149, 0x404040}, {0, 10, 20, 0x404040},
        {1, 0, 0, 0x606060},    {1, 10, 20, ORANGE},     {1, 39, 59, ORANGE},
        {1, 25, 40, 0x606060},  {1, 60, 5, RED},         {1, 100, 120, 0x606060},
        {2, 0, 0, 0x808080},    {2, 10, 20, ORANGE},     {2, 40, 60, 0x808080},
        {2, 60, 5, 0x808080},
    };
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_uint_eq(
            panel_pixel(png, &grid, step, expected[i].picture, expected[i].y, expected[i].x),
            expected[i].colour);
    ck_assert(has_ink(png, grid.top, grid.left + 3 * step, 40, 60));
    ck_assert(!has_ink(png, grid.top + 40, grid.left + 3 * step, 100, 60));
    cairo_surface_destroy(png);
}
END_TEST

START_TEST(a_panel_without_a_partner_leaves_its_place_empty)
{
    static uint8_t rgb[3][PANEL_Y * PANEL_X * 3];
    struct explain_panel panel = painted_panel(rgb);
    panel.partner = NULL;
    struct sheet_grid grid;
    uint32_t step;
    ck_assert_int_eq(explain_write(path, "demo", PANEL_Y, PANEL_X, &panel, 1, error), STK_OK);
    explain_layout(PANEL_Y, PANEL_X, 1, &grid, &step);
    cairo_surface_t *png = read_sheet(&grid);
    ck_assert(!has_ink(png, grid.top, grid.left + step, PANEL_Y + 40, PANEL_X));
    ck_assert_uint_eq(panel_pixel(png, &grid, step, 2, 80, 100), 0x808080);
    cairo_surface_destroy(png);
}
END_TEST

START_TEST(panels_of_any_shape_and_number_are_drawn)
{
    static uint8_t rgb[STK_SIDE_MAX * 3];
    static struct explain_panel panels[SHEET_CELLS_MAX];
    for (uint32_t i = 0; i < SHEET_CELLS_MAX; i++) {
        panels[i] = (struct explain_panel){.own = rgb,
                                           .partner = rgb,
                                           .served = rgb,
                                           .label = "\xff",
                                           .partner_label = "",
                                           .sample = "",
                                           .partner_sample = "",
                                           .cut = {0, 0, 1, 1},
                                           .line_count = EXPLAIN_LINES_MAX};
        memset(panels[i].lines, 'W', sizeof panels[i].lines);
        for (uint32_t k = 0; k < EXPLAIN_LINES_MAX; k++) {
            panels[i].lines[k].text[EXPLAIN_LINE_BYTES - 1] = '\0';
            panels[i].lines[k].ink = INK_TEXT;
            panels[i].lines[k].bold = false;
        }
    }
    ck_assert_int_eq(explain_write(path, "", 1, STK_SIDE_MAX, panels, 2, error), STK_OK);
    ck_assert_int_eq(explain_write(path, "", STK_SIDE_MAX, 1, panels, 2, error), STK_OK);
    ck_assert_int_eq(explain_write(path, "", 1, 1, panels, SHEET_CELLS_MAX, error), STK_OK);
}
END_TEST

/* A sheet of one black cell to some path. */
static enum stk_status write_to(const char *target)
{
    static uint8_t rgb[3];
    struct sheet_cell cell = {.rgb = rgb, .label = "x"};
    return sheet_write(target, "demo", 1, 1, &cell, 1, error);
}

START_TEST(a_path_that_cannot_be_written_fails_with_a_sentence)
{
    char missing[160];
    snprintf(missing, sizeof missing, "%s/no/sheet.png", folder);
    ck_assert_int_eq(write_to(missing), STK_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error, missing));
    ck_assert_ptr_nonnull(strstr(error, "No such file or directory"));
    ck_assert_int_eq(write_to(folder), STK_SYSTEM);
    ck_assert_ptr_nonnull(strstr(error, "not a regular file"));
}
END_TEST

START_TEST(a_pipe_is_refused_not_replaced)
{
    struct stat found;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(write_to(path), STK_SYSTEM);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert(S_ISFIFO(found.st_mode));
}
END_TEST

START_TEST(a_failed_write_keeps_the_older_sheet)
{
    struct stat before;
    struct stat after;
    ck_assert_int_eq(write_to(path), STK_OK);
    ck_assert_int_eq(stat(path, &before), 0);
    /* The temporary name is taken by a folder, which no file replaces. */
    char temporary[256];
    snprintf(temporary, sizeof temporary, "%s.%ld.part", path, (long)getpid());
    ck_assert_int_eq(mkdir(temporary, 0700), 0);
    ck_assert_int_eq(write_to(path), STK_SYSTEM);
    ck_assert_int_eq(rmdir(temporary), 0);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert(before.st_ino == after.st_ino);
    ck_assert_int_eq(write_to(path), STK_OK);
}
END_TEST

enum { SIDE_Y = 2, SIDE_X = 3, ELEMENTS = SIDE_Y * SIDE_X * 3 };

START_TEST(bytes_are_copied_and_planes_are_interleaved)
{
    uint8_t nhwc[2][ELEMENTS];
    uint8_t nchw[2][ELEMENTS];
    for (unsigned slot = 0; slot < 2; slot++) {
        for (unsigned i = 0; i < ELEMENTS; i++) {
            nhwc[slot][i] = (uint8_t)(slot * 100 + i * 3);
            nchw[slot][i % 3 * (ELEMENTS / 3) + i / 3] = nhwc[slot][i];
        }
    }
    uint8_t rgb[ELEMENTS];
    for (unsigned slot = 0; slot < 2; slot++) {
        sheet_pixels(nhwc, STK_U8, STK_NHWC, SIDE_Y, SIDE_X, slot, rgb);
        ck_assert_mem_eq(rgb, nhwc[slot], ELEMENTS);
        sheet_pixels(nchw, STK_U8, STK_NCHW, SIDE_Y, SIDE_X, slot, rgb);
        ck_assert_mem_eq(rgb, nhwc[slot], ELEMENTS);
    }
}
END_TEST

START_TEST(floats_are_stretched_from_their_least_to_their_greatest)
{
    /* One byte off: a frame's bytes need not be aligned. */
    unsigned char bytes[1 + 2 * ELEMENTS * sizeof(float)];
    for (unsigned i = 0; i < 2 * ELEMENTS; i++) {
        unsigned at = i % ELEMENTS;
        float value = i < ELEMENTS ? 9.0f : -2.0f + 0.25f * (float)at;
        memcpy(bytes + 1 + i * sizeof value, &value, sizeof value);
    }
    uint8_t rgb[ELEMENTS];
    sheet_pixels(bytes + 1, STK_F32, STK_NHWC, SIDE_Y, SIDE_X, 1, rgb);
    for (unsigned i = 0; i < ELEMENTS; i++)
        ck_assert_uint_eq(rgb[i], i * 255 / (ELEMENTS - 1)); /* 255 / 17 is 15 */
    sheet_pixels(bytes + 1, STK_F32, STK_NCHW, SIDE_Y, SIDE_X, 1, rgb);
    for (unsigned i = 0; i < ELEMENTS; i++)
        ck_assert_uint_eq(rgb[i], (i % 3 * (ELEMENTS / 3) + i / 3) * 15);
    sheet_pixels(bytes + 1, STK_F32, STK_NHWC, SIDE_Y, SIDE_X, 0, rgb);
    for (unsigned i = 0; i < ELEMENTS; i++)
        ck_assert_uint_eq(rgb[i], 128);
}
END_TEST

/* The picture of the test above: steps of a quarter from -2, which halves hold exactly. */
START_TEST(halves_are_stretched_as_floats_are)
{
    static const enum stk_dtype dtypes[] = {STK_F16, STK_BF16};
    unsigned char bytes[1 + 2 * ELEMENTS * sizeof(uint16_t)];
    uint8_t rgb[ELEMENTS];
    for (int k = 0; k < 2; k++) {
        for (unsigned i = 0; i < 2 * ELEMENTS; i++) {
            double value = i < ELEMENTS ? 9.0 : -2.0 + 0.25 * (i - ELEMENTS);
            uint16_t half = k == 0 ? stk_f16_encode(value) : stk_bf16_encode(value);
            memcpy(bytes + 1 + i * sizeof half, &half, sizeof half);
        }
        sheet_pixels(bytes + 1, dtypes[k], STK_NHWC, SIDE_Y, SIDE_X, 1, rgb);
        for (unsigned i = 0; i < ELEMENTS; i++)
            ck_assert_uint_eq(rgb[i], i * 15);
        sheet_pixels(bytes + 1, dtypes[k], STK_NCHW, SIDE_Y, SIDE_X, 1, rgb);
        for (unsigned i = 0; i < ELEMENTS; i++)
            ck_assert_uint_eq(rgb[i], (i % 3 * (ELEMENTS / 3) + i / 3) * 15);
    }
}
END_TEST

START_TEST(floats_that_are_not_finite_become_black)
{
    const float picture[3] = {NAN, INFINITY, 1.0f};
    const float mixed[6] = {-INFINITY, 0.0f, 10.0f, 5.0f, NAN, 2.0f};
    const float nothing[3] = {NAN, NAN, -INFINITY};
    uint8_t rgb[6];
    sheet_pixels(picture, STK_F32, STK_NHWC, 1, 1, 0, rgb);
    ck_assert_mem_eq(rgb, ((const uint8_t[]){0, 0, 128}), 3);
    sheet_pixels(mixed, STK_F32, STK_NHWC, 1, 2, 0, rgb);
    ck_assert_mem_eq(rgb, ((const uint8_t[]){0, 0, 255, 128, 0, 51}), 6);
    sheet_pixels(nothing, STK_F32, STK_NHWC, 1, 1, 0, rgb);
    ck_assert_mem_eq(rgb, ((const uint8_t[]){0, 0, 0}), 3);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("sheet");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 60.0);
    tcase_add_test(tests, pictures_stand_in_their_cells_pixel_by_pixel);
    tcase_add_test(tests, small_pictures_grow_by_a_whole_factor);
    tcase_add_test(tests, other_pictures_are_scaled_and_keep_their_colour);
    tcase_add_test(tests, sixty_four_cells_make_a_near_square);
    tcase_add_test(tests, a_picture_of_extreme_shape_is_drawn);
    tcase_add_test(tests, a_title_has_a_line_for_its_recipe_below_it);
    tcase_add_test(tests, the_bar_is_split_at_lambda);
    tcase_add_test(tests, captions_of_any_bytes_stay_in_their_column);
    tcase_add_test(tests, what_is_wrong_with_a_picture_is_marked);
    tcase_add_test(tests, a_panel_shows_the_pair_its_boxes_and_what_came_of_it);
    tcase_add_test(tests, a_panel_without_a_partner_leaves_its_place_empty);
    tcase_add_test(tests, panels_of_any_shape_and_number_are_drawn);
    tcase_add_test(tests, a_path_that_cannot_be_written_fails_with_a_sentence);
    tcase_add_test(tests, a_pipe_is_refused_not_replaced);
    tcase_add_test(tests, a_failed_write_keeps_the_older_sheet);
    tcase_add_test(tests, bytes_are_copied_and_planes_are_interleaved);
    tcase_add_test(tests, floats_are_stretched_from_their_least_to_their_greatest);
    tcase_add_test(tests, halves_are_stretched_as_floats_are);
    tcase_add_test(tests, floats_that_are_not_finite_become_black);
    return suite_run("sheet", tests);
}
