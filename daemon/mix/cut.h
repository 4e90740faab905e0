/*
 * CutMix's copy: a box of one picture over the same box of another.
 *
 * A picture is rows of bytes: height of them with the channels side by side, or three planes of
 * height each.  No state; any thread.
 */
#ifndef STK_CUT_H
#define STK_CUT_H

#include "daemon/mix/mix.h"

/**
 * Copy what of a box lies in a stripe of a picture.
 *
 *   box          in pixels, inside the picture; may be empty
 *   start, len   the stripe, in bytes of the picture; it may begin and end anywhere
 *   own, other   uint8 [len], the stripe of both pictures, not overlapping
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
void cut_copy(const struct mix_format *format, const struct box *box, size_t start, size_t len,
              uint8_t *own, const uint8_t *other);

#endif
