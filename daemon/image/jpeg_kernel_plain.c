/*
 * The plain JPEG kernel.
 *
 * What no encoder writes and damage may bring, values that 16 bits cannot hold, comes out as it
 * does from libjpeg-turbo's vector code: sums of two coefficients and products with a quantiser
 * wrap, a pass's results are held to 16 bits.
 */
#include "daemon/image/jpeg_kernel.h"

#include "daemon/image/jpeg_idct.h"

enum { SIDE = 8, MIDDLE = 128, COLOUR_BITS = 16, COLOUR_HALF = 1 << (COLOUR_BITS - 1) };

static inline int32_t wrapped(int32_t value)
{
    return (int16_t)(uint16_t)value;
}

static inline int32_t held(int32_t value, int32_t least, int32_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Eight values to eight, step apart, and then rounded and shifted. */
static void transform(const int16_t *in, size_t in_step, int shift, int16_t *out, size_t out_step)
{
    int32_t x[SIDE];
    for (size_t i = 0; i < SIDE; i++)
        x[i] = in[i * in_step];
    int32_t half = 1 << (shift - 1);
    int32_t sum = wrapped(x[0] + x[4]) * (1 << JPEG_IDCT_BITS) + half;
    int32_t difference = wrapped(x[0] - x[4]) * (1 << JPEG_IDCT_BITS) + half;
    int32_t near = x[2] * JPEG_IDCT_EVEN_2 + x[6] * JPEG_IDCT_EVEN;
    int32_t far = x[2] * JPEG_IDCT_EVEN + x[6] * JPEG_IDCT_EVEN_6;
    int32_t even[4] = {sum + near, difference + far, difference - far, sum - near};
    int32_t a = wrapped(x[7] + x[3]);
    int32_t b = wrapped(x[5] + x[1]);
    int32_t shared_73 = a * JPEG_IDCT_SUM_73 + b * JPEG_IDCT_SUM;
    int32_t shared_51 = a * JPEG_IDCT_SUM + b * JPEG_IDCT_SUM_51;
    int32_t odd[4] = {
        x[7] * JPEG_IDCT_71 + x[1] * JPEG_IDCT_71_1 + shared_51,
        x[5] * JPEG_IDCT_53 + x[3] * JPEG_IDCT_53_3 + shared_73,
        x[5] * JPEG_IDCT_53_5 + x[3] * JPEG_IDCT_53 + shared_51,
        x[7] * JPEG_IDCT_71_7 + x[1] * JPEG_IDCT_71 + shared_73,
    };
    for (size_t i = 0; i < SIDE / 2; i++) {
        out[i * out_step] = (int16_t)held((even[i] + odd[i]) >> shift, INT16_MIN, INT16_MAX);
        out[(SIDE - 1 - i) * out_step] =
            (int16_t)held((even[i] - odd[i]) >> shift, INT16_MIN, INT16_MAX);
    }
}

/* A block whose rows but the first are 0 has equal rows between the passes, which wrap. */
static void repeat_first_row(const int16_t *values, int16_t *between)
{
    for (size_t i = 0; i < SIDE * SIDE; i++)
        between[i] = (int16_t)wrapped(values[i % SIDE] * (1 << JPEG_IDCT_PASS_BITS));
}

static bool is_first_row_alone(const int16_t *values)
{
    int any = 0;
    for (size_t i = SIDE; i < SIDE * SIDE; i++)
        any |= values[i];
    return any == 0;
}

static void idct_block(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride)
{
    int16_t values[SIDE * SIDE];
    int16_t between[SIDE * SIDE];
    for (size_t i = 0; i < SIDE * SIDE; i++)
        values[i] = (int16_t)wrapped(block[i] * quant[i]);
    if (is_first_row_alone(block)) {
        repeat_first_row(values, between);
    } else {
        for (size_t x = 0; x < SIDE; x++)
            transform(&values[x], SIDE, JPEG_IDCT_FIRST_SHIFT, &between[x], SIDE);
    }
    for (size_t y = 0; y < SIDE; y++) {
        int16_t row[SIDE];
        transform(&between[y * SIDE], 1, JPEG_IDCT_SECOND_SHIFT, row, 1);
        for (size_t x = 0; x < SIDE; x++)
            out[y * stride + x] = (uint8_t)(held(row[x], -MIDDLE, MIDDLE - 1) + MIDDLE);
    }
}

static void idct(const int16_t *blocks, const uint8_t *last, const uint16_t *quant, uint32_t count,
                 uint8_t *out, size_t stride)
{
    (void)last;
    for (size_t i = 0; i < count; i++)
        idct_block(&blocks[i * SIDE * SIDE], quant, &out[i * SIDE], stride);
}

static void widen(const uint8_t *in, uint32_t count, uint8_t *out)
{
    for (size_t x = 0; x < count; x++) {
        out[2 * x] = (uint8_t)((3 * in[x] + *(&in[x] - 1) + 1) >> 2);
        out[2 * x + 1] = (uint8_t)((3 * in[x] + in[x + 1] + 2) >> 2);
    }
}

static void widen_between(const uint8_t *near, const uint8_t *far, uint32_t count, uint8_t *out)
{
    int before = 3 * *(near - 1) + *(far - 1);
    int here = 3 * near[0] + far[0];
    for (size_t x = 0; x < count; x++) {
        int behind = 3 * near[x + 1] + far[x + 1];
        out[2 * x] = (uint8_t)((3 * here + before + 8) >> 4);
        out[2 * x + 1] = (uint8_t)((3 * here + behind + 7) >> 4);
        before = here;
        here = behind;
    }
}

static void between(const uint8_t *near, const uint8_t *far, uint32_t count, bool above,
                    uint8_t *out)
{
    int round = above ? 1 : 2;
    for (size_t x = 0; x < count; x++)
        out[x] = (uint8_t)((3 * near[x] + far[x] + round) >> 2);
}

/* JFIF's equations, with constants of 16 bits behind the point. */
static void colour(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint32_t count,
                   uint8_t *rgbx)
{
    for (size_t x = 0; x < count; x++) {
        int32_t blue = cb[x] - MIDDLE;
        int32_t red = cr[x] - MIDDLE;
        int32_t to_red = (91881 * red + COLOUR_HALF) >> COLOUR_BITS;
        int32_t to_green = (-22554 * blue - 46802 * red + COLOUR_HALF) >> COLOUR_BITS;
        int32_t to_blue = (116130 * blue + COLOUR_HALF) >> COLOUR_BITS;
        rgbx[4 * x] = (uint8_t)held(y[x] + to_red, 0, UINT8_MAX);
        rgbx[4 * x + 1] = (uint8_t)held(y[x] + to_green, 0, UINT8_MAX);
        rgbx[4 * x + 2] = (uint8_t)held(y[x] + to_blue, 0, UINT8_MAX);
        rgbx[4 * x + 3] = UINT8_MAX;
    }
}

static void gray(const uint8_t *y, uint32_t count, uint8_t *rgbx)
{
    for (size_t x = 0; x < count; x++) {
        for (size_t c = 0; c < 3; c++)
            rgbx[4 * x + c] = y[x];
        rgbx[4 * x + 3] = UINT8_MAX;
    }
}

const struct jpeg_kernel jpeg_kernel_plain = {
    .name = "plain",
    .idct = idct,
    .widen = widen,
    .widen_between = widen_between,
    .between = between,
    .colour = colour,
    .gray = gray,
};
