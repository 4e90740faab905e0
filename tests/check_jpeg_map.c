/*
 * Maps of JPEGs: what is decoded from the bytes that a map names equals what the whole file gives,
 * to the byte; and a map that does not fit is found out.
 *
 * STOKER_CASES sets how many pictures, STOKER_SEED other ones.
 */
#include <check.h>

#include "daemon/image/jpeg_map.h"
#include "tests/jpegs.h"
#include "tests/suite.h"

enum { LARGEST_SIDE = 700, PICTURES = 300, VIEWS = 6 };

static unsigned long from_environment(const char *name, unsigned long usual)
{
    const char *value = getenv(name);
    return value != NULL ? strtoul(value, NULL, 10) : usual;
}

static unsigned long pictures(void)
{
    return from_environment("STOKER_CASES", PICTURES);
}

/* A file that our own decoder takes, with any restarts and any tables. */
static struct jpeg own_picture(unsigned long number, char text[KIND_TEXT_BYTES])
{
    static const struct kind own[] = {
        {"4:4:4", JCS_YCbCr, .h = 1, .v = 1},    {"4:2:2", JCS_YCbCr, .h = 2, .v = 1},
        {"4:2:0", JCS_YCbCr, .h = 2, .v = 2},    {"4:4:0", JCS_YCbCr, .h = 1, .v = 2},
        {"gray", JCS_GRAYSCALE, .h = 1, .v = 1},
    };
    random_begin(from_environment("STOKER_SEED", 1), number);
    struct kind kind = own[random_below(sizeof own / sizeof own[0])];
    kind.content = random_below(CONTENTS);
    if (random_below(3) == 0)
        kind.restart = (int)(1 + random_below(random_below(2) ? 3 : 40));
    else if (random_below(3) == 0)
        kind.restart_rows = (int)(1 + random_below(3));
    uint32_t height = random_side(LARGEST_SIDE);
    uint32_t width = random_side(LARGEST_SIDE - 4) + 4;
    kind_text(&kind, text);
    return write_jpeg(&kind, height, width, NULL, 0);
}

/* A part of a side. */
static void random_part(uint32_t side, int32_t *first, int32_t *count)
{
    *first = (int32_t)random_below(side);
    *count = (int32_t)(1 + random_below(side - (uint32_t)*first));
}

/* A crop resized, a window of the resized whole, or a window that reaches beyond it. */
static struct view random_view(const struct jpeg *file, const struct image_format *format)
{
    struct view view = view_of_all(file);
    uint32_t kind = random_below(3);
    if (kind == 0) {
        random_part(file->height, &view.box.top, &view.box.height);
        random_part(file->width, &view.box.left, &view.box.width);
        view.resized_height = format->height;
        view.resized_width = format->width;
        return view;
    }
    if (kind == 1) {
        view.resized_height = format->height + random_below(200);
        view.resized_width = format->width + random_below(200);
        view.top = (int32_t)random_below(view.resized_height - format->height + 1);
        view.left = (int32_t)random_below(view.resized_width - format->width + 1);
        return view;
    }
    view.top = (int32_t)random_below(view.resized_height + format->height - 1);
    view.left = (int32_t)random_below(view.resized_width + format->width - 1);
    view.top -= (int32_t)format->height - 1;
    view.left -= (int32_t)format->width - 1;
    view.fill[0] = 7;
    return view;
}

static struct image_format random_format(void)
{
    struct image_format format = format_u8(1 + random_below(64), 1 + random_below(64));
    format.interpolation = (enum interpolation)random_below(5);
    return format;
}

struct slots {
    uint8_t whole[64 * 64 * 3];
    uint8_t entered[64 * 64 * 3];
};

/* The bytes that a map names, alone in memory, so that a sanitizer sees whoever reads others. */
static enum stk_status decode_entered(struct image_decoder *decoder, const struct jpeg_map *map,
                                      const struct jpeg *file, const struct view *view, bool flip,
                                      const struct image_format *format, void *slot)
{
    char reason[IMAGE_REASON_BYTES];
    uint64_t from, len;
    if (!image_map_range(map, view, format, &from, &len) || from > file->len ||
        len > file->len - from)
        return STK_STALE;
    uint8_t *bytes = malloc(len);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, &file->bytes[from], len);
    enum stk_status status = image_decoder_enter(decoder, map, bytes, from, len);
    if (status == STK_OK)
        status = image_decoder_finish(decoder, view, flip, format, slot, reason);
    free(bytes);
    return status;
}

START_TEST(views_of_their_own_bytes_are_those_of_the_file)
{
    static struct slots slots;
    char text[KIND_TEXT_BYTES], reason[IMAGE_REASON_BYTES];
    struct image_decoder *decoder = open_decoder(&generous);
    struct image_decoder *mapper = open_decoder(&generous);
    for (unsigned long number = 1; number <= pictures(); number++) {
        struct jpeg file = own_picture(number, text);
        struct jpeg_map map;
        size_t entry_bytes_max = 1 + random_below(JPEG_MAP_ENTRY_BYTES_MAX);
        ck_assert_int_eq(image_map(mapper, file.bytes, file.len, entry_bytes_max, &map, reason),
                         STK_OK);
        for (int i = 0; i < VIEWS && map.entries.columns > 0; i++) {
            struct image_format format = random_format();
            struct view view = random_view(&file, &format);
            bool flip = random_below(2) == 0;
            ck_assert_int_eq(decode(decoder, &file, &view, flip, &format, slots.whole, reason),
                             STK_OK);
            ck_assert_msg(
                decode_entered(decoder, &map, &file, &view, flip, &format, slots.entered) == STK_OK,
                "picture %lu, %s", number, text);
            ck_assert_msg(memcmp(slots.whole, slots.entered, image_format_bytes(&format)) == 0,
                          "picture %lu, %s", number, text);
        }
        free(file.bytes);
    }
    image_decoder_close(&mapper);
    image_decoder_close(&decoder);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("jpeg_map");
    tcase_set_timeout(tests, getenv("STOKER_CASES") != NULL ? 0 : 600);
    tcase_add_test(tests, views_of_their_own_bytes_are_those_of_the_file);
    return suite_run("jpeg_map", tests);
}
