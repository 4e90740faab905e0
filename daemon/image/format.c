/*
 * Formats: uint8 and f32, pixels together (nhwc) or channels apart (nchw).
 */
#include "daemon/image/format.h"

#include <stdlib.h>

enum { CHANNELS = 3 };

void image_format_init(struct image_format *format, uint32_t height, uint32_t width,
                       enum stk_dtype dtype, enum stk_layout layout, const double mean[3],
                       const double std[3])
{
    *format = (struct image_format){
        .height = height,
        .width = width,
        .dtype = dtype,
        .layout = layout,
    };
    if (dtype != STK_F32)
        return;
    for (int c = 0; c < CHANNELS; c++) {
        for (int v = 0; v < 256; v++)
            format->value[c][v] = (float)((v / 255.0 - mean[c]) / std[c]);
    }
}

size_t image_format_bytes(const struct image_format *format)
{
    size_t element_bytes = format->dtype == STK_F32 ? sizeof(float) : sizeof(uint8_t);
    return (size_t)format->height * format->width * CHANNELS * element_bytes;
}

uint8_t *format_row_in_place(const struct image_format *format, void *slot, uint32_t row)
{
    if (format->dtype != STK_U8 || format->layout != STK_NHWC)
        return NULL;
    return (uint8_t *)slot + (size_t)row * format->width * CHANNELS;
}

/* Elements between two pixels of a row and between two channels of a pixel, and a row's first. */
struct steps {
    size_t first;
    size_t pixel;
    size_t channel;
};

static struct steps steps_of(const struct image_format *format, uint32_t row)
{
    size_t width = format->width;
    if (format->layout == STK_NHWC)
        return (struct steps){row * width * CHANNELS, CHANNELS, 1};
    return (struct steps){row * width, 1, width * format->height};
}

static void write_u8(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                     uint8_t *slot)
{
    struct steps steps = steps_of(format, row);
    for (size_t c = 0; c < CHANNELS; c++) {
        uint8_t *out = &slot[steps.first + c * steps.channel];
        for (size_t x = 0; x < format->width; x++)
            out[x * steps.pixel] = pixels[x * CHANNELS + c];
    }
}

static void write_f32(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                      float *slot)
{
    struct steps steps = steps_of(format, row);
    for (size_t c = 0; c < CHANNELS; c++) {
        const float *value = format->value[c];
        float *out = &slot[steps.first + c * steps.channel];
        for (size_t x = 0; x < format->width; x++)
            out[x * steps.pixel] = value[pixels[x * CHANNELS + c]];
    }
}

void format_write_row(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                      void *slot)
{
    if (format->dtype == STK_F32)
        write_f32(format, pixels, row, slot);
    else
        write_u8(format, pixels, row, slot);
}
