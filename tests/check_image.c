/*
 * Images: every view of every kind of JPEG equals the reference, in every format.  Tolerance: 0.
 */
#include "daemon/image/image.h"

#include <string.h>

#include "proto/half.h"
#include "tests/jpegs.h"
#include "tests/suite.h"

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
static void compare_crops(struct image_decoder *decoder, const struct kind *kind, int files)
{
    for (int i = 0; i < files; i++) {
        uint32_t side = i < files / 3 ? 40 : SIDE_MAX;
        struct jpeg file =
            write_jpeg(kind, 1 + random_below(side), 1 + random_below(side), NULL, 0);
        uint8_t *whole = decode_whole(&file);
        for (int j = 0; j < 8; j++) {
            struct box box = random_box(&file);
            struct view view = {box, (uint32_t)box.height, (uint32_t)box.width, 0, 0, {0}};
            size_t differing = differing_bytes(decoder, &file, whole, &view, view.resized_height,
                                               view.resized_width, j == 0);
            ck_assert_msg(differing == 0, "%s %ux%u, box %d,%d %dx%d: %zu pixels differ",
                          kind->name, file.height, file.width, box.top, box.left, box.height,
                          box.width, differing);
        }
        free(whole);
        free(file.bytes);
    }
}

START_TEST(a_crop_equals_the_crop_of_the_whole)
{
    random_state = (uint64_t)_i + 1;
    struct image_decoder *decoder = open_decoder(&generous);
    compare_crops(decoder, &kinds[_i], 24);
    image_decoder_close(&decoder);
}
END_TEST

/* Patience that ends with an ask. */
struct asks {
    unsigned count;
    unsigned last; /* 0: none */
};

static bool has_ended(void *context)
{
    struct asks *asks = context;
    asks->count++;
    return asks->last != 0 && asks->count >= asks->last;
}

static struct image_decoder *open_patient(struct asks *asks, struct image_patience *patience)
{
    struct image_limits limits = generous;
    *patience = (struct image_patience){has_ended, asks};
    limits.patience = patience;
    return open_decoder(&limits);
}

START_TEST(patience_changes_no_pixel)
{
    random_state = (uint64_t)_i + 1;
    struct asks asks = {0};
    struct image_patience patience;
    struct image_decoder *decoder = open_patient(&asks, &patience);
    compare_crops(decoder, &kinds[_i], 12);
    ck_assert_uint_gt(asks.count, 0);
    image_decoder_close(&decoder);
}
END_TEST

/* Its last row alone is looked at: most is passed over.  A row of blocks has 8 to 16 of pixels. */
START_TEST(a_picture_is_left_in_the_middle_where_patience_ends)
{
    random_state = 5;
    struct jpeg file = write_jpeg(&kinds[_i], SIDE_MAX, SIDE_MAX, NULL, 0);
    struct view view = {{SIDE_MAX - 1, 0, 1, SIDE_MAX}, 1, SIDE_MAX, 0, 0, {0}};
    struct image_format format = format_u8(1, SIDE_MAX);
    uint8_t wanted[SIDE_MAX * 3], slot[SIDE_MAX * 3];
    char reason[IMAGE_REASON_BYTES];
    struct asks asks = {0};
    struct image_patience patience;
    struct image_decoder *decoder = open_patient(&asks, &patience);
    ck_assert_int_eq(decode(decoder, &file, &view, false, &format, wanted, reason), STK_OK);
    unsigned count = asks.count;
    ck_assert_uint_ge(count, SIDE_MAX / 16);
    for (unsigned last = 1; last <= count; last++) {
        asks = (struct asks){.last = last};
        ck_assert_int_eq(decode(decoder, &file, &view, false, &format, slot, reason), STK_CLOSED);
        ck_assert_str_eq(reason, "nobody waits for it any more");
        ck_assert_uint_le(asks.count, last + 2);
    }
    asks = (struct asks){0};
    ck_assert_int_eq(decode(decoder, &file, &view, false, &format, slot, reason), STK_OK);
    ck_assert_mem_eq(slot, wanted, sizeof slot);
    image_decoder_close(&decoder);
    free(file.bytes);
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
        uint32_t top = random_below(view.resized_height), left = random_below(view.resized_width);
        uint32_t height = 1 + random_below(view.resized_height - top);
        uint32_t width = 1 + random_below(view.resized_width - left);
        view.top = (int32_t)top;
        view.left = (int32_t)left;
        size_t differing = differing_bytes(decoder, &file, whole, &view, height, width, i % 2 == 0);
        ck_assert_msg(differing == 0, "case %d, %s: %zu pixels differ", i, kind->name, differing);
        free(whole);
        free(file.bytes);
    }
    image_decoder_close(&decoder);
}
END_TEST

