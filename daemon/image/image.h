/*
 * Images: a JPEG's bytes to the pixels of a slot, equal to Pillow's, byte for byte.
 *
 * The decoder holds everything that a worker needs (libjpeg-turbo's object, the tables and rows of
 * our own decoder, resize coefficients), grows to what it met and allocates nothing in steady
 * state.  One decoder stays on one thread.  Nothing here logs, reads files or knows of batches.
 *
 * Of a file that has a map only the bytes that a view needs are asked for:
 *
 *     image_map_range -> read them -> image_decoder_enter -> image_decoder_finish
 *
 * and where one of these says that the map is of no use, the whole file is read and begun with
 * image_decoder_begin.  The pixels are the same.
 */
#ifndef STK_IMAGE_H
#define STK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/recipe.h"
#include "daemon/image/jpeg_map.h"
#include "daemon/plan/view.h"
#include "proto/message.h"
#include "proto/status.h"

enum { IMAGE_REASON_BYTES = 256 }; /* storage for a reason, its end mark included */

/* Whether whoever waits for a picture still does; asked for every row of blocks at least. */
struct image_patience {
    bool (*ended)(void *context); /* once it has, it stays so */
    void *context;
};

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
    const struct image_patience *patience; /* borrowed; NULL: the above are enough */
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
 * Decode, crop, resize and mirror the picture begun last, into a slot; once for each begin or
 * enter.
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
 *          STK_STALE        after image_decoder_enter alone: the map is not that of these bytes
 *          STK_CLOSED       the patience of limits has ended; after image_decoder_enter it is
 *                           STK_STALE, and the next picture begun tells
 *          In all but the first the slot's bytes are unspecified.
 * Threads: the decoder's.  Blocks: no.  Allocates: to grow to what it did not meet before.
 * Source:  ITU-T T.81; Pillow 9.4's Resample.c and Geometry.c; exact equality is tested in
 *          check_image.c and tests/integration/test_pixels.py and test_interpolation.py.
 */
STK_MUST_CHECK enum stk_status image_decoder_finish(struct image_decoder *decoder,
                                                    const struct view *view, bool flip,
                                                    const struct image_format *format, void *slot,
                                                    char *reason);

/**
 * Collect the map of the picture that is begun next with image_decoder_begin, while it is decoded.
 * What comes of the picture is as without; below the view the scan is read to its end.
 *
 *   entry_bytes_max   what entry points may take in an index, at most JPEG_MAP_ENTRY_BYTES_MAX
 *
 * Owns: nothing.  Threads: the decoder's.  Blocks: no.  Allocates: no.
 */
void image_decoder_collect(struct image_decoder *decoder, size_t entry_bytes_max);

/**
 * The map that was collected, after image_decoder_finish.  Entry points are in it where image_map
 * would have found them.
 *
 * Owns:    the decoder owns the map, which stays until the next picture is begun.
 * Returns: NULL where none was asked for, or the picture failed.
 * Threads: the decoder's.  Blocks: no.  Allocates: no.
 */
const struct jpeg_map *image_decoder_collected(const struct image_decoder *decoder);

/**
 * Make the map of a file.  A picture begun before is forgotten.
 *
 *   jpeg              the whole file, len bytes
 *   entry_bytes_max   what entry points may take in an index, at most JPEG_MAP_ENTRY_BYTES_MAX; as
 *                     many as that are made
 *   map               set on success, zero otherwise.  component_count is 0 where the file is not
 *                     for our own decoder: then height, width and orientation alone are set.
 *                     entries.columns is 0 where not even one entry point a row of MCUs fits
 *   reason            IMAGE_REASON_BYTES of storage: why it failed
 *
 * A map with entry points says that the whole scan is sound: libjpeg-turbo would not warn of it.
 * Other files are not looked at behind their header.
 *
 * Owns:    the decoder owns the entry points, which stay until the next picture is begun.
 * Returns: STK_OK
 *          STK_CORRUPT, STK_UNSUPPORTED, STK_LIMIT, STK_MEMORY   as image_decoder_begin; and where
 *          our own decoder does not take the scan, what image_decoder_finish would for all of it
 * Threads: the decoder's.  Blocks: no.  Allocates: as image_decoder_begin.
 */
STK_MUST_CHECK enum stk_status image_map(struct image_decoder *decoder, const uint8_t *jpeg,
                                         size_t len, size_t entry_bytes_max, struct jpeg_map *map,
                                         char *reason);

/**
 * The bytes of a file that a view of it needs.
 *
 *   map         of the file; it may be nonsense, but for entries.entry, which has as many as the
 *               sides, h, v and entries.columns make
 *   view        any; flip does not matter
 *   format      how it is served
 *   from, len   set: that many bytes from there on
 *
 * Owns:    nothing.
 * Returns: false where the map cannot be entered by: it has no entry points, is nonsense, or is
 *          none of a picture that view lies in.  Then from and len are 0.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
bool image_map_range(const struct jpeg_map *map, const struct view *view,
                     const struct image_format *format, uint64_t *from, uint64_t *len);

/**
 * Begin a picture by its map, instead of image_decoder_begin; its sides are the map's.  A picture
 * begun before is forgotten.
 *
 *   map         of the file, as in image_map_range; stays until image_decoder_finish returns
 *   bytes       of the file, from .. from + len - 1; stay until then.  No other byte is looked at
 *   from, len   as image_map_range says, or more
 *
 * Every entry point that decoding passes must be where the map says, and of every row of MCUs at
 * least one is passed.  Where that is not so, or bytes are missing, image_decoder_finish returns
 * STK_STALE; the caller comes back with the whole file and image_decoder_begin, which may tell
 * other sides.
 *
 * Owns:    nothing; map and bytes are borrowed until image_decoder_finish returns.
 * Returns: STK_OK
 *          STK_STALE   the map is nonsense or has no entry points, holds more than limits allow, or
 *                      bytes are not of the scan
 * Threads: the decoder's.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status image_decoder_enter(struct image_decoder *decoder,
                                                   const struct jpeg_map *map, const uint8_t *bytes,
                                                   uint64_t from, size_t len);

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
