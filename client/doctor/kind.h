/*
 * The kind of a JPEG, by its markers alone: how many components, and in how many scans it comes.
 */
#ifndef STK_KIND_H
#define STK_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kind {
    uint8_t components; /* 0: no frame header was found */
    bool progressive;
};

/** Look at a file of len bytes.  Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no. */
struct kind kind_of(const uint8_t *jpeg, size_t len);

#endif