/* From one pixel of the box on each side to none outside; the larger the window, the more often. */
static void random_window(struct view *view, uint32_t *height, uint32_t *width)
{
    *height = 1 + random_below(60);
    *width = 1 + random_below(60);
    view->top = (int32_t)random_below(view->resized_height + *height - 1) - (int32_t)*height + 1;
    view->left = (int32_t)random_below(view->resized_width + *width - 1) - (int32_t)*width + 1;
    for (int c = 0; c < 3; c++)
        view->fill[c] = (uint8_t)random_below(256);
}

START_TEST(a_window_that_leaves_the_box_has_the_fill_colour_around_it)
{
    random_state = 78;
    struct image_decoder *decoder = open_decoder(&generous);
    for (int i = 0; i < 400; i++) {
        const struct kind *kind = &kinds[random_below(KINDS)];
        struct jpeg file =
            write_jpeg(kind, 1 + random_below(SIDE_MAX), 1 + random_below(SIDE_MAX), NULL, 0);
        uint8_t *whole = decode_whole(&file);
        struct view view = {.box = random_box(&file),
                            .resized_height = 1 + random_below(50),
                            .resized_width = 1 + random_below(50)};
        uint32_t height, width;
        random_window(&view, &height, &width);
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
        struct view view = {box, (uint32_t)box.height, (uint32_t)box.width, 0, 0, {0}};
        ck_assert_uint_eq(differing_bytes(decoder, &file, whole, &view, view.resized_height,
                                          view.resized_width, false),
                          0);
        free(whole);
        free(file.bytes);
    }
    image_decoder_close(&decoder);
}
END_TEST

/* What a byte of a channel is as an element of a slot, by image.h's formula. */
static void element_of(enum stk_dtype dtype, uint8_t byte, double mean, double std, void *element)
{
    double value = (byte / 255.0 - mean) / std;
    float single = (float)value;
    uint16_t half = dtype == STK_F16 ? stk_f16_encode(value) : stk_bf16_encode(value);
    if (dtype == STK_U8)
        memcpy(element, &byte, sizeof byte);
    else if (dtype == STK_F32)
        memcpy(element, &single, sizeof single);
    else
        memcpy(element, &half, sizeof half);
}

/* Every dtype, with the channels together and apart. */
START_TEST(formats_hold_the_same_values)
{
    static const enum stk_dtype dtypes[] = {STK_U8, STK_F32, STK_F16, STK_BF16};
    enum { HEIGHT = 61, WIDTH = 83, PIXELS = HEIGHT * WIDTH };
    const double mean[3] = {0.485, 0.456, 0.406};
    const double std[3] = {0.229, 0.224, 0.225};
    struct jpeg file = write_jpeg(kind_of("4:2:0"), HEIGHT, WIDTH, NULL, 0);
    struct image_decoder *decoder = open_decoder(&generous);
    uint8_t *whole = decode_whole(&file);
    struct view view = view_of_all(&file);
    static struct image_format format;
    static float slot[3 * PIXELS];
    enum stk_dtype dtype = dtypes[_i / 2];
    bool apart = _i % 2 == 1;
    size_t bytes = stk_dtype_bytes(dtype);
    image_format_init(&format, HEIGHT, WIDTH, dtype, apart ? STK_NCHW : STK_NHWC, mean, std);
    ck_assert_uint_eq(image_format_bytes(&format), 3 * PIXELS * bytes);
    char reason[IMAGE_REASON_BYTES];
    ck_assert_int_eq(decode(decoder, &file, &view, false, &format, slot, reason), STK_OK);
    for (size_t i = 0; i < 3 * PIXELS; i++) {
        size_t c = i % 3, at = apart ? c * PIXELS + i / 3 : i;
        unsigned char element[sizeof(float)];
        element_of(dtype, whole[i], mean[c], std[c], element);
        ck_assert_mem_eq((unsigned char *)slot + at * bytes, element, bytes);
    }
    free(whole);
    free(file.bytes);
    image_decoder_close(&decoder);
}
END_TEST

