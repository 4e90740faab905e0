/*
 * Crops: the rows of any rectangle of any JPEG equal those of the whole decode, byte for byte.
 *
 * A property on random files and random rectangles.  STOKER_CASES sets how many, STOKER_SEED other
 * ones; what fails says how to repeat it alone.
 */
#include "daemon/image/decode.h"

#include <check.h>

#include "tests/jpegs.h"
#include "tests/suite.h"

enum { CROPS = 8, LARGEST_SIDE = 700 };

static unsigned long from_environment(const char *name, unsigned long usual)
{
    const char *value = getenv(name);
    return value != NULL ? strtoul(value, NULL, 10) : usual;
}

struct picture {
    unsigned long seed;
    unsigned long number;
    struct kind kind;
    struct jpeg file;
    uint8_t *whole; /* [height, width, 3] */
};

static struct picture make_picture(unsigned long seed, unsigned long number)
{
    random_begin(seed, number);
    struct picture picture = {.seed = seed, .number = number, .kind = random_kind()};
    uint32_t height = random_side(LARGEST_SIDE);
    picture.file = write_jpeg(&picture.kind, height, random_side(LARGEST_SIDE), NULL, 0);
    picture.whole = decode_whole(&picture.file);
    return picture;
}

static void forget_picture(struct picture *picture)
{
    free(picture->whole);
    free(picture->file.bytes);
}

_Noreturn static void fail_picture(const struct picture *picture, const struct box *area,
                                   const char *what, int32_t row)
{
    char text[KIND_TEXT_BYTES];
    ck_abort_msg("%s, row %d of the area %d,%d %dx%d of %ux%u, %s; repeat it alone: "
                 "STOKER_SEED=%lu STOKER_PICTURE=%lu build/tests/check_crops",
                 what, row, area->top, area->left, area->height, area->width, picture->file.height,
                 picture->file.width, kind_text(&picture->kind, text), picture->seed,
                 picture->number);
}

/* One direction of a rectangle: everything, to either border, around a block's border, or anywhere;
 * half of those that are not everything are a few pixels. */
static void random_span(uint32_t side, int32_t *first, int32_t *count)
{
    uint32_t choice = random_below(5);
    uint32_t from = random_below(side);
    uint32_t len = 1 + random_below(random_below(2) ? 4 : side);
    if (choice <= 1)
        from = 0;
    if (choice == 0 || len > side)
        len = side;
    if (choice == 2)
        from = side - len;
    if (choice == 3 && from >= 8)
        from = from / 8 * 8 - random_below(4);
    *first = (int32_t)from;
    *count = (int32_t)(len < side - from ? len : side - from);
}

static struct box random_area(const struct jpeg *file)
{
    struct box area;
    random_span(file->height, &area.top, &area.height);
    random_span(file->width, &area.left, &area.width);
    return area;
}

static bool equal(const uint8_t *rgbx, const uint8_t *rgb, int32_t pixels)
{
    for (int32_t x = 0; x < pixels; x++) {
        if (rgbx[4 * x] != rgb[3 * x] || rgbx[4 * x + 1] != rgb[3 * x + 1] ||
            rgbx[4 * x + 2] != rgb[3 * x + 2])
            return false;
    }
    return true;
}

/* Compare the first rows of an area. */
static void check_area(struct decode *decode, const struct picture *picture, const struct box *area,
                       int32_t rows)
{
    char reason[IMAGE_REASON_BYTES];
    uint32_t height, width;
    if (decode_begin(decode, picture->file.bytes, picture->file.len, &height, &width, reason) !=
            STK_OK ||
        height != picture->file.height || width != picture->file.width ||
        decode_start(decode, area, reason) != STK_OK)
        fail_picture(picture, area, reason, -1);
    for (int32_t y = 0; y < rows; y++) {
        const uint8_t *row;
        if (decode_next(decode, &row, reason) != STK_OK)
            fail_picture(picture, area, reason, y);
        size_t at = (size_t)(area->top + y) * width + (size_t)area->left;
        if (!equal(row, &picture->whole[at * 3], area->width))
            fail_picture(picture, area, "pixels differ", y);
    }
}

/* Decode as much of a damaged copy as can be: nothing of it may show in what comes later. */
static void meet_damage(struct decode *decode, const struct picture *picture)
{
    char reason[IMAGE_REASON_BYTES];
    uint32_t height, width;
    const struct jpeg *file = &picture->file;
    uint8_t *bytes = malloc(file->len);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, file->bytes, file->len);
    bytes[random_below((uint32_t)file->len)] ^= (uint8_t)(1 + random_below(255));
    enum stk_status status = decode_begin(decode, bytes, file->len, &height, &width, reason);
    struct box area = {0, 0, (int32_t)height, (int32_t)width};
    if (status == STK_OK)
        status = decode_start(decode, &area, reason);
    const uint8_t *row;
    for (int32_t y = 0; y < area.height && status == STK_OK; y++)
        status = decode_next(decode, &row, reason);
    decode_end(decode);
    free(bytes);
}

/* Most areas to their end; some are left in the middle, with an end or without. */
static void check_picture(struct decode *decode, const struct picture *picture)
{
    if (random_below(16) == 0)
        meet_damage(decode, picture);
    for (int i = 0; i < CROPS; i++) {
        struct box area = random_area(&picture->file);
        bool left = random_below(8) == 0;
        check_area(decode, picture, &area,
                   left ? (int32_t)random_below((uint32_t)area.height) : area.height);
        if (random_below(8) > 0)
            decode_end(decode);
    }
}

START_TEST(every_area_equals_that_of_the_whole_decode)
{
    unsigned long seed = from_environment("STOKER_SEED", 1);
    unsigned long cases = from_environment("STOKER_CASES", 20000);
    unsigned long alone = from_environment("STOKER_PICTURE", 0);
    unsigned long first = alone > 0 ? alone : 1;
    unsigned long last = alone > 0 ? alone : (cases + CROPS - 1) / CROPS;
    printf("crops: seed %lu, pictures %lu to %lu, %d areas of each\n", seed, first, last, CROPS);
    fflush(stdout);
    struct decode *decode;
    ck_assert_int_eq(decode_open(&generous, &decode), STK_OK);
    for (unsigned long i = first; i <= last; i++) {
        struct picture picture = make_picture(seed, i);
        check_picture(decode, &picture);
        forget_picture(&picture);
    }
    decode_close(&decode);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("crops");
    /* A longer run takes as long as it takes. */
    tcase_set_timeout(tests, getenv("STOKER_CASES") != NULL ? 0 : 600);
    tcase_add_test(tests, every_area_equals_that_of_the_whole_decode);
    return suite_run("crops", tests);
}
