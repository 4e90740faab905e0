/*
 * Formats: the table of numbers, the line through it, and the plain writer.
 */
#include "daemon/image/format.h"

#include <math.h>
#include <string.h>

#include "daemon/base/check.h"
#include "proto/half.h"

enum { CHANNELS = 3, LEVELS = 256, LANES = 24 /* of a line */ };

static void set_values(struct image_format *format, int c, double mean, double std)
{
    for (int v = 0; v < LEVELS; v++) {
        double value = (v / 255.0 - mean) / std;
        if (format->dtype == STK_F32)
            format->value.f32[c][v] = (float)value;
        else if (format->dtype == STK_F16)
            format->value.half[c][v] = stk_f16_encode(value);
        else
            format->value.half[c][v] = stk_bf16_encode(value);
    }
}

/* Cut into whole steps, of which no sum has more than 2^24, slope and offset lose nothing in float;
 * what was cut off is so small that its own rounding hardly ever shows. */
static void set_line(struct image_line *line, int c, double mean, double std)
{
    double slope = 1 / (255 * std);
    double offset = -mean / std;
    int exponent;
    frexp(fmax(255 * slope, fabs(offset)), &exponent);
    double step = ldexp(1, exponent - 24);
    double whole_slope = rint(slope / step) * step;
    double whole_offset = rint(offset / step) * step;
    for (int i = c; i < LANES; i += CHANNELS) {
        line->slope[i] = (float)whole_slope;
        line->offset[i] = (float)whole_offset;
        line->slope_rest[i] = (float)(slope - whole_slope);
        line->offset_rest[i] = (float)(offset - whole_offset);
    }
}

/* Whether a writer gives the table's numbers, for every level of every channel. */
static bool is_exact(const struct writer *writer, const struct image_format *format)
{
    uint8_t levels[LEVELS * CHANNELS];
    for (size_t i = 0; i < sizeof levels; i++)
        levels[i] = (uint8_t)(i / CHANNELS);
    struct image_format ramp = *format;
    ramp.height = 1;
    ramp.width = LEVELS;
    float expected[LEVELS * CHANNELS], written[LEVELS * CHANNELS]; /* of the largest dtype */
    writer_plain.row(&ramp, levels, 0, expected);
    writer->row(&ramp, levels, 0, written);
    return memcmp(written, expected, image_format_bytes(&ramp)) == 0;
}

void image_format_init(struct image_format *format, uint32_t height, uint32_t width,
                       enum stk_dtype dtype, enum stk_layout layout, const double mean[3],
                       const double std[3])
{
    CHECK(dtype == STK_U8 || dtype == STK_F32 || dtype == STK_F16 || dtype == STK_BF16);
    *format = (struct image_format){
        .height = height,
        .width = width,
        .dtype = dtype,
        .layout = layout,
        .writer = &writer_plain,
    };
    for (int c = 0; c < CHANNELS && dtype != STK_U8; c++) {
        set_values(format, c, mean[c], std[c]);
        set_line(&format->line, c, mean[c], std[c]);
    }
    if (writer_avx2() != NULL && is_exact(writer_avx2(), format))
        format->writer = writer_avx2();
}

size_t image_format_bytes(const struct image_format *format)
{
    return (size_t)format->height * format->width * CHANNELS * stk_dtype_bytes(format->dtype);
}

uint8_t *format_row_in_place(const struct image_format *format, void *slot, uint32_t row)
{
    if (format->dtype != STK_U8 || format->layout != STK_NHWC)
        return NULL;
    return (uint8_t *)slot + (size_t)row * format->width * CHANNELS;
}

void format_write_row(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                      void *slot)
{
    format->writer->row(format, pixels, row, slot);
}

struct format_steps format_steps_of(const struct image_format *format, uint32_t row)
{
    size_t width = format->width;
    if (format->layout == STK_NHWC)
        return (struct format_steps){row * width * CHANNELS, CHANNELS, 1};
    return (struct format_steps){row * width, 1, width * format->height};
}

static void write_u8(const uint8_t *pixels, size_t count, struct format_steps steps, uint8_t *out)
{
    for (size_t x = 0; x < count; x++) {
        for (size_t c = 0; c < CHANNELS; c++)
            out[x * steps.pixel + c * steps.channel] = pixels[x * CHANNELS + c];
    }
}

static void write_f32(const struct image_format *format, const uint8_t *pixels, size_t count,
                      struct format_steps steps, float *out)
{
    for (size_t x = 0; x < count; x++) {
        for (size_t c = 0; c < CHANNELS; c++)
            out[x * steps.pixel + c * steps.channel] =
                format->value.f32[c][pixels[x * CHANNELS + c]];
    }
}

static void write_half(const struct image_format *format, const uint8_t *pixels, size_t count,
                       struct format_steps steps, uint16_t *out)
{
    for (size_t x = 0; x < count; x++) {
        for (size_t c = 0; c < CHANNELS; c++)
            out[x * steps.pixel + c * steps.channel] =
                format->value.half[c][pixels[x * CHANNELS + c]];
    }
}

void format_write_part(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                       uint32_t first, uint32_t count, void *slot)
{
    struct format_steps steps = format_steps_of(format, row);
    size_t place = steps.first + first * steps.pixel;
    if (format->dtype == STK_U8)
        write_u8(pixels, count, steps, (uint8_t *)slot + place);
    else if (format->dtype == STK_F32)
        write_f32(format, pixels, count, steps, (float *)slot + place);
    else
        write_half(format, pixels, count, steps, (uint16_t *)slot + place);
}

void format_write_rest(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                       uint32_t first, void *slot)
{
    format_write_part(format, pixels + (size_t)first * CHANNELS, row, first, format->width - first,
                      slot);
}

static void write_plain(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                        void *slot)
{
    format_write_rest(format, pixels, row, 0, slot);
}

const struct writer writer_plain = {.name = "plain", .row = write_plain};
