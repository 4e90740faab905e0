/*
 * The constants of the IDCT: that of Loeffler, Ligtenberg and Moschytz (ICASSP 1989), whose 11
 * multiplications of eight values are here those of sums that two outputs share.
 *
 * A constant is 2^13 times a sum of square roots of 2 times cosines of multiples of pi / 16, each
 * of which was rounded by itself: so sums are written as such.  Between the passes values have
 * JPEG_IDCT_PASS_BITS bits behind the point.
 */
#ifndef STK_JPEG_IDCT_H
#define STK_JPEG_IDCT_H

#include <stddef.h>
#include <stdint.h>

enum {
    JPEG_IDCT_BITS = 13,
    JPEG_IDCT_PASS_BITS = 2,
    JPEG_IDCT_FIRST_SHIFT = JPEG_IDCT_BITS - JPEG_IDCT_PASS_BITS,
    JPEG_IDCT_SECOND_SHIFT = JPEG_IDCT_BITS + JPEG_IDCT_PASS_BITS + 3,

    /* Of 2 and 6: a rotation. */
    JPEG_IDCT_EVEN = 4433,           /* 0.541196100 */
    JPEG_IDCT_EVEN_2 = 4433 + 6270,  /* and 0.765366865 */
    JPEG_IDCT_EVEN_6 = 4433 - 15137, /* and -1.847759065 */

    /* Of the sums 7 + 3 and 5 + 1. */
    JPEG_IDCT_SUM = 9633,            /* 1.175875602 */
    JPEG_IDCT_SUM_73 = 9633 - 16069, /* and -1.961570560 */
    JPEG_IDCT_SUM_51 = 9633 - 3196,  /* and -0.390180644 */

    /* Of 7 and 1, and of 5 and 3. */
    JPEG_IDCT_71 = -7373,            /* -0.899976223 */
    JPEG_IDCT_71_7 = -7373 + 2446,   /* and 0.298631336 */
    JPEG_IDCT_71_1 = -7373 + 12299,  /* and 1.501321110 */
    JPEG_IDCT_53 = -20995,           /* -2.562915447 */
    JPEG_IDCT_53_5 = -20995 + 16819, /* and 2.053119869 */
    JPEG_IDCT_53_3 = -20995 + 25172, /* and 3.072711026 */
};

/** The IDCT of jpeg_kernel_avx2. */
void jpeg_idct_avx2(const int16_t *blocks, const uint8_t *last, const uint16_t *quant,
                    uint32_t count, uint8_t *out, size_t stride);

#endif
