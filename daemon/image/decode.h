/*
 * Decode: a JPEG's bytes to rows of RGB, no more of them than asked for.
 *
 * decode.c, jpeg_frame.c and the memory alone include libjpeg-turbo's headers.  The rows are those
 * of its whole decode with the default settings (islow IDCT, fancy upsampling), as Pillow asks for,
 * byte for byte: what lies outside of the rectangle is left out only where that cannot show.
 */
#ifndef STK_DECODE_H
#define STK_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/image/image.h"
#include "daemon/image/jpeg_map.h"

struct decode;

/**
 * Make a JPEG decoder; libjpeg-turbo's object is made with the first picture, and with the first
 * one after a failure.
 *
 * Owns:    the caller owns *decode and gives it to decode_close.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: one at a time.  Blocks: no.
 */
STK_MUST_CHECK enum stk_status decode_open(const struct image_limits *limits,
                                           struct decode **decode);

/** Give a decoder back; *decode becomes NULL.  NULL is fine. */
void decode_close(struct decode **decode);

/**
 * Leave every picture to libjpeg-turbo, for tests and measurements that compare with it.
 *
 * Owns: nothing.  Threads: the decoder's.  Blocks: no.  Allocates: no.
 */
void decode_by_library_alone(struct decode *decode);

/**
 * Read a header: see image_decoder_begin, whose contract this is.
 */
STK_MUST_CHECK enum stk_status decode_begin(struct decode *decode, const uint8_t *jpeg, size_t len,
                                            uint32_t *height, uint32_t *width, char *reason);

/**
 * Begin a picture by its map: see image_decoder_enter, whose contract this is.
 */
STK_MUST_CHECK enum stk_status decode_enter(struct decode *decode, const struct jpeg_map *map,
                                            const uint8_t *bytes, uint64_t from, size_t len);

/**
 * Collect the map of the picture begun next: see image_decoder_collect.
 */
void decode_collect(struct decode *decode, size_t entry_bytes_max);

/**
 * When the last row was taken, note the rest of what is collected.
 *
 * Owns: nothing.  Threads: the decoder's.  Blocks: no.  Allocates: no.
 */
void decode_finish(struct decode *decode);

/** What was collected: see image_decoder_collected. */
const struct jpeg_map *decode_collected(const struct decode *decode);

/**
 * Make a file's map: see image_map, whose contract this is.
 */
STK_MUST_CHECK enum stk_status decode_map(struct decode *decode, const uint8_t *jpeg, size_t len,
                                          size_t entry_bytes_max, struct jpeg_map *map,
                                          char *reason);

/**
 * Begin the rows of a rectangle, from its top; after decode_begin or decode_enter, once.
 *
 *   area     inside the picture, not empty
 *   reason   IMAGE_REASON_BYTES of storage: why it failed
 *
 * Owns:    nothing.
 * Returns: STK_OK, STK_CORRUPT, STK_UNSUPPORTED, STK_LIMIT or STK_MEMORY, after decode_enter
 *          STK_STALE; on failure the picture is forgotten.
 * Threads: the decoder's.  Blocks: no.  Allocates: where it grows to what it did not meet before.
 */
STK_MUST_CHECK enum stk_status decode_start(struct decode *decode, const struct box *area,
                                            char *reason);

/**
 * Decode the next row of the rectangle; no more often than it has rows.
 *
 *   row   uint8 [area.width, 4], RGB and a byte of no meaning, with KERNEL_SOURCE_PIXELS_EXTRA
 *         readable pixels behind it; valid until the next call
 *
 * Owns:    nothing; *row is borrowed.
 * Returns: as decode_start; on failure *row is NULL.
 * Threads: the decoder's.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status decode_next(struct decode *decode, const uint8_t **row,
                                           char *reason);

/** Forget the picture: its bytes are not looked at any more.  Always allowed. */
void decode_end(struct decode *decode);

/** What decodes, e.g. "libjpeg-turbo 2.1.5 exact"; constant. */
const char *decode_name(void);

/** An upper bound of a decoder's memory for pictures of up to side_max pixels a side. */
size_t decode_bytes_max(const struct image_limits *limits, uint32_t side_max);

#endif