/* What stands around a picture is what a pixel of that colour would be. */
START_TEST(the_fill_colour_becomes_the_formats_numbers)
{
    static const enum stk_dtype dtypes[] = {STK_U8, STK_F32, STK_F16, STK_BF16};
    enum { SIDE = 24, AROUND = 5, WINDOW = SIDE + 2 * AROUND, PIXELS = WINDOW * WINDOW };
    const double mean[3] = {0.485, 0.456, 0.406};
    const double std[3] = {0.229, 0.224, 0.225};
    struct jpeg file = write_jpeg(kind_of("4:2:0"), SIDE, SIDE, NULL, 0);
    struct image_decoder *decoder = open_decoder(&generous);
    uint8_t *whole = decode_whole(&file);
    struct view view = view_of_all(&file);
    view.top = view.left = -AROUND;
    memcpy(view.fill, (const uint8_t[3]){1, 128, 254}, sizeof view.fill);
    static struct image_format format;
    static float slot[3 * PIXELS];
    enum stk_dtype dtype = dtypes[_i / 2];
    bool apart = _i % 2 == 1;
    size_t bytes = stk_dtype_bytes(dtype);
    image_format_init(&format, WINDOW, WINDOW, dtype, apart ? STK_NCHW : STK_NHWC, mean, std);
    char reason[IMAGE_REASON_BYTES];
    ck_assert_int_eq(decode(decoder, &file, &view, false, &format, slot, reason), STK_OK);
    for (size_t i = 0; i < 3 * PIXELS; i++) {
        size_t c = i % 3, y = i / 3 / WINDOW - AROUND, x = i / 3 % WINDOW - AROUND;
        size_t at = apart ? c * PIXELS + i / 3 : i;
        uint8_t byte = y < SIDE && x < SIDE ? whole[(y * SIDE + x) * 3 + c] : view.fill[c];
        unsigned char element[sizeof(float)];
        element_of(dtype, byte, mean[c], std[c], element);
        ck_assert_mem_eq((unsigned char *)slot + at * bytes, element, bytes);
    }
    free(whole);
    free(file.bytes);
    image_decoder_close(&decoder);
}
END_TEST

START_TEST(a_picture_begun_before_is_forgotten)
{
    struct jpeg first = write_jpeg(kind_of("4:2:0 progressive"), 90, 70, NULL, 0);
    struct jpeg second = write_jpeg(kind_of("4:2:2"), 30, 40, NULL, 0);
    struct image_decoder *decoder = open_decoder(&generous);
    char reason[IMAGE_REASON_BYTES];
    uint32_t height, width;
    ck_assert_int_eq(image_decoder_begin(decoder, first.bytes, first.len, &height, &width, reason),
                     STK_OK);
    ck_assert_uint_eq(height, 90);
    ck_assert_uint_eq(width, 70);
    free(first.bytes);
    uint8_t *whole = decode_whole(&second);
    struct view view = view_of_all(&second);
    ck_assert_uint_eq(differing_bytes(decoder, &second, whole, &view, 30, 40, false), 0);
    free(whole);
    free(second.bytes);
    image_decoder_close(&decoder);
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
    size_t small = image_decoder_bytes_max(&generous, 224, 224, INTERPOLATION_BILINEAR);
    ck_assert_uint_gt(small, generous.decoder_bytes_max);
    ck_assert_uint_lt(small, generous.decoder_bytes_max + (32u << 20));
    ck_assert_uint_gt(image_decoder_bytes_max(&generous, 1024, 1024, INTERPOLATION_BILINEAR),
                      small);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("image");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_crop_equals_the_crop_of_the_whole, 0, KINDS);
    tcase_add_loop_test(tests, patience_changes_no_pixel, 0, KINDS);
    tcase_add_loop_test(tests, a_picture_is_left_in_the_middle_where_patience_ends, 0, KINDS);
    tcase_add_test(tests, a_window_of_a_resized_box_equals_pillows);
    tcase_add_test(tests, a_window_that_leaves_the_box_has_the_fill_colour_around_it);
    tcase_add_loop_test(tests, the_fill_colour_becomes_the_formats_numbers, 0, 8);
    tcase_add_test(tests, an_incomplete_progressive_file_equals_its_whole_decode);
    tcase_add_loop_test(tests, formats_hold_the_same_values, 0, 8);
    tcase_add_test(tests, a_picture_begun_before_is_forgotten);
    tcase_add_test(tests, closing_nothing_is_fine);
    tcase_add_test(tests, the_memory_bound_holds_limits_and_grows_with_the_window);
    return suite_run("image", tests);
}
