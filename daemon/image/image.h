/*
 * Images: a JPEG's bytes to the pixels of a slot, equal to Pillow's, byte for byte.
 *
 * The decoder holds everything that a worker needs (libjpeg-turbo's object, row storage, resize
 * coefficients), grows to what it met and allocates nothing in steady state.  One decoder stays on
 * one thread.  Nothing here logs, reads files or knows of batches.
 */
#ifndef STK_IMAGE_H
#define STK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/plan/view.h"
#include "proto/message.h"
#include "proto/status.h"

enum { IMAGE_REASON_BYTES = 256 }; /* storage for a reason, its end mark included */

/* What a hostile file may cost. */
struct image_limits {
    uint64_t pixels_max; /* width * height of the source */
    size_t
        decoder_bytes_max; /* memory of libjpeg-turbo for one picture (progressive coefficients) */
    /* Progressive: pixels times scans, judged while the scans are read, before the next one is. */
    uint64_t scan_pixels_max;
};

/* How a picture stands in a slot. */
struct image_format {
    uint32_t height;
    uint32_t width;
    enum stk_dtype dtype; /* STK_U8 or STK_F32 */
    enum stk_layout layout;
    float value[3][256]; /* STK_F32: what an 8-bit value of each channel becomes */
};

/**
 * Set a format; for STK_F32 value[c][v] = (float)((v / 255.0 - mean[c]) / std[c]).
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
void image_format_init(struct image_format *format, uint32_t height, uint32_t width,
                       enum stk_dtype dtype, enum stk_layout layout, const double mean[3],
                       const double std[3]);

/** Bytes of one picture in a slot: height * width * 3 elements. */
size_t image_format_bytes(const struct image_format *format);

struct image_decoder;

/**
 * Make a decoder.
 *
 *   limits    copied
 *   decoder   set on success, NULL otherwise
 *
 * Owns:    the caller owns *decoder and gives it to image_decoder_close.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: a decoder is used by one thread at a time.  Blocks: no.
 */
STK_MUST_CHECK enum stk_status image_decoder_open(const struct image_limits *limits,
                                                  struct image_decoder **decoder);

/** Give a decoder back; *decoder becomes NULL.  NULL is fine. */
void image_decoder_close(struct image_decoder **decoder);

/**
 * Read a JPEG's header: how large the picture is.  A picture begun before is forgotten.
 *
 *   jpeg     the whole file, len bytes; must stay until image_decoder_finish returns
 *   height, width  set on success
 *   reason   IMAGE_REASON_BYTES of storage: why it failed
 *
 * Owns:    nothing; jpeg is borrowed until image_decoder_finish returns.
 * Returns: STK_OK
 *          STK_CORRUPT      not a JPEG, or its header is damaged
 *          STK_UNSUPPORTED  12-bit, arithmetic, or lossless coding, or 2 components and the like
 *          STK_LIMIT        more pixels than limits allow; nothing was decoded
 *          STK_MEMORY
 * Threads: the decoder's.  Blocks: no.  Allocates: libjpeg-turbo does, within decoder_bytes_max.
 */
STK_MUST_CHECK enum stk_status image_decoder_begin(struct image_decoder *decoder,
                                                   const uint8_t *jpeg, size_t len,
                                                   uint32_t *height, uint32_t *width, char *reason);

/**
 * Decode, crop, resize and mirror the picture begun last, into a slot.
 *
 *   view     what to serve; its box lies inside the picture, its window inside the resized box
 *   flip     mirror horizontally after the resize
 *   format   how the slot is laid out
 *   slot     image_format_bytes(format) bytes, the caller's; RGB, [height, width, 3] or
 *            [3, height, width]; u8 0..255 or normalised f32; aligned to its dtype
 *   reason   IMAGE_REASON_BYTES of storage: why it failed
 *
 * Owns:    nothing.
 * Returns: STK_OK
 *          STK_CORRUPT  libjpeg-turbo failed or warned (premature end, bad Huffman code, ...) in
 * what was decoded; the slot's bytes are unspecified STK_UNSUPPORTED STK_LIMIT    a progressive
 * file costs more scans or memory than limits allow STK_MEMORY Threads: the decoder's.  Blocks: no.
 * Allocates: only to grow. Source:  ITU-T T.81; Pillow 9.4's Resample.c; exact equality is tested
 * in check_image.c and tests/integration/test_pixels.py.
 */
STK_MUST_CHECK enum stk_status image_decoder_finish(struct image_decoder *decoder,
                                                    const struct view *view, bool flip,
                                                    const struct image_format *format, void *slot,
                                                    char *reason);

/** What decodes, for the welcome: e.g. "libjpeg-turbo 2.1.5 exact"; constant.  Threads: any. */
const char *image_decoder_name(void);

/** An upper bound of one decoder's own memory (rows and coefficients of the resize, libjpeg-turbo's
 *  within limits), for the memory plan. */
size_t image_decoder_bytes_max(const struct image_limits *limits, uint32_t height, uint32_t width);

#endif
