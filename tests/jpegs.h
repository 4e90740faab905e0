/*
 * JPEGs for tests: kinds of files by their names, and what must come of every file.
 *
 * The reference is a whole decode by libjpeg-turbo with its default settings and Pillow's resize,
 * written here once more in the plainest way; tests/integration/test_pixels.py asks Pillow itself.
 */
#ifndef STK_TESTS_JPEGS_H
#define STK_TESTS_JPEGS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <jpeglib.h>

#include "daemon/image/image.h"
#include "tests/write_jpeg.h"

enum { SIDE_MAX = 300 };

static const struct image_limits generous = {
    .pixels_max = 1 << 26, .decoder_bytes_max = 1 << 28, .scan_pixels_max = 1 << 30};

static const struct kind kinds[] = {
    {"4:4:4", JCS_YCbCr, .h = 1, .v = 1},
    {"4:2:2", JCS_YCbCr, .h = 2, .v = 1},
    {"4:2:0", JCS_YCbCr, .h = 2, .v = 2},
    {"4:4:0", JCS_YCbCr, .h = 1, .v = 2},
    {"4:1:1", JCS_YCbCr, .h = 4, .v = 1},
    {"4:1:0", JCS_YCbCr, .h = 4, .v = 2},
    {"gray", JCS_GRAYSCALE, .h = 1, .v = 1},
    {"gray 2x2", JCS_GRAYSCALE, .h = 2, .v = 2},
    {"RGB", JCS_RGB, .h = 1, .v = 1},
    {"CMYK", JCS_CMYK, .h = 1, .v = 1},
    {"YCCK", JCS_YCCK, .h = 1, .v = 1},
    {"YCCK 4:2:0", JCS_YCCK, .h = 2, .v = 2},
    {"4:2:0 restarts", JCS_YCbCr, .h = 2, .v = 2, .restart = 3},
    {"4:2:2 restarts", JCS_YCbCr, .h = 2, .v = 1, .restart = 1},
    {"4:4:4 progressive", JCS_YCbCr, .h = 1, .v = 1, .progressive = true},
    {"4:2:0 progressive", JCS_YCbCr, .h = 2, .v = 2, .progressive = true},
    {"4:2:2 progressive", JCS_YCbCr, .h = 2, .v = 1, .progressive = true},
    {"4:4:0 progressive", JCS_YCbCr, .h = 1, .v = 2, .progressive = true},
    {"gray progressive", JCS_GRAYSCALE, .h = 1, .v = 1, .progressive = true},
    {"CMYK progressive", JCS_CMYK, .h = 1, .v = 1, .progressive = true},
    {"4:2:0 progressive restarts", JCS_YCbCr, .h = 2, .v = 2, .progressive = true, .restart = 5},
    {"4:2:0 apart", JCS_YCbCr, .h = 2, .v = 2, .apart = true},
    {"4:1:1 apart", JCS_YCbCr, .h = 4, .v = 1, .apart = true},
    {"4:2:0 arithmetic", JCS_YCbCr, .h = 2, .v = 2, .arithmetic = true},
    {"4:2:0 arithmetic progressive", JCS_YCbCr, .h = 2, .v = 2, .progressive = true,
     .arithmetic = true},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static inline const struct kind *kind_of(const char *name)
{
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    ck_abort_msg("no kind \"%s\"", name);
}

/* Pillow: CMYK inverted as Adobe's, then cmyk2rgb of its Convert.c. */
static inline void rgb_of_cmyk(const uint8_t *cmyk, uint8_t *rgb)
{
    uint8_t black = (uint8_t)(255 - cmyk[3]);
    unsigned light = 255u - black;
    for (int c = 0; c < 3; c++) {
        unsigned product = (255u - cmyk[c]) * light + 128;
        rgb[c] = clipped((int)light - (int)(((product >> 8) + product) >> 8));
    }
}

/* The whole picture, uint8 [height, width, 3], by libjpeg-turbo's defaults. */
static inline uint8_t *decode_whole(const struct jpeg *file)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, file->bytes, file->len);
    ck_assert_int_eq(jpeg_read_header(&jpeg, TRUE), JPEG_HEADER_OK);
    jpeg.out_color_space = jpeg.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&jpeg);
    size_t width = jpeg.output_width;
    uint8_t *picture = malloc(jpeg.output_height * width * 3);
    uint8_t *row = malloc(width * 4);
    ck_assert_ptr_nonnull(picture);
    while (jpeg.output_scanline < jpeg.output_height) {
        uint8_t *out = &picture[jpeg.output_scanline * width * 3];
        jpeg_read_scanlines(&jpeg, &row, 1);
        for (size_t x = 0; x < width && jpeg.num_components == 4; x++)
            rgb_of_cmyk(&row[4 * x], &out[3 * x]);
        if (jpeg.num_components != 4)
            memcpy(out, row, width * 3);
    }
    free(row);
    jpeg_destroy_decompress(&jpeg);
    return picture;
}

