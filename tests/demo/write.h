/*
 * Writing: a picture as a JPEG, a file whole or not at all.
 *
 * A file is written under a temporary name beside its own and renamed, so that nobody meets half a
 * picture, neither a reader beside us nor the next run after an interrupted one.  The only includer
 * of the JPEG library here.
 */
#ifndef STK_DEMO_WRITE_H
#define STK_DEMO_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

enum { WRITE_ERROR_BYTES = 256 }; /* storage for a reason, its end mark included */

enum sampling { SAMPLING_420, SAMPLING_422, SAMPLING_444, SAMPLING_GRAY };

/* How a picture is encoded. */
struct jpeg_kind {
    enum sampling sampling;
    bool progressive;
    int quality; /* 1 .. 100, libjpeg's scale */
};

/**
 * Write a picture as a JPEG.
 *
 *   folder   an open directory
 *   name     the file's name in it
 *   rgb      u8 [height, width, 3], RGB
 *   error    WRITE_ERROR_BYTES of storage: why it failed
 *
 * Owns:    nothing.
 * Returns: STK_OK
 *          STK_SYSTEM  the file cannot be made or written; none is left behind
 *          STK_MEMORY
 * Threads: any.  Blocks: on the file system.  Allocates: libjpeg-turbo does, for the call.
 */
STK_MUST_CHECK enum stk_status write_jpeg(int folder, const char *name, const uint8_t *rgb,
                                          uint32_t height, uint32_t width,
                                          const struct jpeg_kind *kind, char *error);

/** Write a text file, likewise. */
STK_MUST_CHECK enum stk_status write_text(int folder, const char *name, const char *text,
                                          char *error);

#endif
