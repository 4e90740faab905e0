/*
 * The plain kernel: Pillow's sums as they are written there.
 *
 * A sum of products of a byte and a weight stays inside 32 bits: the weights of an output add up to
 * 2^22 and half a unit of rounding for each, and what negative ones take away from it the positive
 * ones have on top, which is less than half of it.
 */
#include "daemon/image/kernel.h"

#include <string.h>

enum { ROUND = 1 << (AXIS_PRECISION_BITS - 1), BLOCK = 64 };

static inline uint8_t settle(int32_t sum)
{
    int32_t value = sum >> AXIS_PRECISION_BITS;
    if (value < 0)
        return 0;
    return (uint8_t)(value < 255 ? value : 255);
}

size_t kernel_no_table_bytes(uint32_t count, uint32_t taps)
{
    (void)count;
    (void)taps;
    return 0;
}

void kernel_no_table(const struct axis *axis, void *table)
{
    (void)axis;
    (void)table;
}

static void columns(const struct axis *axis, const void *table, const uint8_t *source,
                    uint8_t *line)
{
    (void)table;
    for (uint32_t x = 0; x < axis->count; x++) {
        const uint8_t *pixel = &source[(size_t)axis->start[x] * 4];
        const int32_t *weight = &axis->weight[(size_t)x * axis->taps];
        int32_t red = ROUND;
        int32_t green = ROUND;
        int32_t blue = ROUND;
        for (uint32_t i = 0; i < axis->used[x]; i++, pixel += 4) {
            red += pixel[0] * weight[i];
            green += pixel[1] * weight[i];
            blue += pixel[2] * weight[i];
        }
        line[3 * x] = settle(red);
        line[3 * x + 1] = settle(green);
        line[3 * x + 2] = settle(blue);
    }
}

/* A block of sums stays in registers or the nearest cache while its lines are added. */
static inline void rows_block(const uint8_t *const *lines, const int32_t *weight, uint32_t used,
                              size_t at, uint8_t *row, size_t len)
{
    int32_t sum[BLOCK];
    for (size_t x = 0; x < len; x++)
        sum[x] = ROUND;
    for (uint32_t i = 0; i < used; i++) {
        const uint8_t *line = &lines[i][at];
        for (size_t x = 0; x < len; x++)
            sum[x] += line[x] * weight[i];
    }
    for (size_t x = 0; x < len; x++)
        row[at + x] = settle(sum[x]);
}

static void rows(const uint8_t *const *lines, const int32_t *weight, uint32_t used, uint8_t *row,
                 size_t len)
{
    size_t at = 0;
    for (; at + BLOCK <= len; at += BLOCK)
        rows_block(lines, weight, used, at, row, BLOCK);
    rows_block(lines, weight, used, at, row, len - at);
}

const struct kernel kernel_plain = {
    .name = "plain",
    .table_bytes = kernel_no_table_bytes,
    .prepare = kernel_no_table,
    .columns = columns,
    .rows = rows,
};
