/*
 * The cache: a hash of addresses, a list of idle READY batches, a list of FREE ones.
 */
#include "daemon/batch/cache.h"

#include <stdlib.h>

#include "daemon/base/check.h"

enum {
    BUCKETS = 1024,  /* a power of two */
    LOOKED_AT = 128, /* idle batches that one eviction chooses from */
};

TAILQ_HEAD(batch_list, batch);
LIST_HEAD(batch_bucket, batch);

struct cache {
    size_t bytes_max;
    size_t bytes;        /* of all slabs, whatever their state */
    size_t bytes_pinned; /* of those that are referenced, or taken and not put yet */
    struct figures *figures;
    struct batch_list idle; /* READY without references, the one let go first in front */
    struct batch_list free;
    LIST_HEAD(, want) wants;
    struct batch_bucket buckets[BUCKETS];
};

enum stk_status cache_open(size_t bytes_max, struct figures *figures, struct cache **cache)
{
    *cache = calloc(1, sizeof **cache);
    if (*cache == NULL)
        return STK_MEMORY;
    (*cache)->bytes_max = bytes_max;
    (*cache)->figures = figures;
    TAILQ_INIT(&(*cache)->idle);
    TAILQ_INIT(&(*cache)->free);
    return STK_OK;
}

void cache_want_add(struct cache *cache, struct want *want)
{
    LIST_INSERT_HEAD(&cache->wants, want, entry);
}

void cache_want_remove(struct want *want)
{
    LIST_REMOVE(want, entry);
}

static struct batch_bucket *bucket_of(const struct cache *cache, const struct stream *stream,
                                      struct stk_address address)
{
    uint64_t key = (uint64_t)(uintptr_t)stream ^ address.step * UINT64_C(0x9e3779b97f4a7c15) ^
                   (uint64_t)address.epoch << 32;
    key *= UINT64_C(0xbf58476d1ce4e5b9);
    return (struct batch_bucket *)&cache->buckets[key >> 54 & (BUCKETS - 1)];
}

struct batch *cache_find(const struct cache *cache, const struct stream *stream,
                         struct stk_address address, enum stk_unmixed unmixed)
{
    struct batch *batch;
    LIST_FOREACH (batch, bucket_of(cache, stream, address), hashed) {
        if (batch->stream == stream && batch->address.step == address.step &&
            batch->address.epoch == address.epoch && batch->unmixed == unmixed)
            return batch;
    }
    return NULL;
}

struct batch *cache_find_filling(const struct cache *cache)
{
    for (int i = 0; i < BUCKETS; i++) {
        struct batch *batch;
        LIST_FOREACH (batch, &cache->buckets[i], hashed) {
            if (batch->state == BATCH_FILLING)
                return batch;
        }
    }
    return NULL;
}

/* A batch that nobody refers to becomes FREE; its address is forgotten. */
static void forget(struct cache *cache, struct batch *batch)
{
    CHECK(batch->refs == 0);
    if (batch->state == BATCH_READY) {
        TAILQ_REMOVE(&cache->idle, batch, idle);
        figure_sub(&cache->figures->batches_cached, 1);
    }
    LIST_REMOVE(batch, hashed);
    figure_sub(&cache->figures->slab_bytes_in_use, batch->layout->bytes);
    batch_set_state(batch, BATCH_FREE);
    TAILQ_INSERT_HEAD(&cache->free, batch, idle);
}

static uint64_t wanted_in(const struct cache *cache, const struct batch *batch)
{
    uint64_t soonest = WANT_NEVER;
    const struct want *want;
    LIST_FOREACH (want, &cache->wants, entry) {
        uint64_t distance = want_distance(want, batch);
        soonest = distance < soonest ? distance : soonest;
    }
    return soonest;
}

/* The idle batch that nobody will want, or that is wanted latest.  Of many the ones let go first
 * and last are looked at: what a trainer far ahead leaves for one behind stands at the end. */
static struct batch *pick_victim(const struct cache *cache, uint64_t *latest)
{
    struct batch *front = TAILQ_FIRST(&cache->idle);
    struct batch *back = TAILQ_LAST(&cache->idle, batch_list);
    struct batch *picked = NULL;
    *latest = 0;
    for (int i = 0; i < LOOKED_AT && *latest != WANT_NEVER; i++) {
        struct batch *batch = i % 2 == 0 ? front : back;
        uint64_t distance = wanted_in(cache, batch);
        if (picked == NULL || distance > *latest) {
            picked = batch;
            *latest = distance;
        }
        if (front == back)
            break;
        if (i % 2 == 0)
            front = TAILQ_NEXT(front, idle);
        else
            back = TAILQ_PREV(back, batch_list, idle);
    }
    return picked;
}

