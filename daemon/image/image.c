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

static bool inside(uint32_t first, uint32_t count, uint32_t whole)
{
    return count > 0 && first < whole && count <= whole - first;
}

static bool view_fits(const struct image_decoder *decoder, const struct view *view,
                      const struct image_format *format)
{
    const struct box *box = &view->box;
    return box->top >= 0 && box->left >= 0 && box->height > 0 && box->width > 0 &&
           inside((uint32_t)box->top, (uint32_t)box->height, decoder->height) &&
           inside((uint32_t)box->left, (uint32_t)box->width, decoder->width) &&
           inside(view->top, format->height, view->resized_height) &&
           inside(view->left, format->width, view->resized_width);
}

/* Pull as many source rows as each row of the window needs. */
static enum stk_status write_rows(struct image_decoder *decoder, const struct image_format *format,
                                  void *slot, char *reason)
{
    for (uint32_t y = 0; y < format->height; y++) {
        while (resize_wants(&decoder->resize, y)) {
            const uint8_t *source;
            enum stk_status status = decode_next(decoder->decode, &source, reason);
            if (status != STK_OK)
                return status;
            resize_push(&decoder->resize, source);
        }
        uint8_t *place = format_row_in_place(format, slot, y);
        resize_take(&decoder->resize, y, place != NULL ? place : decoder->line);
        if (place == NULL)
            format_write_row(format, decoder->line, y, slot);
    }
    return STK_OK;
}

static enum stk_status finish(struct image_decoder *decoder, const struct view *view, bool flip,
                              const struct image_format *format, void *slot, char *reason)
{
    struct box needed;
    size_t line_bytes = (size_t)format->width * 3;
    decoder->line = grow(decoder->line, &decoder->line_bytes_max, line_bytes, 1);
    if (decoder->line == NULL ||
        resize_set(&decoder->resize, view, format->interpolation, format->height, format->width,
                   flip, &needed) != STK_OK) {
        strcpy(reason, "no memory to resize");
        return STK_MEMORY;
    }
    enum stk_status status = decode_start(decoder->decode, &needed, reason);
    if (status != STK_OK)
        return status;
    return write_rows(decoder, format, slot, reason);
}

enum stk_status image_decoder_finish(struct image_decoder *decoder, const struct view *view,
                                     bool flip, const struct image_format *format, void *slot,
                                     char *reason)
{
    CHECK(view_fits(decoder, view, format));
    enum stk_status status = finish(decoder, view, flip, format, slot, reason);
    decode_end(decoder->decode);
    decoder->height = 0;
    decoder->width = 0;
    return status;
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
