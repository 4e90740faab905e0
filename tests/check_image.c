/*
 * Images: equality with a whole decode and Pillow's resize, both written here once more in the
 * plainest way; limits; damaged and hostile files.  The reference for a tolerance of 0 is
 * libjpeg-turbo with its default settings; tests/integration/test_pixels.py asks Pillow itself.
 */
#include "daemon/image/image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include "daemon/image/kernel.h"
#include "tests/suite.h"

enum { SIDE_MAX = 300 };

static const struct image_limits generous = {
    .pixels_max = 1 << 26, .decoder_bytes_max = 1 << 28, .scan_pixels_max = 1 << 30};

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % limit);
}

/* How a test's JPEG is written. */
struct kind {
    const char *name;
    J_COLOR_SPACE colour; /* in the file */
    int h, v;             /* sampling of the first component */
    bool progressive;
    bool apart; /* sequential, a scan a component */
    bool arithmetic;
    int restart; /* MCUs */
};

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

struct jpeg {
    unsigned char *bytes;
    unsigned long len;
    uint32_t height;
    uint32_t width;
};

static void set_colours(struct jpeg_compress_struct *jpeg, const struct kind *kind)
{
    bool gray = kind->colour == JCS_GRAYSCALE;
    bool ink = kind->colour == JCS_CMYK || kind->colour == JCS_YCCK;
    jpeg->in_color_space = gray ? JCS_GRAYSCALE : ink ? JCS_CMYK : JCS_RGB;
    jpeg->input_components = gray ? 1 : ink ? 4 : 3;
    jpeg_set_defaults(jpeg);
    jpeg_set_colorspace(jpeg, kind->colour);
    for (int i = 0; i < jpeg->input_components; i++) {
        bool full = i == 0 || i == 3;
        jpeg->comp_info[i].h_samp_factor = full ? kind->h : 1;
        jpeg->comp_info[i].v_samp_factor = full ? kind->v : 1;
    }
}

static uint8_t clipped(int value)
{
    return (uint8_t)fmax(0, fmin(255, value));
}

/* Slopes of changing length and a share of noise, so that every coefficient is met. */
static void draw_row(uint8_t *row, uint32_t width, int components, uint32_t y, uint32_t noise)
{
    for (uint32_t x = 0; x < width; x++) {
        for (int c = 0; c < components; c++) {
            int slope = (int)((x * (uint32_t)(c + 2) + y * y / 16) % 256);
            int value = slope + (int)random_below(2 * noise + 1) - (int)noise;
            row[x * (uint32_t)components + (uint32_t)c] = clipped(value);
        }
    }
}