static void evict(struct cache *cache)
{
    uint64_t wanted;
    struct batch *batch = pick_victim(cache, &wanted);
    CHECK(batch != NULL);
    figure_add(&cache->figures->batches_evicted, 1);
    if (wanted != WANT_NEVER)
        figure_add(&cache->figures->batches_evicted_wanted, 1);
    forget(cache, batch);
}

static void destroy(struct cache *cache, struct batch *batch)
{
    TAILQ_REMOVE(&cache->free, batch, idle);
    cache->bytes -= batch->layout->bytes;
    batch_close(&batch);
}

/* Room for so many more bytes, as far as what is referenced allows: FREE slabs of other streams go
 * first, then idle batches. */
static void make_room(struct cache *cache, size_t bytes)
{
    while (cache->bytes + bytes > cache->bytes_max &&
           !(TAILQ_EMPTY(&cache->free) && TAILQ_EMPTY(&cache->idle))) {
        if (TAILQ_EMPTY(&cache->free))
            evict(cache);
        destroy(cache, TAILQ_FIRST(&cache->free));
    }
}

void cache_set_bytes_max(struct cache *cache, size_t bytes_max)
{
    cache->bytes_max = bytes_max;
    make_room(cache, 0);
}

static struct batch *find_of(const struct batch_list *list, const struct stream *stream)
{
    struct batch *batch;
    TAILQ_FOREACH (batch, list, idle) {
        if (batch->stream == stream)
            return batch;
    }
    return NULL;
}

void cache_forget_stream(struct cache *cache, const struct stream *stream)
{
    struct batch *batch;
    while ((batch = find_of(&cache->idle, stream)) != NULL)
        forget(cache, batch);
    while ((batch = find_of(&cache->free, stream)) != NULL)
        destroy(cache, batch);
}

static struct batch *find_free(const struct cache *cache, const struct layout *layout)
{
    struct batch *batch;
    TAILQ_FOREACH (batch, &cache->free, idle) {
        if (batch->layout == layout)
            return batch;
    }
    return NULL;
}

size_t cache_bytes_free(const struct cache *cache)
{
    return cache->bytes_max > cache->bytes_pinned ? cache->bytes_max - cache->bytes_pinned : 0;
}

enum stk_status cache_take(struct cache *cache, const struct layout *layout, struct batch **batch)
{
    *batch = NULL;
    /* Before anything is evicted for a slab that would not fit all the same. */
    if (layout->bytes > cache_bytes_free(cache))
        return STK_OVERLOADED;
    *batch = find_free(cache, layout);
    /* The budget is used: the slab that is evicted is recycled where it is of this stream. */
    if (*batch == NULL && cache->bytes + layout->bytes > cache->bytes_max &&
        !TAILQ_EMPTY(&cache->idle)) {
        evict(cache);
        *batch = find_free(cache, layout);
    }
    if (*batch != NULL) {
        TAILQ_REMOVE(&cache->free, *batch, idle);
    } else {
        make_room(cache, layout->bytes);
        enum stk_status status = batch_open(layout, batch);
        if (status != STK_OK)
            return status;
        cache->bytes += layout->bytes;
    }
    cache->bytes_pinned += layout->bytes;
    return STK_OK;
}

void cache_put(struct cache *cache, struct batch *batch)
{
    CHECK(batch->state == BATCH_PLANNED && batch->refs == 0);
    batch->refs = 1;
    LIST_INSERT_HEAD(bucket_of(cache, batch->stream, batch->address), batch, hashed);
    figure_add(&cache->figures->slab_bytes_in_use, batch->layout->bytes);
}

void cache_ref(struct cache *cache, struct batch *batch)
{
    CHECK(batch->state != BATCH_FREE);
    if (batch->refs++ == 0) {
        cache->bytes_pinned += batch->layout->bytes;
        TAILQ_REMOVE(&cache->idle, batch, idle);
        figure_sub(&cache->figures->batches_cached, 1);
    }
}

void cache_unref(struct cache *cache, struct batch **batch)
{
    struct batch *let_go = *batch;
    *batch = NULL;
    CHECK(let_go->refs > 0);
    if (--let_go->refs > 0)
        return;
    cache->bytes_pinned -= let_go->layout->bytes;
    if (let_go->state == BATCH_READY) {
        TAILQ_INSERT_TAIL(&cache->idle, let_go, idle);
        figure_add(&cache->figures->batches_cached, 1);
    } else {
        forget(cache, let_go);
    }
    make_room(cache, 0);
}

void cache_close(struct cache **cache)
{
    if (*cache == NULL)
        return;
    while (!TAILQ_EMPTY(&(*cache)->idle))
        forget(*cache, TAILQ_FIRST(&(*cache)->idle));
    while (!TAILQ_EMPTY(&(*cache)->free))
        destroy(*cache, TAILQ_FIRST(&(*cache)->free));
    CHECK((*cache)->bytes == 0);
    free(*cache);
    *cache = NULL;
}
