/*
 * Arena: storage that is taken piece by piece and given back all at once.
 *
 * A range of addresses is reserved for the most that may ever be taken, and pages are put under it
 * as far as it is used: so it grows without moving what was taken and without allocating twice,
 * what fits does not depend on what was taken before the last reset, and the limit is exact.  Pages
 * once there stay until the arena is released.  Nothing here knows of pictures.
 */
#ifndef STK_ARENA_H
#define STK_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

/* Where every piece begins, and a multiple of what every piece takes. */
enum { ARENA_ALIGN = 64 };

struct arena {
    uint8_t *base;
    size_t bytes_max;   /* what may be taken */
    size_t reserved;    /* addresses: bytes_max and the rest of a step */
    size_t ready_bytes; /* of them readable and writable */
    size_t taken_bytes;
};

/**
 * Reserve the addresses; no memory yet.
 *
 *   bytes_max   more than 0
 *
 * Owns:    the caller gives the arena to arena_release, also after a failure.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: one at a time.  Blocks: no.  Allocates: addresses.
 */
STK_MUST_CHECK enum stk_status arena_init(struct arena *arena, size_t bytes_max);

/** Give everything back.  An arena of zeros is fine. */
void arena_release(struct arena *arena);

/**
 * Take storage, aligned to ARENA_ALIGN and readable up to the next multiple of it.  It is not
 * zeroed.
 *
 *   storage   bytes of it, valid until arena_reset; NULL on failure
 *
 * Owns:    the arena owns the storage.
 * Returns: STK_OK
 *          STK_LIMIT    more than bytes_max would be taken; whether it is depends on what was taken
 *                       since the last reset alone
 *          STK_MEMORY
 * Threads: one at a time.  Blocks: no.  Allocates: pages where more is taken than ever before.
 */
STK_MUST_CHECK enum stk_status arena_take(struct arena *arena, size_t bytes, void **storage);

/** Take all storage back; its pages stay for what is taken next. */
void arena_reset(struct arena *arena);

#endif
