/*
 * Images: what joins decode, resize and format to the decoder of image.h.
 */
#include "daemon/image/image.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/decode.h"
#include "daemon/image/format.h"
#include "daemon/image/grow.h"
#include "daemon/image/resize.h"

enum { SOURCE_SIDE_MAX = 65535 }; /* what two bytes of a JPEG's header can say */

struct image_decoder {
    struct decode *decode;
    struct resize resize;
    uint32_t height; /* of the picture begun last; 0: none */
    uint32_t width;
    uint8_t *line; /* one row of the window, where the format cannot take it in place */
    size_t line_bytes_max;
};

enum stk_status image_decoder_open(const struct image_limits *limits,
                                   struct image_decoder **decoder)
{
    *decoder = calloc(1, sizeof **decoder);
    if (*decoder == NULL)
        return STK_MEMORY;
    (*decoder)->resize.kernel = kernel_fastest();
    enum stk_status status = decode_open(limits, &(*decoder)->decode);
    if (status != STK_OK)
        image_decoder_close(decoder);
    return status;
}

void image_decoder_close(struct image_decoder **decoder)
{
    if (*decoder == NULL)
        return;
    decode_close(&(*decoder)->decode);
    resize_release(&(*decoder)->resize);
    free((*decoder)->line);
    free(*decoder);
    *decoder = NULL;
}

enum stk_status image_decoder_begin(struct image_decoder *decoder, const uint8_t *jpeg, size_t len,
                                    uint32_t *height, uint32_t *width, char *reason)
{
    enum stk_status status = decode_begin(decoder->decode, jpeg, len, height, width, reason);
    decoder->height = *height;
    decoder->width = *width;
    return status;
}

enum stk_status image_decoder_enter(struct image_decoder *decoder, const struct jpeg_map *map,
                                    const uint8_t *bytes, uint64_t from, size_t len)
{
    enum stk_status status = decode_enter(decoder->decode, map, bytes, from, len);
    decoder->height = status == STK_OK ? map->height : 0;
    decoder->width = status == STK_OK ? map->width : 0;
    return status;
}

void image_decoder_collect(struct image_decoder *decoder, size_t entry_bytes_max)
{
    decode_collect(decoder->decode, entry_bytes_max);
}

const struct jpeg_map *image_decoder_collected(const struct image_decoder *decoder)
{
    return decode_collected(decoder->decode);
}

enum stk_status image_map(struct image_decoder *decoder, const uint8_t *jpeg, size_t len,
                          size_t entry_bytes_max, struct jpeg_map *map, char *reason)
{
    decoder->height = 0;
    decoder->width = 0;
    return decode_map(decoder->decode, jpeg, len, entry_bytes_max, map, reason);
}

static bool inside(uint32_t first, uint32_t count, uint32_t whole)
{
    return count > 0 && first < whole && count <= whole - first;
}

/* The part of a window's side that lies inside the resized box. */
struct span {
    uint32_t first; /* counted from the window's edge */
    uint32_t count; /* 0: the window lies beside the box */
};

static struct span span_of(int32_t start, uint32_t window, uint32_t resized)
{
    int64_t first = start < 0 ? -(int64_t)start : 0;
    int64_t end = (int64_t)resized - start;
    if (end > window)
        end = window;
    return first < end ? (struct span){(uint32_t)first, (uint32_t)(end - first)} : (struct span){0};
}

/* Whether image_decoder_finish may be asked for a view of a picture of these sides. */
static bool view_fits(uint32_t height, uint32_t width, const struct view *view,
                      const struct image_format *format)
{
    const struct box *box = &view->box;
    return box->top >= 0 && box->left >= 0 && box->height > 0 && box->width > 0 &&
           inside((uint32_t)box->top, (uint32_t)box->height, height) &&
           inside((uint32_t)box->left, (uint32_t)box->width, width) &&
           span_of(view->top, format->height, view->resized_height).count > 0 &&
           span_of(view->left, format->width, view->resized_width).count > 0;
}

/* What the rows of a slot are made of: resized pixels in the middle, the fill colour around. */
struct picture {
    const struct image_format *format;
    const uint8_t *fill;
    struct span rows;
    struct span columns; /* mirrored where the picture is */
    void *slot;
};

/* One row of the fill colour into the decoder's line. */
static void paint_line(struct image_decoder *decoder, const struct picture *picture)
{
    for (uint32_t x = 0; x < picture->format->width; x++)
        memcpy(&decoder->line[(size_t)x * 3], picture->fill, 3);
}

/* Rows first .. end - 1, of the fill colour alone. */
static void write_fill(struct image_decoder *decoder, const struct picture *picture, uint32_t first,
                       uint32_t end)
{
    if (first < end)
        paint_line(decoder, picture);
    for (uint32_t y = first; y < end; y++)
        format_write_row(picture->format, decoder->line, y, picture->slot);
}

