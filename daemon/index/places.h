/*
 * Places: where the records of an index under construction are, by key.  One thread at a time.
 */
#ifndef STK_INDEX_PLACES_H
#define STK_INDEX_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/index/layout.h"
#include "proto/status.h"

/* All zero is empty. */
struct places {
    struct place *table; /* [capacity]: open addressing; one without a place is empty */
    size_t capacity;     /* a power of two */
    size_t count;
};

/** Give the storage back and become empty. */
void places_release(struct places *places);

/** Make sure that the next place_put has room; STK_OK or STK_MEMORY. */
STK_MUST_CHECK enum stk_status places_reserve(struct places *places);

/** Put a place instead of that of its key, or beside the others; after places_reserve. */
void places_put(struct places *places, const struct place *place);

/** Find the place of a key; whether there is one. */
bool places_find(const struct places *places, uint64_t key, struct place *place);

/** Move the places to the table's beginning, by rising keys; none can be put or found any more. */
void places_sort(struct places *places);

#endif
