/*
 * JPEG kernels: from coefficients to samples and from samples to colours, in variants that give
 * equal bytes.
 *
 * The bytes are those of libjpeg-turbo's default path: the IDCT of 13-bit constants that it calls
 * islow, the triangle filter that it calls fancy upsampling.  The plain variant is the reference
 * for the others; both are held against libjpeg-turbo.
 */
#ifndef STK_JPEG_KERNEL_H
#define STK_JPEG_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Bytes that may be read and written behind a row of samples, pixels behind one of those. */
    JPEG_KERNEL_EXTRA = 32,
};

struct jpeg_kernel {
    const char *name;

    /**
     * Blocks of a row to samples.
     *
     *   blocks   int16 [count, 64], row by row, aligned to 16 bytes
     *   last     [count] no coefficient behind this one in zigzag is other than 0
     *   quant    [64], row by row; a product counts modulo 2^16
     *   out      8 rows of count * 8 samples, stride bytes apart
     */
    void (*idct)(const int16_t *blocks, const uint8_t *last, const uint16_t *quant, uint32_t count,
                 uint8_t *out, size_t stride);

    /**
     * Twice as many samples in a row: three parts of the nearer and one of the farther.
     *
     *   in    count samples and one more on either side
     *   out   2 * count samples
     */
    void (*widen)(const uint8_t *in, uint32_t count, uint8_t *out);

    /** The same between two rows: out is twice as wide and lies near near. */
    void (*widen_between)(const uint8_t *near, const uint8_t *far, uint32_t count, uint8_t *out);

    /** A row between two, near near; above says that far is above it. */
    void (*between)(const uint8_t *near, const uint8_t *far, uint32_t count, bool above,
                    uint8_t *out);

    /** YCbCr to uint8 [count, 4], RGB and a byte of no meaning. */
    void (*colour)(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint32_t count,
                   uint8_t *rgbx);

    /** Gray to the same. */
    void (*gray)(const uint8_t *y, uint32_t count, uint8_t *rgbx);
};

/** The reference, in plain C. */
extern const struct jpeg_kernel jpeg_kernel_plain;

/** The AVX2 variant, or NULL where this processor has none. */
const struct jpeg_kernel *jpeg_kernel_avx2(void);

/** The fastest variant that this processor has. */
const struct jpeg_kernel *jpeg_kernel_fastest(void);

#endif
