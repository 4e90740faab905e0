/*
 * Encode: pixels to a JPEG, for somebody who looks at them.  No state; any thread.
 */
#ifndef STK_ENCODE_H
#define STK_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

/** More bytes than a JPEG of so many pixels has, for the memory plan.  Threads: any. */
size_t encode_bytes_max(uint32_t height, uint32_t width);

/**
 * Encode a picture, baseline, YCbCr 4:2:0.
 *
 *   pixels    uint8 [height, width, 3], RGB; sides 1 .. 65500
 *   quality   1 .. 100, as libjpeg counts it
 *   jpeg      set on success to len bytes, NULL otherwise
 *
 * Owns:    the caller frees *jpeg.
 * Returns: STK_OK, STK_MEMORY, or STK_UNSUPPORTED where libjpeg-turbo refuses.
 * Threads: any.  Blocks: no.  Allocates: the result, and libjpeg-turbo's rows.
 */
STK_MUST_CHECK enum stk_status encode_jpeg(const uint8_t *pixels, uint32_t height, uint32_t width,
                                           int quality, uint8_t **jpeg, size_t *len);

#endif
