/*
 * EXIF: how the camera was held.  For information: pixels are served as they are in the file.
 */
#ifndef STK_EXIF_H
#define STK_EXIF_H

#include <stddef.h>
#include <stdint.h>

/**
 * The orientation that a JPEG's EXIF segment tells.
 *
 *   jpeg   the file, or its beginning; whatever is wrong with it is as if nothing was told
 *
 * Owns:    nothing.
 * Returns: 1 .. 8, or 0 where the file does not say.
 * Threads: any.  Blocks: no.  Allocates: no.
 * Source:  ITU-T T.81, annex B; TIFF 6.0, section 2; tag 274 of the first directory.
 */
uint32_t exif_orientation(const uint8_t *jpeg, size_t len);

#endif
