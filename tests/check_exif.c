/*
 * EXIF: the orientation is read as it was written, and a file's map tells it; what makes no sense
 * tells nothing.
 */
#include "daemon/image/exif.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/image/image.h"
#include "tests/jpegs.h"
#include "tests/suite.h"

/* Where EXIF's parts stand in exif_file. */
enum { ENDIAN_AT = 12, DIRECTORY_AT = 16, TYPE_AT = 36, COUNT_AT = 38, VALUE_AT = 42 };

/* A file's beginning with a directory of two fields, of which the second tells the orientation. */
static size_t exif_file(uint8_t *bytes, bool big_endian, uint8_t orientation)
{
    static const uint8_t little[] = {
        0xff, 0xd8, 0xff, 0xe1, 0, 42, 'E', 'x', 'i', 'f', 0, 0, /* segment */
        'I',  'I',  42,   0,    8, 0,  0,   0,                   /* TIFF */
        2,    0,    0x10, 1,    3, 0,  1,   0,   0,   0,   9, 9, 0,
        0,    0x12, 1,    3,    0, 1,  0,   0,   0,   0,   0, 0, 0,
    };
    static const uint8_t big[] = {
        0xff, 0xd8, 0xff, 0xe1, 0, 42, 'E', 'x', 'i', 'f', 0, 0, /* segment */
        'M',  'M',  0,    42,   0, 0,  0,   8,                   /* TIFF */
        0,    2,    1,    0x10, 0, 3,  0,   0,   0,   1,   9, 9, 0,
        0,    1,    0x12, 0,    3, 0,  0,   0,   1,   0,   0, 0, 0,
    };
    memcpy(bytes, big_endian ? big : little, sizeof little);
    bytes[VALUE_AT + big_endian] = orientation;
    return sizeof little;
}

START_TEST(every_orientation_is_read)
{
    uint8_t bytes[64];
    for (uint8_t orientation = 0; orientation <= 9; orientation++) {
        for (int i = 0; i < 2; i++) {
            size_t len = exif_file(bytes, i == 1, orientation);
            ck_assert_int_eq(exif_orientation(bytes, len), orientation <= 8 ? orientation : 0);
        }
    }
}
END_TEST

START_TEST(a_map_tells_the_orientation)
{
    struct image_decoder *decoder = open_decoder(&generous);
    char reason[IMAGE_REASON_BYTES];
    struct jpeg file = write_jpeg(kind_of("4:2:0"), 50, 60, NULL, 0);
    struct jpeg_map map;
    uint8_t *bytes = malloc(file.len + 64);
    ck_assert_ptr_nonnull(bytes);
    size_t len = exif_file(bytes, true, 6);
    memcpy(&bytes[len], &file.bytes[2], file.len - 2);
    len += file.len - 2;
    ck_assert_int_eq(image_map(decoder, bytes, len, 1 << 14, &map, reason), STK_OK);
    ck_assert_int_eq(map.orientation, 6);
    ck_assert_int_eq(map.entries.columns, 4);
    free(bytes);
    free(file.bytes);
    image_decoder_close(&decoder);
}
END_TEST

/* Cut off anywhere, and with any byte changed; in memory of just its length. */
START_TEST(exif_that_makes_no_sense_tells_nothing)
{
    uint8_t whole[64];
    for (int endian = 0; endian < 2; endian++) {
        size_t len = exif_file(whole, endian == 1, 3);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *bytes = malloc(cut + 1);
            ck_assert_ptr_nonnull(bytes);
            memcpy(bytes, whole, cut);
            ck_assert_int_eq(exif_orientation(bytes, cut), 0);
            free(bytes);
        }
        static const int places[] = {
            0,       1,           2,        3,           6, ENDIAN_AT, 14, 15, DIRECTORY_AT,
            TYPE_AT, TYPE_AT + 1, COUNT_AT, COUNT_AT + 3};
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            uint8_t *bytes = malloc(len);
            ck_assert_ptr_nonnull(bytes);
            memcpy(bytes, whole, len);
            bytes[places[i]] ^= 0x41;
            ck_assert_msg(exif_orientation(bytes, len) == 0, "byte %d", places[i]);
            free(bytes);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("exif");
    tcase_add_test(tests, every_orientation_is_read);
    tcase_add_test(tests, a_map_tells_the_orientation);
    tcase_add_test(tests, exif_that_makes_no_sense_tells_nothing);
    return suite_run("exif", tests);
}
