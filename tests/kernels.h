/*
 * Kernels against the plain one: random rows, the axes of real pictures and forged ones whose
 * weights are as extreme as an axis's may be.  For the check of this machine's kernels and for a
 * tool that is run on emulated ones: needs nothing but libc.
 */
#ifndef STK_TESTS_KERNELS_H
#define STK_TESTS_KERNELS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/kernel.h"

enum {
    KERNELS_SIDE_MAX = 320,
    KERNELS_LINE_STEP = 7, /* the vertical pass's lines overlap: bytes apart */
    KERNELS_SOURCE_BYTES = (4 + KERNELS_LINE_STEP) * KERNELS_SIDE_MAX + 1024,
};

struct kernels_random {
    uint64_t state;
};

static inline uint32_t kernels_below(struct kernels_random *random, uint32_t limit)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random->state >> 33) % limit);
}

/* An axis as a picture has it. */
static inline void kernels_set_real(struct axis *axis, struct kernels_random *random)
{
    uint32_t extent = 1 + kernels_below(random, KERNELS_SIDE_MAX);
    uint32_t resized = 1 + kernels_below(random, KERNELS_SIDE_MAX);
    uint32_t window = kernels_below(random, resized);
    uint32_t count = 1 + kernels_below(random, resized - window);
    enum interpolation filter = (enum interpolation)kernels_below(random, 5);
    CHECK(axis_set(axis, filter, extent, resized, window, count, kernels_below(random, 2)) ==
          STK_OK);
}

/* A weight of either sign whose halves are all ones now and then; what it takes off the budget. */
static inline int32_t kernels_weight(struct kernels_random *random, uint32_t *budget)
{
    static const uint32_t edges[] = {0, 1, 2047, 2048, 32767, 32768, 65535, 65536, 98304, 1 << 22};
    uint32_t value = kernels_below(random, 2) ? kernels_below(random, *budget + 1)
                                              : edges[kernels_below(random, 10)];
    value = value <= *budget ? value : *budget;
    *budget -= value;
    return kernels_below(random, 2) ? (int32_t)value : -(int32_t)value;
}

/* An axis that no picture has: the weights of an output share out AXIS_WEIGHTS_MAX, or are all the
 * same just below or at the edge of 16 bits. */
static inline void kernels_forge(struct axis *axis, struct kernels_random *random)
{
    kernels_set_real(axis, random);
    int32_t same = kernels_below(random, 2) ? 32767 : -32768;
    bool equal = kernels_below(random, 4) == 0;
    for (uint32_t x = 0; x < axis->count; x++) {
        uint32_t budget = AXIS_WEIGHTS_MAX;
        uint32_t used_max = AXIS_WEIGHTS_MAX / 32768;
        axis->used[x] = axis->used[x] < used_max ? axis->used[x] : used_max;
        for (uint32_t i = 0; i < axis->used[x]; i++)
            axis->weight[(size_t)x * axis->taps + i] =
                equal ? same : kernels_weight(random, &budget);
    }
}

/* Both passes, with bytes behind the row to see that they stay. */
struct kernels_out {
    uint8_t line[3 * KERNELS_SIDE_MAX + KERNEL_LINE_BYTES_EXTRA];
    uint8_t row[3 * KERNELS_SIDE_MAX + 1];
};

static inline void kernels_run(const struct kernel *kernel, const struct axis *axis,
                               const uint8_t *source, struct kernels_out *out)
{
    void *table = malloc(kernel->table_bytes(axis->count, axis->taps) + 1);
    CHECK(table != NULL);
    kernel->prepare(axis, table);
    /* A copy, so that a sanitizer sees what is read behind the pixels that may be. */
    size_t row_bytes = (axis->end - axis->first + KERNEL_SOURCE_PIXELS_EXTRA) * 4;
    uint8_t *row = malloc(row_bytes);
    CHECK(row != NULL);
    memcpy(row, source, row_bytes);
    kernel->columns(axis, table, row, out->line);
    free(row);
    memset(&out->line[3 * axis->count], 0, sizeof out->line - 3 * axis->count);
    memset(out->row, 0xa5, sizeof out->row);
    const uint8_t *lines[KERNELS_SIDE_MAX];
    uint32_t x = axis->count / 2;
    for (uint32_t i = 0; i < axis->used[x]; i++)
        lines[i] = &source[i * KERNELS_LINE_STEP];
    kernel->rows(lines, &axis->weight[(size_t)x * axis->taps], axis->used[x], out->row,
                 axis->count * 3);
    free(table);
}

/** Whether a kernel makes the plain one's bytes in so many random cases. */
static inline bool kernels_equal(const struct kernel *kernel, uint32_t cases)
{
    static uint8_t source[KERNELS_SOURCE_BYTES];
    static struct kernels_out plain, other;
    struct kernels_random random = {3};
    struct axis axis = {0};
    bool equal = true;
    for (uint32_t i = 0; i < cases && equal; i++) {
        uint32_t kind = kernels_below(&random, 6);
        for (size_t j = 0; j < sizeof source; j++)
            source[j] = kind == 0 ? 255 : (uint8_t)kernels_below(&random, 256);
        if (i % 2 == 0)
            kernels_set_real(&axis, &random);
        else
            kernels_forge(&axis, &random);
        memset(&plain, 0, sizeof plain);
        memset(&other, 0, sizeof other);
        kernels_run(&kernel_plain, &axis, source, &plain);
        kernels_run(kernel, &axis, source, &other);
        equal = memcmp(&plain, &other, sizeof plain) == 0;
    }
    axis_release(&axis);
    return equal;
}

#endif