static struct jpeg write_jpeg(const struct kind *kind, uint32_t height, uint32_t width,
                              const jpeg_scan_info *scans, int scan_count)
{
    struct jpeg file = {.height = height, .width = width};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file.bytes, &file.len);
    jpeg.image_height = height;
    jpeg.image_width = width;
    set_colours(&jpeg, kind);
    jpeg_set_quality(&jpeg, 30 + (int)random_below(70), TRUE);
    jpeg.arith_code = kind->arithmetic;
    jpeg.optimize_coding = !kind->arithmetic && random_below(2) == 0;
    jpeg.restart_interval = (unsigned)kind->restart;
    if (kind->progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_scan_info apart[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
    if (kind->apart) {
        jpeg.scan_info = apart;
        jpeg.num_scans = 3;
    }
    if (scans != NULL) {
        jpeg.scan_info = scans;
        jpeg.num_scans = scan_count;
    }
    jpeg_start_compress(&jpeg, TRUE);
    uint32_t noise = random_below(3) * 60;
    uint8_t *row = malloc((size_t)width * 4);
    ck_assert_ptr_nonnull(row);
    while (jpeg.next_scanline < height) {
        draw_row(row, width, jpeg.input_components, jpeg.next_scanline, noise);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return file;
}

/* Pillow: CMYK inverted as Adobe's, then cmyk2rgb of its Convert.c. */
static void rgb_of_cmyk(const uint8_t *cmyk, uint8_t *rgb)
{
    uint8_t black = (uint8_t)(255 - cmyk[3]);
    unsigned light = 255u - black;
    for (int c = 0; c < 3; c++) {
        unsigned product = (255u - cmyk[c]) * light + 128;
        rgb[c] = clipped((int)light - (int)(((product >> 8) + product) >> 8));
    }
}

/* The whole picture, uint8 [height, width, 3], by libjpeg-turbo's defaults. */
static uint8_t *decode_whole(const struct jpeg *file)
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
static uint8_t resample(const uint8_t *line, size_t step, int source, int resized, int at)
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
static uint8_t *resize_whole(const uint8_t *picture, uint32_t width, const struct view *view)
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

static enum stk_status decode(struct image_decoder *decoder, const struct jpeg *file,
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

static struct image_format format_u8(uint32_t height, uint32_t width)
{
    struct image_format format;
    image_format_init(&format, height, width, STK_U8, STK_NHWC, NULL, NULL);
    return format;
}

static struct view view_of_all(const struct jpeg *file)
{
    return (struct view){.box = {0, 0, (int32_t)file->height, (int32_t)file->width},
                               .resized_height = file->height,
                               .resized_width = file->width};
}

static struct image_decoder *open_decoder(const struct image_limits *limits)
{
    struct image_decoder *decoder;
    ck_assert_int_eq(image_decoder_open(limits, &decoder), STK_OK);
    return decoder;
}

/* Compare a view, its window all of it, with the reference. */
static size_t differing_bytes(struct image_decoder *decoder, const struct jpeg *file,
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
            uint32_t from = view->left + (flip ? width - 1 - x : x);
            const uint8_t *a = &slot[((size_t)y * width + x) * 3];
            const uint8_t *b = &resized[((size_t)(view->top + y) * view->resized_width + from) * 3];
            differing += memcmp(a, b, 3) != 0;
        }
    }
    free(resized);
    free(slot);
    return differing;
}

static struct box random_box(const struct jpeg *file)
{
    struct box box;
    box.height = 1 + (int32_t)random_below(random_below(2) ? file->height : 1 + file->height / 8);
    box.width = 1 + (int32_t)random_below(random_below(2) ? file->width : 1 + file->width / 8);
    box.height = box.height > (int32_t)file->height ? (int32_t)file->height : box.height;
    box.width = box.width > (int32_t)file->width ? (int32_t)file->width : box.width;
    box.top = (int32_t)random_below(file->height - (uint32_t)box.height + 1);
    box.left = (int32_t)random_below(file->width - (uint32_t)box.width + 1);
    return box;
}

/* A box at its own size is the crop itself, and shows every byte of the decode. */
START_TEST(a_crop_equals_the_crop_of_the_whole)
{
    const struct kind *kind = &kinds[_i];
    random_state = (uint64_t)_i + 1;
    struct image_decoder *decoder = open_decoder(&generous);
    for (int i = 0; i < 24; i++) {
        uint32_t side = i < 8 ? 40 : SIDE_MAX;
        struct jpeg file =
            write_jpeg(kind, 1 + random_below(side), 1 + random_below(side), NULL, 0);
        uint8_t *whole = decode_whole(&file);
        for (int j = 0; j < 8; j++) {
            struct box box = random_box(&file);
            struct view view = {box, (uint32_t)box.height, (uint32_t)box.width, 0, 0};
            size_t differing = differing_bytes(decoder, &file, whole, &view, view.resized_height,
                                               view.resized_width, j == 0);
            ck_assert_msg(differing == 0, "%s %ux%u, box %d,%d %dx%d: %zu pixels differ",
                          kind->name, file.height, file.width, box.top, box.left, box.height,
                          box.width, differing);
        }
        free(whole);
        free(file.bytes);
    }
    image_decoder_close(&decoder);
}
END_TEST

START_TEST(a_window_of_a_resized_box_equals_pillows)
{
    random_state = 77;
    struct image_decoder *decoder = open_decoder(&generous);
    for (int i = 0; i < 150; i++) {
        const struct kind *kind = &kinds[random_below(KINDS)];
        struct jpeg file =
            write_jpeg(kind, 1 + random_below(SIDE_MAX), 1 + random_below(SIDE_MAX), NULL, 0);
        uint8_t *whole = decode_whole(&file);
        struct view view = {.box = random_box(&file),
                                  .resized_height = 1 + random_below(100),
                                  .resized_width = 1 + random_below(100)};
        view.top = random_below(view.resized_height);
        view.left = random_below(view.resized_width);
        uint32_t height = 1 + random_below(view.resized_height - view.top);
        uint32_t width = 1 + random_below(view.resized_width - view.left);
        size_t differing = differing_bytes(decoder, &file, whole, &view, height, width, i % 2 == 0);
        ck_assert_msg(differing == 0, "case %d, %s: %zu pixels differ", i, kind->name, differing);
        free(whole);
        free(file.bytes);
    }
    image_decoder_close(&decoder);
}
END_TEST

/* Scans that leave the fine coefficients out: libjpeg-turbo smooths the blocks. */
START_TEST(an_incomplete_progressive_file_equals_its_whole_decode)
{
    const jpeg_scan_info scans[] = {
        {3, {0, 1, 2}, 0, 0, 0, 1},
        {1, {0}, 1, 5, 0, 2},
    };
    random_state = 5;
    struct image_decoder *decoder = open_decoder(&generous);
    struct kind kind = {.colour = JCS_YCbCr, .h = 2, .v = 2};
    for (int i = 0; i < 30; i++) {
        struct jpeg file =
            write_jpeg(&kind, 60 + random_below(100), 60 + random_below(100), scans, 1 + i % 2);
        uint8_t *whole = decode_whole(&file);
        struct box box = random_box(&file);
        struct view view = {box, (uint32_t)box.height, (uint32_t)box.width, 0, 0};
        ck_assert_uint_eq(differing_bytes(decoder, &file, whole, &view, view.resized_height,
                                          view.resized_width, false),
                          0);
        free(whole);
        free(file.bytes);
    }
    image_decoder_close(&decoder);
}
END_TEST

/* f32 by image.h's formula, channels apart by their planes. */
START_TEST(formats_hold_the_same_values)
{
    const double mean[3] = {0.485, 0.456, 0.406};
    const double std[3] = {0.229, 0.224, 0.225};
    struct jpeg file = write_jpeg(&kinds[2], 61, 83, NULL, 0);
    struct image_decoder *decoder = open_decoder(&generous);
    uint8_t *whole = decode_whole(&file);
    struct view view = view_of_all(&file);
    static struct image_format formats[3];
    image_format_init(&formats[0], 61, 83, STK_U8, STK_NCHW, mean, std);
    image_format_init(&formats[1], 61, 83, STK_F32, STK_NHWC, mean, std);
    image_format_init(&formats[2], 61, 83, STK_F32, STK_NCHW, mean, std);
    enum { PIXELS = 61 * 83 };
    static uint8_t planes[3 * PIXELS];
    static float together[3 * PIXELS];
    static float apart[3 * PIXELS];
    void *slots[3] = {planes, together, apart};
    ck_assert_uint_eq(image_format_bytes(&formats[0]), sizeof planes);
    ck_assert_uint_eq(image_format_bytes(&formats[2]), sizeof apart);
    char reason[IMAGE_REASON_BYTES];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(decode(decoder, &file, &view, false, &formats[i], slots[i], reason),
                         STK_OK);
    for (int i = 0; i < 3 * PIXELS; i++) {
        int c = i % 3;
        float value = (float)((whole[i] / 255.0 - mean[c]) / std[c]);
        ck_assert_int_eq(planes[c * PIXELS + i / 3], whole[i]);
        ck_assert(together[i] == value);
        ck_assert(apart[c * PIXELS + i / 3] == value);
    }
    free(whole);
    free(file.bytes);
    image_decoder_close(&decoder);
}
END_TEST

/* Run both passes of a kernel over a random picture; the bytes are compared as they are. */
static void run_kernel(const struct kernel *kernel, const struct axis *axis, const uint8_t *source,
                       uint8_t *line, uint8_t *row)
{
    size_t bytes = kernel->table_bytes(axis);
    void *table = malloc(bytes + 1);
    kernel->prepare(axis, table);
    kernel->columns(axis, table, source, line);
    size_t len = axis->count * 3;
    const uint8_t *lines[SIDE_MAX];
    for (uint32_t i = 0; i < axis->used[0]; i++)
        lines[i] = &source[i * 7];
    kernel->rows(lines, axis->weight, axis->used[0], row, len);
    free(table);
}

START_TEST(every_kernel_equals_the_plain_one)
{
    const struct kernel *fast = kernel_avx2();
    if (fast == NULL)
        return;
    static uint8_t source[4 * (SIDE_MAX + KERNEL_SOURCE_PIXELS_EXTRA) + 7 * SIDE_MAX + 1024];
    static uint8_t line[2][3 * SIDE_MAX + KERNEL_LINE_BYTES_EXTRA];
    static uint8_t row[2][3 * SIDE_MAX + 1];
    struct axis axis = {0};
    random_state = 3;
    for (int i = 0; i < 3000; i++) {
        uint32_t extent = 1 + random_below(SIDE_MAX);
        uint32_t resized = 1 + random_below(SIDE_MAX);
        uint32_t window = random_below(resized);
        uint32_t count = 1 + random_below(resized - window);
        bool white = i % 5 == 0;
        for (size_t j = 0; j < sizeof source; j++)
            source[j] = white ? 255 : (uint8_t)random_below(256);
        ck_assert_int_eq(axis_set(&axis, extent, resized, window, count, i % 2 == 0), STK_OK);
        memset(row, 0xa5, sizeof row);
        run_kernel(&kernel_plain, &axis, source, line[0], row[0]);
        run_kernel(fast, &axis, source, line[1], row[1]);
        ck_assert_mem_eq(line[0], line[1], count * 3);
        /* One byte more: nothing is written behind a row. */
        ck_assert_mem_eq(row[0], row[1], count * 3 + 1);
    }
    axis_release(&axis);
}
END_TEST

/* Decode all of a file and say what came of it; the decoder must be fit for the next one. */
static enum stk_status outcome(const struct image_limits *limits, const void *bytes, size_t len,
                               char *reason)
{
    random_state = 9;
    struct jpeg sound = write_jpeg(&kinds[2], 50, 70, NULL, 0);
    struct image_decoder *decoder = open_decoder(limits);
    struct jpeg file = {.bytes = (unsigned char *)(uintptr_t)bytes, .len = len};
    uint32_t height, width;
    enum stk_status status = image_decoder_begin(decoder, bytes, len, &height, &width, reason);
    if (status == STK_OK) {
        file.height = height;
        file.width = width;
        struct view view = view_of_all(&file);
        view.resized_height = 8;
        view.resized_width = 8;
        struct image_format format = format_u8(8, 8);
        uint8_t slot[8 * 8 * 3];
        status = image_decoder_finish(decoder, &view, false, &format, slot, reason);
    } else {
        ck_assert_uint_eq(height, 0);
        ck_assert_uint_eq(width, 0);
    }
    uint8_t *whole = decode_whole(&sound);
    struct view view = view_of_all(&sound);
    ck_assert_uint_eq(differing_bytes(decoder, &sound, whole, &view, 50, 70, false), 0);
    free(whole);
    free(sound.bytes);
    image_decoder_close(&decoder);
    return status;
}

START_TEST(what_is_no_jpeg_is_corrupt)
{
    char reason[IMAGE_REASON_BYTES];
    ck_assert_int_eq(outcome(&generous, "", 0, reason), STK_CORRUPT);
    ck_assert_str_eq(reason, "Empty input file");
    ck_assert_int_eq(outcome(&generous, "\x89PNG\r\n\x1a\n rest", 13, reason), STK_CORRUPT);
    ck_assert_str_eq(reason, "Not a JPEG file: starts with 0x89 0x50");
    ck_assert_int_eq(outcome(&generous, "some text", 9, reason), STK_CORRUPT);
    ck_assert_int_eq(outcome(&generous, "\xff\xd8", 2, reason), STK_CORRUPT);
    ck_assert_str_eq(reason, "Premature end of JPEG file");
}
END_TEST

/* Every length short of the end of the data, in every kind. */
START_TEST(a_truncated_file_is_corrupt)
{
    char reason[IMAGE_REASON_BYTES];
    random_state = (uint64_t)_i + 1;
    struct jpeg file = write_jpeg(&kinds[_i], 48, 64, NULL, 0);
    for (size_t len = 0; len < file.len - 8; len += 1 + file.len / 40) {
        enum stk_status status = outcome(&generous, file.bytes, len, reason);
        ck_assert_msg(status == STK_CORRUPT, "%s at %zu of %lu: %s", kinds[_i].name, len, file.len,
                      stk_status_word(status));
    }
    free(file.bytes);
}
END_TEST

/* Where the box lies above the damage the picture is served, and the same box always fares so. */
START_TEST(damage_below_the_box_does_not_matter)
{
    char reason[IMAGE_REASON_BYTES];
    random_state = 4;
    struct jpeg file = write_jpeg(&kinds[0], 256, 64, NULL, 0);
    uint8_t *whole = decode_whole(&file);
    struct jpeg half = file;
    half.len = file.len / 2;
    struct image_decoder *decoder = open_decoder(&generous);
    struct view top = {{0, 0, 64, 64}, 64, 64, 0, 0};
    struct view bottom = {{192, 0, 64, 64}, 64, 64, 0, 0};
    struct image_format format = format_u8(64, 64);
    static uint8_t slot[64 * 64 * 3];
    ck_assert_uint_eq(differing_bytes(decoder, &half, whole, &top, 64, 64, false), 0);
    ck_assert_int_eq(decode(decoder, &half, &bottom, false, &format, slot, reason), STK_CORRUPT);
    ck_assert_uint_eq(differing_bytes(decoder, &half, whole, &top, 64, 64, false), 0);
    image_decoder_close(&decoder);
    free(whole);
    free(file.bytes);
}
END_TEST

/* Where a marker of the file begins. */
static size_t find_marker(const struct jpeg *file, uint8_t code)
{
    for (size_t i = 0; i + 1 < file->len; i++) {
        if (file->bytes[i] == 0xff && file->bytes[i + 1] == code)
            return i;
    }
    ck_abort_msg("no marker 0x%02x", code);
}

static struct jpeg insert(const struct jpeg *file, size_t at, const void *bytes, size_t len)
{
    struct jpeg longer = {malloc(file->len + len), file->len + len, file->height, file->width};
    memcpy(longer.bytes, file->bytes, at);
    memcpy(&longer.bytes[at], bytes, len);
    memcpy(&longer.bytes[at + len], &file->bytes[at], file->len - at);
    return longer;
}

START_TEST(bytes_between_segments_are_harmless)
{
    char reason[IMAGE_REASON_BYTES];
    const uint8_t before[] = {0xdb, 0xda, 0xd9};
    for (size_t i = 0; i < sizeof before; i++) {
        struct jpeg file = write_jpeg(&kinds[15], 40, 40, NULL, 0);
        struct jpeg padded = insert(&file, find_marker(&file, before[i]), "pad", 3);
        enum stk_status status = outcome(&generous, padded.bytes, padded.len, reason);
        ck_assert_msg(status == STK_OK, "before 0x%02x: %s", before[i], reason);
        free(padded.bytes);
        free(file.bytes);
    }
}
END_TEST

START_TEST(bytes_before_a_restart_are_corrupt)
{
    char reason[IMAGE_REASON_BYTES];
    struct jpeg file = write_jpeg(&kinds[12], 100, 100, NULL, 0);
    struct jpeg padded = insert(&file, find_marker(&file, 0xd0), "padding", 7);
    ck_assert_int_eq(outcome(&generous, padded.bytes, padded.len, reason), STK_CORRUPT);
    ck_assert_ptr_nonnull(strstr(reason, "extraneous bytes before marker 0xd0"));
    free(padded.bytes);
    free(file.bytes);
}
END_TEST

START_TEST(a_lost_restart_marker_is_corrupt)
{
    char reason[IMAGE_REASON_BYTES];
    struct jpeg file = write_jpeg(&kinds[12], 100, 100, NULL, 0);
    file.bytes[find_marker(&file, 0xd1) + 1] = 0xd6;
    ck_assert_int_eq(outcome(&generous, file.bytes, file.len, reason), STK_CORRUPT);
    ck_assert_ptr_nonnull(strstr(reason, "instead of RST1"));
    free(file.bytes);
}
END_TEST

START_TEST(what_the_library_cannot_is_unsupported)
{
    char reason[IMAGE_REASON_BYTES];
    struct jpeg file = write_jpeg(&kinds[0], 16, 16, NULL, 0);
    size_t frame = find_marker(&file, 0xc0);
    file.bytes[frame + 4] = 12;
    ck_assert_int_eq(outcome(&generous, file.bytes, file.len, reason), STK_UNSUPPORTED);
    ck_assert_str_eq(reason, "Unsupported JPEG data precision 12");
    file.bytes[frame + 4] = 8;
    file.bytes[frame + 1] = 0xc3;
    ck_assert_int_eq(outcome(&generous, file.bytes, file.len, reason), STK_UNSUPPORTED);
    ck_assert_str_eq(reason, "Unsupported JPEG process: SOF type 0xc3");
    free(file.bytes);
}
END_TEST

/* A frame of two components and its scan; nothing behind them is looked at. */
START_TEST(two_components_are_unsupported)
{
    char reason[IMAGE_REASON_BYTES];
    static const uint8_t file[] = {0xff, 0xd8, 0xff, 0xc0, 0, 14, 8,    0, 16,   0,
                                   16,   2,    1,    0x11, 0, 2,  0x11, 0, 0xff, 0xda,
                                   0,    10,   2,    1,    0, 2,  0,    0, 63,   0};
    ck_assert_int_eq(outcome(&generous, file, sizeof file, reason), STK_UNSUPPORTED);
    ck_assert_str_eq(reason, "2 components: neither grayscale, RGB nor CMYK");
}
END_TEST

START_TEST(too_many_pixels_are_refused_by_the_header)
{
    char reason[IMAGE_REASON_BYTES];
    struct jpeg file = write_jpeg(&kinds[2], 16, 16, NULL, 0);
    size_t frame = find_marker(&file, 0xc0);
    memcpy(&file.bytes[frame + 5], "\xff\xdc\xff\xdc", 4); /* 65,500 x 65,500 */
    ck_assert_int_eq(outcome(&generous, file.bytes, file.len, reason), STK_LIMIT);
    ck_assert_str_eq(reason, "more pixels than the limit: 65500 x 65500");
    memcpy(&file.bytes[frame + 5], "\xff\xff\xff\xff", 4);
    ck_assert_int_eq(outcome(&generous, file.bytes, file.len, reason), STK_LIMIT);
    ck_assert_str_eq(reason, "Maximum supported image dimension is 65500 pixels");
    free(file.bytes);
}
END_TEST

START_TEST(coefficients_over_the_limit_are_refused)
{
    char reason[IMAGE_REASON_BYTES];
    struct image_limits tight = generous;
    tight.decoder_bytes_max = 1 << 20;
    struct jpeg file = write_jpeg(&kinds[15], 800, 800, NULL, 0);
    ck_assert_int_eq(outcome(&tight, file.bytes, file.len, reason), STK_LIMIT);
    free(file.bytes);
    file = write_jpeg(&kinds[2], 800, 800, NULL, 0);
    ck_assert_int_eq(outcome(&tight, file.bytes, file.len, reason), STK_OK);
    tight.decoder_bytes_max = 64 << 10;
    struct jpeg wide = write_jpeg(&kinds[2], 16, 6000, NULL, 0);
    ck_assert_int_eq(outcome(&tight, wide.bytes, wide.len, reason), STK_LIMIT);
    ck_assert_str_eq(reason, "its rows take more memory than the limit");
    free(wide.bytes);
    free(file.bytes);
}
END_TEST

/* A progressive file whose last scan is said again and again: a scan that refines nothing may be.
 */
static struct jpeg progressive_bomb(uint32_t side, int repeats)
{
    const jpeg_scan_info scans[] = {{1, {0}, 0, 0, 0, 0}, {1, {0}, 1, 63, 0, 0}};
    struct kind gray = {.colour = JCS_GRAYSCALE, .h = 1, .v = 1};
    struct jpeg file = write_jpeg(&gray, side, side, scans, 2);
    size_t last = 0;
    for (size_t i = 0; i + 1 < file.len; i++) {
        if (file.bytes[i] == 0xff && file.bytes[i + 1] == 0xda)
            last = i;
    }
    size_t scan_bytes = file.len - 2 - last;
    struct jpeg bomb = {malloc(file.len + scan_bytes * (size_t)repeats), 0, side, side};
    memcpy(bomb.bytes, file.bytes, file.len - 2);
    bomb.len = file.len - 2;
    for (int i = 0; i < repeats; i++) {
        memcpy(&bomb.bytes[bomb.len], &file.bytes[last], scan_bytes);
        bomb.len += scan_bytes;
    }
    memcpy(&bomb.bytes[bomb.len], "\xff\xd9", 2);
    bomb.len += 2;
    free(file.bytes);
    return bomb;
}

START_TEST(a_progressive_file_of_many_scans_is_stopped)
{
    char reason[IMAGE_REASON_BYTES];
    struct image_limits tight = generous;
    tight.scan_pixels_max = 256 * 256 * 20;
    struct jpeg sound = write_jpeg(&kinds[18], 256, 256, NULL, 0);
    ck_assert_int_eq(outcome(&tight, sound.bytes, sound.len, reason), STK_OK);
    struct jpeg bomb = progressive_bomb(256, 3000);
    ck_assert_int_eq(outcome(&tight, bomb.bytes, bomb.len, reason), STK_LIMIT);
    ck_assert_str_eq(reason, "more scans than the limit allows: 21");
    struct jpeg crumb = progressive_bomb(1, 3000);
    ck_assert_int_eq(outcome(&tight, crumb.bytes, crumb.len, reason), STK_LIMIT);
    free(crumb.bytes);
    free(bomb.bytes);
    free(sound.bytes);
}
END_TEST

/* Whatever a flipped byte does, it comes back, and comes back the same a second time. */
START_TEST(random_damage_is_answered_the_same_twice)
{
    random_state = (uint64_t)_i + 100;
    struct image_decoder *decoders[2] = {open_decoder(&generous), open_decoder(&generous)};
    struct jpeg file = write_jpeg(&kinds[_i], 60, 60, NULL, 0);
    static uint8_t slots[2][16 * 16 * 3];
    struct image_format format = format_u8(16, 16);
    for (int i = 0; i < 300; i++) {
        struct jpeg damaged = insert(&file, 0, "", 0);
        for (int j = 0; j <= i % 3; j++)
            damaged.bytes[random_below((uint32_t)damaged.len)] = (uint8_t)random_below(256);
        char reason[2][IMAGE_REASON_BYTES] = {"", ""};
        enum stk_status status[2];
        for (int k = 0; k < 2; k++) {
            status[k] = image_decoder_begin(decoders[k], damaged.bytes, damaged.len,
                                            &damaged.height, &damaged.width, reason[k]);
            if (status[k] != STK_OK)
                continue;
            struct view view = view_of_all(&damaged);
            view.resized_height = view.resized_width = 16;
            status[k] =
                image_decoder_finish(decoders[k], &view, false, &format, slots[k], reason[k]);
        }
        ck_assert_int_eq(status[0], status[1]);
        ck_assert_str_eq(reason[0], reason[1]);
        if (status[0] == STK_OK)
            ck_assert_mem_eq(slots[0], slots[1], sizeof slots[0]);
        free(damaged.bytes);
    }
    free(file.bytes);
    image_decoder_close(&decoders[0]);
    image_decoder_close(&decoders[1]);
}
END_TEST

START_TEST(closing_nothing_is_fine)
{
    struct image_decoder *decoder = NULL;
    image_decoder_close(&decoder);
    ck_assert_ptr_null(decoder);
}
END_TEST

START_TEST(the_memory_bound_holds_limits_and_grows_with_the_window)
{
    size_t small = image_decoder_bytes_max(&generous, 224, 224);
    ck_assert_uint_gt(small, generous.decoder_bytes_max);
    ck_assert_uint_lt(small, generous.decoder_bytes_max + (32u << 20));
    ck_assert_uint_gt(image_decoder_bytes_max(&generous, 1024, 1024), small);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("image");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_crop_equals_the_crop_of_the_whole, 0, KINDS);
    tcase_add_test(tests, a_window_of_a_resized_box_equals_pillows);
    tcase_add_test(tests, an_incomplete_progressive_file_equals_its_whole_decode);
    tcase_add_test(tests, formats_hold_the_same_values);
    tcase_add_test(tests, every_kernel_equals_the_plain_one);
    tcase_add_test(tests, what_is_no_jpeg_is_corrupt);
    tcase_add_loop_test(tests, a_truncated_file_is_corrupt, 0, KINDS);
    tcase_add_test(tests, damage_below_the_box_does_not_matter);
    tcase_add_test(tests, bytes_between_segments_are_harmless);
    tcase_add_test(tests, bytes_before_a_restart_are_corrupt);
    tcase_add_test(tests, a_lost_restart_marker_is_corrupt);
    tcase_add_test(tests, what_the_library_cannot_is_unsupported);
    tcase_add_test(tests, two_components_are_unsupported);
    tcase_add_test(tests, too_many_pixels_are_refused_by_the_header);
    tcase_add_test(tests, coefficients_over_the_limit_are_refused);
    tcase_add_test(tests, a_progressive_file_of_many_scans_is_stopped);
    tcase_add_loop_test(tests, random_damage_is_answered_the_same_twice, 0, KINDS);
    tcase_add_test(tests, closing_nothing_is_fine);
    tcase_add_test(tests, the_memory_bound_holds_limits_and_grows_with_the_window);
    return suite_run("image", tests);
}
