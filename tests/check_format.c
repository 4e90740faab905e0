/*
 * Formats: the numbers by their formula, and every writer against the plain one, to the byte.
 */
#include "daemon/image/format.h"

#include <math.h>
#include <string.h>

#include "proto/half.h"
#include "tests/suite.h"

static const enum stk_dtype dtypes[] = {STK_U8, STK_F32, STK_F16, STK_BF16};

enum { DTYPES = 4, WIDTH_MAX = 150, ROWS = 3 };

static const double imagenet_mean[3] = {0.485, 0.456, 0.406};
static const double imagenet_std[3] = {0.229, 0.224, 0.225};

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % n);
}

/* Means and standard deviations as people write them: three digits. */
static void random_numbers(double mean[3], double std[3])
{
    for (int c = 0; c < 3; c++) {
        mean[c] = random_below(1000) / 1000.0;
        std[c] = (50 + random_below(950)) / 1000.0;
    }
}

START_TEST(a_value_is_computed_in_double_and_rounded_once)
{
    static struct image_format f32, f16, bf16;
    random_state = 4;
    for (int i = 0; i < 50; i++) {
        double mean[3], std[3];
        random_numbers(mean, std);
        image_format_init(&f32, 1, 1, STK_F32, STK_NHWC, mean, std);
        image_format_init(&f16, 1, 1, STK_F16, STK_NHWC, mean, std);
        image_format_init(&bf16, 1, 1, STK_BF16, STK_NHWC, mean, std);
        for (int c = 0; c < 3; c++) {
            for (int v = 0; v < 256; v++) {
                double value = (v / 255.0 - mean[c]) / std[c];
                ck_assert(f32.value.f32[c][v] == (float)value);
                ck_assert_uint_eq(f16.value.half[c][v], stk_f16_encode(value));
                ck_assert_uint_eq(bf16.value.half[c][v], stk_bf16_encode(value));
            }
        }
    }
}
END_TEST

START_TEST(a_picture_has_its_dtypes_bytes)
{
    static const size_t bytes[DTYPES] = {1, 4, 2, 2};
    static struct image_format format;
    for (int i = 0; i < DTYPES; i++) {
        image_format_init(&format, 5, 7, dtypes[i], STK_NCHW, imagenet_mean, imagenet_std);
        ck_assert_uint_eq(image_format_bytes(&format), 5 * 7 * 3 * bytes[i]);
    }
}
END_TEST

START_TEST(only_packed_bytes_can_be_written_in_place)
{
    static struct image_format format;
    uint8_t slot[4 * 6 * 3];
    for (int i = 0; i < DTYPES; i++) {
        for (int layout = STK_NHWC; layout <= STK_NCHW; layout++) {
            image_format_init(&format, 4, 6, dtypes[i], (enum stk_layout)layout, imagenet_mean,
                              imagenet_std);
            bool packed = dtypes[i] == STK_U8 && layout == STK_NHWC;
            uint8_t *place = format_row_in_place(&format, slot, 2);
            ck_assert_ptr_eq(place, packed ? &slot[2 * 6 * 3] : NULL);
        }
    }
}
END_TEST

/* Where the numbers of a row stand, one by one. */
static void write_by_hand(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                          uint8_t *slot)
{
    size_t bytes = stk_dtype_bytes(format->dtype);
    for (size_t x = 0; x < format->width; x++) {
        for (size_t c = 0; c < 3; c++) {
            size_t at = format->layout == STK_NHWC ? (row * format->width + x) * 3 + c
                                                   : (c * format->height + row) * format->width + x;
            uint8_t v = pixels[x * 3 + c];
            const void *value = &v;
            if (format->dtype == STK_F32)
                value = &format->value.f32[c][v];
            else if (format->dtype != STK_U8)
                value = &format->value.half[c][v];
            memcpy(&slot[at * bytes], value, bytes);
        }
    }
}