/* One output value of Pillow's BILINEAR: values of a line, step bytes apart. */
static inline uint8_t resample(const uint8_t *line, size_t step, int source, int resized, int at)
{
    double scale = (double)source / resized;
    double stretch = scale < 1 ? 1 : scale;
    double center = (at + 0.5) * scale;
    int first = (int)fmax(0, trunc(center - stretch + 0.5));
    int end = (int)fmin(source, trunc(center + stretch + 0.5));
    static double weight[4 * SIDE_MAX];
    double sum = 0;
    for (int i = first; i < end; i++) {
        weight[i] = fmax(0, 1 - fabs((i - center + 0.5) * (1 / stretch)));
        sum += weight[i];
    }
    int64_t total = 1 << 21;
    for (int i = first; i < end; i++)
        total += line[(size_t)i * step] * (int64_t)(0.5 + weight[i] / sum * (1 << 22));
    return clipped((int)(total >> 22));
}

/* Box of a picture resized whole, uint8 [resized_height, resized_width, 3]. */
static inline uint8_t *resize_whole(const uint8_t *picture, uint32_t width, const struct view *view)
{
    const struct box *box = &view->box;
    int rows = box->height;
    int columns = (int)view->resized_width;
    size_t line_bytes = (size_t)columns * 3;
    uint8_t *middle = malloc((size_t)rows * line_bytes);
    uint8_t *out = malloc(view->resized_height * line_bytes);
    ck_assert(middle != NULL && out != NULL);
    for (int y = 0; y < rows; y++) {
        const uint8_t *line = &picture[((size_t)(box->top + y) * width + (size_t)box->left) * 3];
        for (size_t i = 0; i < line_bytes; i++)
            middle[(size_t)y * line_bytes + i] =
                resample(&line[i % 3], 3, box->width, columns, (int)i / 3);
    }
    for (size_t i = 0; i < view->resized_height * line_bytes; i++)
        out[i] = resample(&middle[i % line_bytes], line_bytes, rows, (int)view->resized_height,
                          (int)(i / line_bytes));
    free(middle);
    return out;
}

static inline enum stk_status decode(struct image_decoder *decoder, const struct jpeg *file,
                                     const struct view *view, bool flip,
                                     const struct image_format *format, void *slot, char *reason)
{
    uint32_t height, width;
    reason[0] = '\0';
    enum stk_status status =
        image_decoder_begin(decoder, file->bytes, file->len, &height, &width, reason);
    if (status != STK_OK)
        return status;
    return image_decoder_finish(decoder, view, flip, format, slot, reason);
}

static inline struct image_format format_u8(uint32_t height, uint32_t width)
{
    struct image_format format;
    image_format_init(&format, height, width, STK_U8, STK_NHWC, NULL, NULL);
    return format;
}

static inline struct view view_of_all(const struct jpeg *file)
{
    return (struct view){.box = {0, 0, (int32_t)file->height, (int32_t)file->width},
                         .resized_height = file->height,
                         .resized_width = file->width};
}

static inline struct image_decoder *open_decoder(const struct image_limits *limits)
{
    struct image_decoder *decoder;
    ck_assert_int_eq(image_decoder_open(limits, &decoder), STK_OK);
    return decoder;
}

/* Compare a view, its window all of it, with the reference. */
static inline size_t differing_bytes(struct image_decoder *decoder, const struct jpeg *file,
                                     const uint8_t *whole, const struct view *view, uint32_t height,
                                     uint32_t width, bool flip)
{
    struct image_format format = format_u8(height, width);
    uint8_t *slot = malloc(image_format_bytes(&format));
    char reason[IMAGE_REASON_BYTES];
    enum stk_status status = decode(decoder, file, view, flip, &format, slot, reason);
    ck_assert_msg(status == STK_OK, "%s", reason);
    uint8_t *resized = resize_whole(whole, file->width, view);
    size_t differing = 0;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            int64_t row = (int64_t)view->top + y;
            int64_t column = (int64_t)view->left + (flip ? width - 1 - x : x);
            const uint8_t *a = &slot[((size_t)y * width + x) * 3];
            const uint8_t *b = view->fill;
            if (row >= 0 && row < view->resized_height && column >= 0 &&
                column < view->resized_width)
                b = &resized[((size_t)row * view->resized_width + (size_t)column) * 3];
            differing += memcmp(a, b, 3) != 0;
        }
    }
    free(resized);
    free(slot);
    return differing;
}

#endif
