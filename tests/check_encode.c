/*
 * Encode: what comes out is a JPEG of the picture, within its bound, or a status.
 */
#include "daemon/image/encode.h"

#include <string.h>

#include "daemon/base/rng.h"
#include "daemon/image/image.h"
#include "tests/suite.h"

static uint8_t pixels[512 * 512 * 3];

static void draw_noise(void)
{
    uint32_t words[4];
    for (size_t i = 0; i < sizeof pixels; i += sizeof words) {
        rng_block(&(struct rng){.seed = 1, .position = i}, 0, words);
        memcpy(&pixels[i], words, sizeof words);
    }
}

static size_t encode(uint32_t height, uint32_t width, int quality, uint8_t **jpeg)
{
    size_t len;
    ck_assert_int_eq(encode_jpeg(pixels, height, width, quality, jpeg, &len), STK_OK);
    return len;
}

START_TEST(a_picture_comes_back_from_its_jpeg)
{
    const struct image_limits limits = {
        .pixels_max = 1 << 20, .decoder_bytes_max = 8 << 20, .scan_pixels_max = 1 << 24};
    struct image_decoder *decoder;
    struct image_format format;
    char reason[IMAGE_REASON_BYTES];
    uint32_t height, width;
    uint8_t *jpeg, decoded[24 * 40 * 3];
    const double zero[3] = {0}, one[3] = {1, 1, 1};
    memset(pixels, 200, sizeof pixels);
    size_t len = encode(24, 40, 85, &jpeg);
    ck_assert_int_eq(image_decoder_open(&limits, &decoder), STK_OK);
    ck_assert_int_eq(image_decoder_begin(decoder, jpeg, len, &height, &width, reason), STK_OK);
    ck_assert_uint_eq(height, 24);
    ck_assert_uint_eq(width, 40);
    image_format_init(&format, 24, 40, STK_U8, STK_NHWC, zero, one);
    const struct view view = {{0, 0, 24, 40}, 24, 40, 0, 0, {0}};
    ck_assert_int_eq(image_decoder_finish(decoder, &view, false, &format, decoded, reason), STK_OK);
    for (size_t i = 0; i < sizeof decoded; i++)
        ck_assert_uint_eq(decoded[i], 200);
    image_decoder_close(&decoder);
    free(jpeg);
}
END_TEST

START_TEST(noise_of_any_size_and_quality_stays_within_the_bound)
{
    static const uint32_t sides[] = {1, 7, 16, 17, 224, 512};
    draw_noise();
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        for (size_t k = 0; k < sizeof sides / sizeof sides[0]; k++) {
            uint8_t *jpeg;
            size_t len = encode(sides[i], sides[k], 100, &jpeg);
            ck_assert_uint_le(len, encode_bytes_max(sides[i], sides[k]));
            ck_assert(memcmp(jpeg, "\xff\xd8", 2) == 0);
            free(jpeg);
        }
    }
}
END_TEST

START_TEST(what_libjpeg_turbo_refuses_is_a_status)
{
    uint8_t *jpeg;
    size_t len;
    ck_assert_int_eq(encode_jpeg(pixels, 1, 65501, 85, &jpeg, &len), STK_UNSUPPORTED);
    ck_assert_ptr_null(jpeg);
    ck_assert_uint_eq(len, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("encode");
    tcase_add_test(tests, a_picture_comes_back_from_its_jpeg);
    tcase_add_test(tests, noise_of_any_size_and_quality_stays_within_the_bound);
    tcase_add_test(tests, what_libjpeg_turbo_refuses_is_a_status);
    return suite_run("encode", tests);
}
