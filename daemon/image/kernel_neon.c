/*
 * The NEON kernel, for 64-bit ARM: the plain one's sums, four at a time, with 32-bit products.
 */
#include "daemon/image/kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

enum {
    ROUND = 1 << (AXIS_PRECISION_BITS - 1),
    QUAD = 4,   /* pixels of one load */
    BLOCK = 16, /* bytes of a row at a time */
};

static inline int32x4_t add_pixel(int32x4_t sum, uint16x4_t pixel, int32_t weight)
{
    return vmlaq_n_s32(sum, vreinterpretq_s32_u32(vmovl_u16(pixel)), weight);
}

static inline int32x4_t add_quad(int32x4_t sum, const uint8_t *pixels, const int32_t *weight)
{
    uint8x16_t quad = vld1q_u8(pixels);
    uint16x8_t begin = vmovl_u8(vget_low_u8(quad));
    uint16x8_t end = vmovl_u8(vget_high_u8(quad));
    sum = add_pixel(sum, vget_low_u16(begin), weight[0]);
    sum = add_pixel(sum, vget_high_u16(begin), weight[1]);
    sum = add_pixel(sum, vget_low_u16(end), weight[2]);
    return add_pixel(sum, vget_high_u16(end), weight[3]);
}

static inline int32x4_t add_one(int32x4_t sum, const uint8_t *pixel, int32_t weight)
{
    uint32_t bytes;
    memcpy(&bytes, pixel, sizeof bytes);
    return add_pixel(sum, vget_low_u16(vmovl_u8(vcreate_u8(bytes))), weight);
}

/* RGBX of one output as 16 bits each; below 0 and above 255 are clipped on the way to bytes. */
static inline uint16x4_t settle(int32x4_t sum)
{
    return vqmovun_s32(vshrq_n_s32(sum, AXIS_PRECISION_BITS));
}

static void columns(const struct axis *axis, const void *table, const uint8_t *source,
                    uint8_t *line)
{
    (void)table;
    for (uint32_t x = 0; x < axis->count; x++) {
        const uint8_t *pixel = &source[(size_t)axis->start[x] * 4];
        const int32_t *weight = &axis->weight[(size_t)x * axis->taps];
        uint32_t used = axis->used[x];
        int32x4_t sum = vdupq_n_s32(ROUND);
        uint32_t i = 0;
        for (; i + QUAD <= used; i += QUAD)
            sum = add_quad(sum, &pixel[i * 4], &weight[i]);
        for (; i < used; i++)
            sum = add_one(sum, &pixel[i * 4], weight[i]);
        uint16x4_t value = settle(sum);
        uint8x8_t bytes = vqmovn_u16(vcombine_u16(value, value));
        /* A fourth byte that the next output overwrites. */
        uint32_t out = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
        memcpy(&line[(size_t)x * 3], &out, sizeof out);
    }
}

static inline void add_line(int32x4_t sums[4], const uint8_t *bytes, int32_t weight)
{
    uint8x16_t line = vld1q_u8(bytes);
    uint16x8_t begin = vmovl_u8(vget_low_u8(line));
    uint16x8_t end = vmovl_u8(vget_high_u8(line));
    sums[0] = add_pixel(sums[0], vget_low_u16(begin), weight);
    sums[1] = add_pixel(sums[1], vget_high_u16(begin), weight);
    sums[2] = add_pixel(sums[2], vget_low_u16(end), weight);
    sums[3] = add_pixel(sums[3], vget_high_u16(end), weight);
}

static inline void rows_block(const uint8_t *const *lines, const int32_t *weight, uint32_t used,
                              size_t at, uint8_t *row)
{
    const int32x4_t round = vdupq_n_s32(ROUND);
    int32x4_t sums[4] = {round, round, round, round};
    for (uint32_t i = 0; i < used; i++)
        add_line(sums, &lines[i][at], weight[i]);
    uint16x8_t begin = vcombine_u16(settle(sums[0]), settle(sums[1]));
    uint16x8_t end = vcombine_u16(settle(sums[2]), settle(sums[3]));
    vst1q_u8(&row[at], vcombine_u8(vqmovn_u16(begin), vqmovn_u16(end)));
}

/* The last block ends with the row and overlaps the one before it. */
static void rows(const uint8_t *const *lines, const int32_t *weight, uint32_t used, uint8_t *row,
                 size_t len)
{
    if (len < BLOCK) {
        kernel_plain.rows(lines, weight, used, row, len);
        return;
    }
    for (size_t at = 0; at + BLOCK <= len; at += BLOCK)
        rows_block(lines, weight, used, at, row);
    if (len % BLOCK != 0)
        rows_block(lines, weight, used, len - BLOCK, row);
}

static const struct kernel neon = {
    .name = "neon",
    .table_bytes = kernel_no_table_bytes,
    .prepare = kernel_no_table,
    .columns = columns,
    .rows = rows,
};

const struct kernel *kernel_neon(void)
{
    return &neon;
}

#else

const struct kernel *kernel_neon(void)
{
    return NULL;
}

#endif
