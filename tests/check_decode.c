/*
 * Decode: damaged, hostile and unsupported files are answered, within limits, and the decoder is
 * fit for the next picture afterwards.
 */
#include "daemon/image/image.h"

#include <string.h>

#include "tests/jpegs.h"
#include "tests/suite.h"

/* Decode all of a file and say what came of it; the decoder must be fit for the next one. */
static enum stk_status outcome(const struct image_limits *limits, const void *bytes, size_t len,
                               char *reason)
{
    random_state = 9;
    struct jpeg sound = write_jpeg(kind_of("4:2:0"), 50, 70, NULL, 0);
    struct image_decoder *decoder = open_decoder(limits);
    uint32_t height, width;
    enum stk_status status = image_decoder_begin(decoder, bytes, len, &height, &width, reason);
    if (status == STK_OK) {
        struct view view = {{0, 0, (int32_t)height, (int32_t)width}, 8, 8, 0, 0, {0}};
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

/* Lengths all over the file, in every kind. */
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
    struct jpeg file = write_jpeg(kind_of("4:4:4"), 256, 64, NULL, 0);
    uint8_t *whole = decode_whole(&file);
    struct jpeg half = file;
    half.len = file.len / 2;
    struct image_decoder *decoder = open_decoder(&generous);
    struct view top = {{0, 0, 64, 64}, 64, 64, 0, 0, {0}};
    struct view bottom = {{192, 0, 64, 64}, 64, 64, 0, 0, {0}};
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

/* Where the data of a row of MCUs ends, its restart marker included. */
static size_t end_of_mcu_row(const struct jpeg *file, int row)
{
    size_t i = find_marker(file, 0xda) + 2;
    for (int met = 0; met <= row; i++) {
        ck_assert_uint_lt(i + 1, file->len);
        if (file->bytes[i] == 0xff && file->bytes[i + 1] >= 0xd0 && file->bytes[i + 1] <= 0xd7)
            met++;
    }
    return i + 1;
}

/* Samplings of one scan, and whether upsampling looks at the row below. */
static const struct {
    struct kind kind;
    bool looks_below;
} heights[] = {
    {{"4:4:4", JCS_YCbCr, .h = 1, .v = 1, .restart_rows = 1}, false},
    {{"4:2:2", JCS_YCbCr, .h = 2, .v = 1, .restart_rows = 1}, false},
    {{"4:2:0", JCS_YCbCr, .h = 2, .v = 2, .restart_rows = 1}, true},
    {{"4:4:0", JCS_YCbCr, .h = 1, .v = 2, .restart_rows = 1}, true},
    {{"4:1:1", JCS_YCbCr, .h = 4, .v = 1, .restart_rows = 1}, false},
    {{"4:1:0", JCS_YCbCr, .h = 4, .v = 2, .restart_rows = 1}, false},
    {{"gray", JCS_GRAYSCALE, .h = 1, .v = 1, .restart_rows = 1}, false},
    {{"YCCK 4:2:0", JCS_YCCK, .h = 2, .v = 2, .restart_rows = 1}, true},
    {{"4:2:0 arithmetic", JCS_YCbCr, .h = 2, .v = 2, .arithmetic = true, .restart_rows = 1}, true},
};

/* The row of MCUs that the last row of a box needs: its own or, where it lies in the last samples
 * of it and upsampling looks below, the next. */
static int last_mcu_row(int i, const struct box *box)
{
    int sample = (box->top + box->height - 1) / heights[i].kind.v;
    return sample / DCTSIZE + (heights[i].looks_below && sample % DCTSIZE == DCTSIZE - 1);
}

/* Every row of a picture is the last one of some box; behind what that needs the file ends, or is
 * overwritten. */
START_TEST(a_file_is_read_as_far_as_the_box_reaches)
{
    enum { HEIGHT = 150, WIDTH = 40 };
    const struct kind *kind = &heights[_i].kind;
    random_state = (uint64_t)_i + 1;
    struct jpeg file = write_jpeg(kind, HEIGHT, WIDTH, NULL, 0);
    uint8_t *whole = decode_whole(&file);
    struct image_decoder *decoder = open_decoder(&generous);
    int mcu_rows = (HEIGHT + kind->v * DCTSIZE - 1) / (kind->v * DCTSIZE);
    for (int end = 1; end <= HEIGHT; end++) {
        struct box box = {.height = 1 + (int)random_below((uint32_t)end), .width = WIDTH};
        box.top = end - box.height;
        struct view view = {box, (uint32_t)box.height, WIDTH, 0, 0, {0}};
        if (last_mcu_row(_i, &box) >= mcu_rows - 1)
            break;
        struct jpeg cut = insert(&file, 0, "", 0);
        cut.len = end_of_mcu_row(&file, last_mcu_row(_i, &box));
        ck_assert_uint_eq(
            differing_bytes(decoder, &cut, whole, &view, view.resized_height, WIDTH, false), 0);
        memset(&cut.bytes[cut.len], 0xff, file.len - cut.len);
        cut.len = file.len;
        ck_assert_uint_eq(
            differing_bytes(decoder, &cut, whole, &view, view.resized_height, WIDTH, false), 0);
        free(cut.bytes);
    }
    image_decoder_close(&decoder);
    free(whole);
    free(file.bytes);
}
END_TEST

START_TEST(bytes_between_segments_are_harmless)
{
    char reason[IMAGE_REASON_BYTES];
    const uint8_t before[] = {0xdb, 0xda, 0xd9};
    for (size_t i = 0; i < sizeof before; i++) {
        struct jpeg file = write_jpeg(kind_of("4:2:0 progressive"), 40, 40, NULL, 0);
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
    struct jpeg file = write_jpeg(kind_of("4:2:0 restarts"), 100, 100, NULL, 0);
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
    struct jpeg file = write_jpeg(kind_of("4:2:0 restarts"), 100, 100, NULL, 0);
    file.bytes[find_marker(&file, 0xd1) + 1] = 0xd6;
    ck_assert_int_eq(outcome(&generous, file.bytes, file.len, reason), STK_CORRUPT);
    ck_assert_ptr_nonnull(strstr(reason, "instead of RST1"));
    free(file.bytes);
}
END_TEST

/* The file without its segments of a kind. */
static struct jpeg without(const struct jpeg *file, uint8_t code)
{
    struct jpeg shorter = insert(file, 0, "", 0);
    for (size_t i = 2; shorter.bytes[i + 1] != 0xda;) {
        size_t next = i + 2 + (size_t)(shorter.bytes[i + 2] << 8) + shorter.bytes[i + 3];
        if (shorter.bytes[i + 1] == code) {
            memmove(&shorter.bytes[i], &shorter.bytes[next], shorter.len - next);
            shorter.len -= next - i;
        } else {
            i = next;
        }
    }
    return shorter;
}

/* libjpeg-turbo decodes a file that brings no tables with those of the file before. */
START_TEST(no_file_is_decoded_with_the_tables_of_another)
{
    const uint8_t tables[] = {0xc4, 0xdb};
    for (int i = 0; i < 2; i++) {
        struct jpeg other = write_jpeg(kind_of("4:2:0 progressive"), 40, 40, NULL, 0);
        struct jpeg file = write_jpeg(kind_of("4:2:0"), 40, 40, NULL, 0);
        struct jpeg bare = without(&file, tables[i]);
        ck_assert_uint_lt(bare.len, file.len);
        struct image_format format = format_u8(40, 40);
        struct view view = view_of_all(&file);
        static uint8_t slots[2][40 * 40 * 3];
        char reasons[3][IMAGE_REASON_BYTES];
        enum stk_status status[2];
        for (int k = 0; k < 2; k++) {
            struct image_decoder *decoder = open_decoder(&generous);
            if (k == 1)
                ck_assert_int_eq(
                    decode(decoder, &other, &view, false, &format, slots[1], reasons[2]), STK_OK);
            status[k] = decode(decoder, &bare, &view, false, &format, slots[k], reasons[k]);
            image_decoder_close(&decoder);
        }
        ck_assert_msg(status[0] == status[1], "%s, then %s", reasons[0], reasons[1]);
        ck_assert_str_eq(reasons[0], reasons[1]);
        if (status[0] == STK_OK)
            ck_assert_mem_eq(slots[0], slots[1], sizeof slots[0]);
        free(bare.bytes);
        free(file.bytes);
        free(other.bytes);
    }
}
END_TEST

START_TEST(what_the_library_cannot_is_unsupported)
{
    char reason[IMAGE_REASON_BYTES];
    struct jpeg file = write_jpeg(kind_of("4:4:4"), 16, 16, NULL, 0);
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
    struct jpeg file = write_jpeg(kind_of("4:2:0"), 16, 16, NULL, 0);
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

/* Sequential, progressive and a scan a component: only the first is decoded row by row. */
START_TEST(memory_over_the_limit_is_refused)
{
    char reason[IMAGE_REASON_BYTES];
    const char *const kind[] = {"4:2:0", "4:2:0 progressive", "4:2:0 apart"};
    const enum stk_status expected[] = {STK_OK, STK_LIMIT, STK_LIMIT};
    struct image_limits tight = generous;
    tight.decoder_bytes_max = 1 << 20;
    for (int i = 0; i < 3; i++) {
        struct jpeg file = write_jpeg(kind_of(kind[i]), 800, 800, NULL, 0);
        ck_assert_int_eq(outcome(&tight, file.bytes, file.len, reason), expected[i]);
        if (expected[i] == STK_LIMIT)
            ck_assert_str_eq(reason, "decoding takes more memory than the limit: 2 MiB");
        free(file.bytes);
    }
    struct jpeg wide = write_jpeg(kind_of("4:2:0"), 16, 60000, NULL, 0);
    ck_assert_int_eq(outcome(&tight, wide.bytes, wide.len, reason), STK_LIMIT);
    free(wide.bytes);
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
    struct jpeg sound = write_jpeg(kind_of("gray progressive"), 256, 256, NULL, 0);
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

int main(void)
{
    TCase *tests = tcase_create("decode");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_is_no_jpeg_is_corrupt);
    tcase_add_loop_test(tests, a_truncated_file_is_corrupt, 0, KINDS);
    tcase_add_test(tests, damage_below_the_box_does_not_matter);
    tcase_add_loop_test(tests, a_file_is_read_as_far_as_the_box_reaches, 0,
                        sizeof heights / sizeof heights[0]);
    tcase_add_test(tests, bytes_between_segments_are_harmless);
    tcase_add_test(tests, bytes_before_a_restart_are_corrupt);
    tcase_add_test(tests, a_lost_restart_marker_is_corrupt);
    tcase_add_test(tests, no_file_is_decoded_with_the_tables_of_another);
    tcase_add_test(tests, what_the_library_cannot_is_unsupported);
    tcase_add_test(tests, two_components_are_unsupported);
    tcase_add_test(tests, too_many_pixels_are_refused_by_the_header);
    tcase_add_test(tests, memory_over_the_limit_is_refused);
    tcase_add_test(tests, a_progressive_file_of_many_scans_is_stopped);
    tcase_add_loop_test(tests, random_damage_is_answered_the_same_twice, 0, KINDS);
    return suite_run("decode", tests);
}
