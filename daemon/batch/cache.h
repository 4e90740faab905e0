/*
 * The cache: every slab that exists, found by address, within a budget of bytes.
 *
 * A finished batch stays as long as someone refers to it, and afterwards until its memory is
 * needed.  Then one goes that no client will want any more, old ones first; where all are still
 * wanted, the one that is wanted latest.  The loop's thread only.
 */
#ifndef STK_CACHE_H
#define STK_CACHE_H

#include "daemon/base/figures.h"
#include "daemon/batch/batch.h"
#include "daemon/batch/want.h"

struct cache;

/**
 * Make an empty cache.
 *
 *   bytes_max   memory of all slabs together
 *   figures     borrowed; batches_cached and slab_bytes_in_use are kept there
 *   cache       set on success, NULL otherwise
 *
 * Owns:    the caller owns *cache and gives it to cache_close.
 * Returns: STK_OK or STK_MEMORY.
 */
STK_MUST_CHECK enum stk_status cache_open(size_t bytes_max, struct figures *figures,
                                          struct cache **cache);

/** Give the cache and all slabs back.  No batch may be referenced or in the making.  NULL is fine.
 */
void cache_close(struct cache **cache);

/** Change the memory of all slabs together.  What is idle beyond it is evicted now, what is
 *  referenced when it is let go. */
void cache_set_bytes_max(struct cache *cache, size_t bytes_max);

/** Give back the memory of a stream's batches that nobody refers to.  What is referenced stays; to
 *  be called again when that is let go. */
void cache_forget_stream(struct cache *cache, const struct stream *stream);

/** The batch at an address with these pictures, in whatever state; NULL where there is none.
 *  Blocks: no. */
struct batch *cache_find(const struct cache *cache, const struct stream *stream,
                         struct stk_address address, enum stk_unmixed unmixed);

/** Any batch that is being filled; NULL where there is none.  For the end alone: it looks at all.
 */
struct batch *cache_find_filling(const struct cache *cache);

/**
 * Memory for a new batch of a stream: a FREE one that the cache knows by its address as soon as it
 * is planned and put with cache_put.
 *
 *   layout   the stream's
 *   batch    set on success, NULL otherwise; FREE
 *
 * Owns:    the cache; *batch is borrowed, and must be handed to cache_put.
 * Returns: STK_OK
 *          STK_OVERLOADED  every byte is in use; try again when a batch is let go
 *          STK_MEMORY      the system has none; try again likewise
 * Blocks:  no.  Allocates: only while the budget is not yet used.
 */
STK_MUST_CHECK enum stk_status cache_take(struct cache *cache, const struct layout *layout,
                                          struct batch **batch);

/** Memory that no reference pins: what cache_take can still give, by evicting.  Blocks: no. */
size_t cache_bytes_free(const struct cache *cache);

/** Make a planned batch known by its address, with one reference that is the caller's. */
void cache_put(struct cache *cache, struct batch *batch);

/** Heed what a client will want, as it changes, until it is removed; borrowed as long. */
void cache_want_add(struct cache *cache, struct want *want);
void cache_want_remove(struct want *want);

/** One more reference.  Blocks: no. */
void cache_ref(struct cache *cache, struct batch *batch);

/** One reference less; *batch becomes NULL.  A READY batch stays findable, a FAILED one goes. */
void cache_unref(struct cache *cache, struct batch **batch);

#endif
