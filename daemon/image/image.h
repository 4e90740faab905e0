/*
 * Images: a JPEG's bytes to the pixels of a slot, equal to Pillow's, byte for byte.
 *
 * The decoder holds everything that a worker needs (libjpeg-turbo's object, the tables and rows of
 * our own decoder, resize coefficients), grows to what it met and allocates nothing in steady
 * state.  One decoder stays on one thread.  Nothing here logs, reads files or knows of batches.
 */
#ifndef STK_IMAGE_H
#define STK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/recipe.h"
#include "daemon/plan/view.h"
#include "proto/message.h"
#include "proto/status.h"

enum { IMAGE_REASON_BYTES = 256 }; /* storage for a reason, its end mark included */

/* What a hostile file may cost. */
struct image_limits {
    uint64_t pixels_max; /* width * height of the source */
    /* Memory of libjpeg-turbo for one picture: some rows, and all coefficients of a picture that
     * comes in several scans, 2 bytes a pixel and component; computed from the header and judged
     * before it is taken, and held exactly when it is.  A usual file of one scan and 10,000
     * columns is content with 1 MiB. */
    size_t decoder_bytes_max;
    /* For a file of several scans: pixels times scans, judged before each scan is read.  A scan
     * counts for 16,384 pixels at least.  A usual progressive file has 10 scans. */
    uint64_t scan_pixels_max;
};

/* The table's numbers as a straight line of the 8-bit value in two parts, of which the first is
 * exact in float: (slope * v + offset) + (slope_rest * v + offset_rest).  For vectors of eight: the
 * channels in turn, eight times. */
struct image_line {
    float slope[24];
    float offset[24];
    float slope_rest[24];
    float offset_rest[24];
};

/* How a picture is served: its sides, the filter that makes them, how it stands in a slot. */
struct image_format {
    uint32_t height;
    uint32_t width;
    enum interpolation interpolation;
    enum stk_dtype dtype; /* STK_U8, STK_F32, STK_F16 or STK_BF16 */
    enum stk_layout layout;
    union { /* what an 8-bit value of each channel becomes */
        float f32[3][256];
        uint16_t half[3][256];
    } value;
    struct image_line line;      /* not of STK_U8 */
    const struct writer *writer; /* format.h; constant */
};

/**
 * Set a format; but for STK_U8 value[c][v] is (v / 255.0 - mean[c]) / std[c], computed in double
 * and rounded once, to nearest even, to the dtype.
 *
 *   mean, std   of each channel; not looked at for STK_U8.  Every value is finite in the dtype
 *
 * The filter is INTERPOLATION_BILINEAR until the caller writes another one there.
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
 *          STK_UNSUPPORTED  12-bit or lossless, 2 components and the like, arithmetic coding
 *                           where libjpeg-turbo was built without it
 *          STK_LIMIT        more pixels or memory than limits allow; nothing was decoded
 *          STK_MEMORY
 * Threads: the decoder's.  Blocks: no.  Allocates: to grow, within decoder_bytes_max; and
 *          libjpeg-turbo's object for the first picture and for the one after a failure.
 */
STK_MUST_CHECK enum stk_status image_decoder_begin(struct image_decoder *decoder,
                                                   const uint8_t *jpeg, size_t len,
                                                   uint32_t *height, uint32_t *width, char *reason);

/**
 * Decode, crop, resize and mirror the picture begun last, into a slot; once for each begin.
 *
 *   view     what to serve; its box lies inside the picture, its window touches the resized box;
 *            what of it lies outside becomes view->fill, as a pixel of that colour would
 *   flip     mirror horizontally after the resize
 *   format   how the slot is laid out
 *   slot     image_format_bytes(format) bytes, the caller's; RGB, [height, width, 3] or
 *            [3, height, width]; u8 0..255 or normalised; aligned to its dtype
 *   reason   IMAGE_REASON_BYTES of storage: why it failed
 *
 * A warning of libjpeg-turbo (premature end, bad Huffman code, wrong restart marker, inconsistent
 * progression, ...) fails the picture, because it says that pixels are made up; Pillow would serve
 * most of them.  What costs no pixels passes: stray bytes between segments, and unknown values in
 * the JFIF, Adobe and scan headers.
 *
 * Of a file with one scan nothing is looked at below the last row that the view needs, so damage
 * there shows in some views and not in others.  What comes out is a function of (jpeg, view, flip,
 * format) alone, on every thread and whatever was decoded before.
 *
 * Owns:    nothing.
 * Returns: STK_OK
 *          STK_CORRUPT      libjpeg-turbo failed or warned in what was decoded
 *          STK_UNSUPPORTED  a kind of file that shows only now
 *          STK_LIMIT        more scans than limits allow
 *          STK_MEMORY
 *          In all but the first the slot's bytes are unspecified.
 * Threads: the decoder's.  Blocks: no.  Allocates: to grow to what it did not meet before.
 * Source:  ITU-T T.81; Pillow 9.4's Resample.c and Geometry.c; exact equality is tested in
 *          check_image.c and tests/integration/test_pixels.py and test_interpolation.py.
 */
STK_MUST_CHECK enum stk_status image_decoder_finish(struct image_decoder *decoder,
                                                    const struct view *view, bool flip,
                                                    const struct image_format *format, void *slot,
                                                    char *reason);

/** What decodes, for the welcome: e.g. "libjpeg-turbo 2.1.5 exact"; constant.  Threads: any. */
const char *image_decoder_name(void);

/**
 * An upper bound of one decoder's memory, libjpeg-turbo's within limits and ours for a source of
 * any shape, for the memory plan.  What it takes grows with what it meets, 400 KiB for 500 x 400
 * pixels in one scan, 700 KiB progressive, and stays until it is closed.
 *
 *   height, width, interpolation   of the served pictures
 */
size_t image_decoder_bytes_max(const struct image_limits *limits, uint32_t height, uint32_t width,
                               enum interpolation interpolation);

#endif