/* One row with resized pixels: straight into the slot where the format allows it.  What is beside
 * them comes from the line, or stands there already. */
static void write_row(struct image_decoder *decoder, const struct picture *picture, uint32_t row)
{
    size_t left = (size_t)picture->columns.first * 3;
    size_t right = left + (size_t)picture->columns.count * 3;
    size_t end = (size_t)picture->format->width * 3;
    uint8_t *place = format_row_in_place(picture->format, picture->slot, row);
    uint8_t *pixels = place != NULL ? place : decoder->line;
    resize_take(&decoder->resize, row - picture->rows.first, &pixels[left]);
    if (place == NULL) {
        format_write_row(picture->format, pixels, row, picture->slot);
    } else if (end > right - left) {
        memcpy(place, decoder->line, left);
        memcpy(&place[right], &decoder->line[right], end - right);
    }
}

/* Pull as many source rows as each row of the window needs. */
static enum stk_status write_rows(struct image_decoder *decoder, const struct picture *picture,
                                  char *reason)
{
    uint32_t end = picture->rows.first + picture->rows.count;
    write_fill(decoder, picture, 0, picture->rows.first);
    if (picture->columns.count < picture->format->width)
        paint_line(decoder, picture);
    for (uint32_t y = picture->rows.first; y < end; y++) {
        while (resize_wants(&decoder->resize, y - picture->rows.first)) {
            const uint8_t *source;
            enum stk_status status = decode_next(decoder->decode, &source, reason);
            if (status != STK_OK)
                return status;
            resize_push(&decoder->resize, source);
        }
        write_row(decoder, picture, y);
    }
    write_fill(decoder, picture, end, picture->format->height);
    return STK_OK;
}

/* The view of what is resized, without what is around it. */
static struct view inner_view(const struct view *view)
{
    struct view inner = *view;
    inner.top = view->top > 0 ? view->top : 0;
    inner.left = view->left > 0 ? view->left : 0;
    return inner;
}

static enum stk_status finish(struct image_decoder *decoder, const struct view *view, bool flip,
                              const struct image_format *format, void *slot, char *reason)
{
    struct picture picture = {.format = format, .fill = view->fill, .slot = slot};
    picture.rows = span_of(view->top, format->height, view->resized_height);
    picture.columns = span_of(view->left, format->width, view->resized_width);
    if (flip)
        picture.columns.first = format->width - picture.columns.first - picture.columns.count;
    struct view inner = inner_view(view);
    struct box needed;
    size_t line_bytes = (size_t)format->width * 3;
    decoder->line = grow(decoder->line, &decoder->line_bytes_max, line_bytes, 1);
    if (decoder->line == NULL ||
        resize_set(&decoder->resize, &inner, format->interpolation, picture.rows.count,
                   picture.columns.count, flip, &needed) != STK_OK) {
        strcpy(reason, "no memory to resize");
        return STK_MEMORY;
    }
    enum stk_status status = decode_start(decoder->decode, &needed, reason);
    if (status != STK_OK)
        return status;
    status = write_rows(decoder, &picture, reason);
    if (status == STK_OK)
        decode_finish(decoder->decode);
    return status;
}

enum stk_status image_decoder_finish(struct image_decoder *decoder, const struct view *view,
                                     bool flip, const struct image_format *format, void *slot,
                                     char *reason)
{
    CHECK(view_fits(decoder->height, decoder->width, view, format));
    enum stk_status status = finish(decoder, view, flip, format, slot, reason);
    decode_end(decoder->decode);
    decoder->height = 0;
    decoder->width = 0;
    return status;
}

bool image_map_range(const struct jpeg_map *map, const struct view *view,
                     const struct image_format *format, uint64_t *from, uint64_t *len)
{
    *from = 0;
    *len = 0;
    if (!view_fits(map->height, map->width, view, format))
        return false;
    struct view inner = inner_view(view);
    struct box needed =
        resize_extent(&inner, format->interpolation,
                      span_of(view->top, format->height, view->resized_height).count,
                      span_of(view->left, format->width, view->resized_width).count);
    return jpeg_map_range(map, &needed, from, len);
}

const char *image_decoder_name(void)
{
    return decode_name();
}

size_t image_decoder_bytes_max(const struct image_limits *limits, uint32_t height, uint32_t width,
                               enum interpolation interpolation)
{
    uint32_t side_max = SOURCE_SIDE_MAX;
    if (limits->pixels_max < side_max)
        side_max = (uint32_t)limits->pixels_max;
    return sizeof(struct image_decoder) + (size_t)width * 3 + decode_bytes_max(limits, side_max) +
           resize_bytes_max(kernel_fastest(), interpolation, side_max, height, width);
}
