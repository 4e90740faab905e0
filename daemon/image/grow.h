/*
 * Grow-only storage: what lets a decoder allocate nothing once it met its largest picture.
 */
#ifndef STK_GROW_H
#define STK_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * Make room for count elements; what was in it is lost when it grows, and new room is zero.
 *
 *   storage     NULL or what grow returned before
 *   count_max   elements there is room for; 0 at first
 *
 * Owns:    the caller owns the result and frees it; storage is freed when it is replaced.
 * Returns: the storage to use from now on, or NULL without memory (storage is freed, *count_max 0).
 * Threads: one at a time.  Blocks: no.  Allocates: where count is above *count_max.
 */
static inline void *grow(void *storage, size_t *count_max, size_t count, size_t element_bytes)
{
    if (storage != NULL && count <= *count_max)
        return storage;
    free(storage);
    storage = calloc(count > 0 ? count : 1, element_bytes);
    *count_max = storage != NULL ? count : 0;
    return storage;
}

#endif