/* Every width up to several vectors; the other rows of the slot stay as they are. */
START_TEST(every_writer_puts_the_tables_numbers_in_their_places)
{
    static struct image_format format;
    static float expected[ROWS * WIDTH_MAX * 3 + 8], written[ROWS * WIDTH_MAX * 3 + 8];
    enum stk_dtype dtype = dtypes[_i / 2];
    enum stk_layout layout = _i % 2 ? STK_NCHW : STK_NHWC;
    for (uint32_t width = 1; width <= WIDTH_MAX; width++) {
        image_format_init(&format, ROWS, width, dtype, layout, imagenet_mean, imagenet_std);
        ck_assert(writer_avx2() == NULL || format.writer == writer_avx2());
        uint8_t pixels[WIDTH_MAX * 3]; /* no byte behind them: sanitizers see who reads on */
        uint8_t *line = &pixels[(WIDTH_MAX - width) * 3];
        for (size_t i = 0; i < width * 3; i++)
            line[i] = (uint8_t)random_below(256);
        const struct writer *writers[] = {&writer_plain, format.writer};
        for (int i = 0; i < 2; i++) {
            memset(expected, 0xa5, sizeof expected);
            memset(written, 0xa5, sizeof written);
            uint32_t row = width % ROWS;
            write_by_hand(&format, line, row, (uint8_t *)expected);
            writers[i]->row(&format, line, row, written);
            ck_assert_msg(memcmp(written, expected, sizeof written) == 0, "%s width %u",
                          writers[i]->name, width);
        }
    }
}
END_TEST

/* A line that would give another number somewhere is not used; what is served is the table. */
START_TEST(a_line_that_misses_a_number_is_not_used)
{
    static struct image_format format;
    uint8_t levels[256 * 3];
    for (size_t i = 0; i < sizeof levels; i++)
        levels[i] = (uint8_t)(i / 3);
    random_state = 9;
    unsigned missed = 0, used = 0;
    for (int i = 0; i < 3000; i++) {
        double mean[3], std[3];
        random_numbers(mean, std);
        enum stk_dtype dtype = dtypes[1 + i % 3];
        enum stk_layout layout = i % 2 ? STK_NCHW : STK_NHWC;
        image_format_init(&format, 1, 256, dtype, layout, mean, std);
        float expected[256 * 3], written[256 * 3];
        write_by_hand(&format, levels, 0, (uint8_t *)expected);
        format_write_row(&format, levels, 0, written);
        ck_assert_mem_eq(written, expected, image_format_bytes(&format));
        used += format.writer == writer_avx2();
        missed += format.writer != writer_avx2();
    }
    if (writer_avx2() == NULL)
        return; /* this processor has only the table */
    ck_assert_uint_gt(missed, 0);
    ck_assert_uint_gt(used, 30 * missed);
}
END_TEST

/* Values far from one, as the configuration allows them. */
START_TEST(extreme_means_and_deviations_are_served_exactly)
{
    static const double extremes[][2] = {
        {0, 1},    {0.5, 0.5}, {0.2, 0.1},  {1000, 1e-6}, {-1000, 1000},
        {0, 1e-6}, {1, 1000},  {0.4, 1e-6}, {-0.0, 1},    {1e-300, 1},
    };
    static struct image_format format;
    uint8_t levels[256 * 3];
    for (size_t i = 0; i < sizeof levels; i++)
        levels[i] = (uint8_t)(i / 3);
    for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
        for (int j = 1; j < DTYPES; j++) {
            double mean[3], std[3];
            for (int c = 0; c < 3; c++) {
                mean[c] = extremes[i][0];
                std[c] = extremes[i][1];
            }
            image_format_init(&format, 1, 256, dtypes[j], STK_NHWC, mean, std);
            float expected[256 * 3], written[256 * 3];
            write_by_hand(&format, levels, 0, (uint8_t *)expected);
            format_write_row(&format, levels, 0, written);
            ck_assert_mem_eq(written, expected, image_format_bytes(&format));
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("format");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_value_is_computed_in_double_and_rounded_once);
    tcase_add_test(tests, a_picture_has_its_dtypes_bytes);
    tcase_add_test(tests, only_packed_bytes_can_be_written_in_place);
    tcase_add_loop_test(tests, every_writer_puts_the_tables_numbers_in_their_places, 0, 2 * DTYPES);
    tcase_add_test(tests, a_line_that_misses_a_number_is_not_used);
    tcase_add_test(tests, extreme_means_and_deviations_are_served_exactly);
    return suite_run("format", tests);
}
