/*
 * Kernels: the two loops of the resize, in variants that give equal bytes.
 *
 * The plain one is the reference; check_kernel.c holds every other one to it, and so does
 * tests/tools/variants.c on processors that are only emulated.  A kernel is constant and belongs to
 * no thread.
 */
#ifndef STK_KERNEL_H
#define STK_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/image/axis.h"

enum {
    /* Readable pixels behind a source row; their value does not matter. */
    KERNEL_SOURCE_PIXELS_EXTRA = 4,
    /* Writable bytes behind a row that columns writes. */
    KERNEL_LINE_BYTES_EXTRA = 32,
};

struct kernel {
    const char *name;

    /** Bytes of the table that prepare fills for an axis of count outputs and so many taps; 0: this
     *  variant needs none. */
    size_t (*table_bytes)(uint32_t count, uint32_t taps);

    /** Lay the weights of an axis out as columns reads them. */
    void (*prepare)(const struct axis *axis, void *table);

    /**
     * The horizontal pass over one row.
     *
     *   axis, table   the weights, and what prepare made of them
     *   source        uint8 [axis->end - axis->first, 4], RGB and a byte that is not looked at
     *   line          uint8 [axis->count, 3], RGB
     */
    void (*columns)(const struct axis *axis, const void *table, const uint8_t *source,
                    uint8_t *line);

    /**
     * The vertical pass for one row.
     *
     *   lines     used rows of len bytes
     *   weight    [used], an output's of an axis
     *   row       len bytes, and no more are written
     */
    void (*rows)(const uint8_t *const *lines, const int32_t *weight, uint32_t used, uint8_t *row,
                 size_t len);
};

/** The reference, in plain C. */
extern const struct kernel kernel_plain;

/** For variants that read the weights as they are: no bytes of table, and nothing to prepare. */
size_t kernel_no_table_bytes(uint32_t count, uint32_t taps);
void kernel_no_table(const struct axis *axis, void *table);

/** The AVX2 variant, or NULL where this processor has none. */
const struct kernel *kernel_avx2(void);

/** The NEON variant, or NULL where this processor has none. */
const struct kernel *kernel_neon(void);

/** The fastest variant that this processor has. */
const struct kernel *kernel_fastest(void);

#endif
