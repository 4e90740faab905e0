/*
 * libFuzzer target: a stranger's file, and a map of it that a stranger changed.
 *
 * The file's last bytes choose the view, the field of the map that is changed, and which bytes of
 * the file there are.  A file that has a map gives the same pixels by it; a changed map, or other
 * bytes, give some pixels or are stale.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/image.h"

enum { SERVED_SIDE_MAX = 32, CHOICE_BYTES = 16, ENTRY_BYTES_MAX = 1 << 12 };

static const struct image_limits limits = {
    .pixels_max = 1 << 18, .decoder_bytes_max = 16 << 20, .scan_pixels_max = 1 << 20};

struct choice {
    const uint8_t *bytes; /* CHOICE_BYTES of them */
    struct image_format format;
    struct view view;
};

static int32_t below(uint8_t byte, uint32_t limit)
{
    return (int32_t)(byte * limit / 256);
}

static struct choice choose(const uint8_t *bytes, const struct jpeg_map *map)
{
    struct choice choice = {.bytes = bytes};
    struct box *box = &choice.view.box;
    uint32_t side = 1 + bytes[0] % SERVED_SIDE_MAX;
    image_format_init(&choice.format, side, SERVED_SIDE_MAX, STK_U8, STK_NHWC, NULL, NULL);
    choice.format.interpolation = (enum interpolation)(bytes[1] % 5);
    box->top = below(bytes[2], map->height);
    box->left = below(bytes[3], map->width);
    box->height = 1 + below(bytes[4], map->height - (uint32_t)box->top);
    box->width = 1 + below(bytes[5], map->width - (uint32_t)box->left);
    choice.view.resized_height = side;
    choice.view.resized_width = SERVED_SIDE_MAX;
    return choice;
}

/* Another number in one field; false where the map stays as it is.  The entry points are as many
 * as the map says, because whoever reads an index sees to that. */
static bool change(struct jpeg_map *map, const uint8_t *bytes)
{
    uint32_t number;
    memcpy(&number, &bytes[8], sizeof number);
    uint32_t rows = (map->height + 8 * map->v - 1) / (8 * map->v);
    struct jpeg_entry *entry = &map->entries.entry[number % (rows * map->entries.columns)];
    uint8_t *tables = (uint8_t *)&map->tables;
    switch (bytes[6] % 8) {
    case 1:
        entry->bit ^= number;
        return true;
    case 2:
        entry->dc[number % 3] = (int16_t)(number >> 16);
        return true;
    case 3:
        map->scan_offset ^= number;
        return true;
    case 4:
        map->scan_len = number;
        return true;
    case 5:
        map->restart_interval = number % 64;
        return true;
    case 6:
        map->h = number % 3;
        return true;
    case 7:
        tables[number % sizeof map->tables] ^= bytes[12];
        return true;
    default:
        return false;
    }
}

static enum stk_status enter(struct image_decoder *decoder, const struct jpeg_map *map,
                             const struct choice *choice, const uint8_t *file, size_t file_len,
                             bool whole, void *slot)
{
    char reason[IMAGE_REASON_BYTES];
    uint64_t from, len;
    if (!image_map_range(map, &choice->view, &choice->format, &from, &len))
        return STK_STALE;
    if (!whole) {
        from += (uint64_t)(choice->bytes[13] % 16) - 8;
        len += (uint64_t)(choice->bytes[14] % 16) - 8;
    }
    if (from > file_len || len > file_len - from)
        return STK_STALE;
    uint8_t *bytes = malloc(len + 1);
    CHECK(bytes != NULL);
    memcpy(bytes + 1, &file[from], len);
    enum stk_status status = image_decoder_enter(decoder, map, bytes + 1, from, len);
    if (status == STK_OK)
        status = image_decoder_finish(decoder, &choice->view, false, &choice->format, slot, reason);
    free(bytes);
    return status;
}

/* The view of the whole file, while its map is collected. */
static void decode(struct image_decoder *decoder, const struct choice *choice, const uint8_t *file,
                   size_t len, void *slot)
{
    char reason[IMAGE_REASON_BYTES];
    uint32_t height, width;
    image_decoder_collect(decoder, ENTRY_BYTES_MAX);
    CHECK(image_decoder_begin(decoder, file, len, &height, &width, reason) == STK_OK);
    CHECK(image_decoder_finish(decoder, &choice->view, false, &choice->format, slot, reason) ==
          STK_OK);
}

static void compare(const struct jpeg_map *map, const struct jpeg_map *collected)
{
    CHECK(collected != NULL && collected->entries.columns == map->entries.columns &&
          collected->scan_len == map->scan_len && collected->scan_offset == map->scan_offset &&
          collected->orientation == map->orientation &&
          memcmp(&collected->tables, &map->tables, sizeof map->tables) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct image_decoder *mapper, *decoder;
    static uint8_t slots[2][SERVED_SIDE_MAX * SERVED_SIDE_MAX * 3];
    char reason[IMAGE_REASON_BYTES];
    struct jpeg_map map;
    if (mapper == NULL)
        CHECK(image_decoder_open(&limits, &mapper) == STK_OK &&
              image_decoder_open(&limits, &decoder) == STK_OK);
    if (len < CHOICE_BYTES ||
        image_map(mapper, bytes, len, ENTRY_BYTES_MAX, &map, reason) != STK_OK ||
        map.entries.columns == 0)
        return 0;
    struct choice choice = choose(&bytes[len - CHOICE_BYTES], &map);
    decode(decoder, &choice, bytes, len, slots[0]);
    compare(&map, image_decoder_collected(decoder));
    bool whole = choice.bytes[7] % 2 == 0;
    bool changed = change(&map, choice.bytes);
    enum stk_status status = enter(decoder, &map, &choice, bytes, len, whole, slots[1]);
    CHECK(status == STK_OK || status == STK_STALE);
    CHECK(changed || !whole || status == STK_OK);
    if (!changed && status == STK_OK)
        CHECK(memcmp(slots[0], slots[1], image_format_bytes(&choice.format)) == 0);
    return 0;
}
