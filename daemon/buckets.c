/*
 * Buckets: each is a time, that at which it is full again.  A token makes it later.
 */
#include "daemon/buckets.h"

#include <stddef.h>

static uint64_t hash(struct bucket_owner owner)
{
    uint64_t mixed = (owner.number ^ owner.kind) * 0x9e3779b97f4a7c15u;
    return mixed >> 32;
}

/* The owner's row, or the one of its set that is full soonest, which becomes the owner's. */
static struct bucket *find(struct buckets *buckets, struct bucket_owner owner)
{
    struct bucket *rows = buckets->rows[hash(owner) % BUCKETS_SETS];
    struct bucket *soonest = &rows[0];
    for (int i = 0; i < BUCKETS_WAYS; i++) {
        if (rows[i].owner.number == owner.number && rows[i].owner.kind == owner.kind)
            return &rows[i];
        if (rows[i].full_ns < soonest->full_ns)
            soonest = &rows[i];
    }
    *soonest = (struct bucket){.owner = owner};
    return soonest;
}

/* When a bucket is full again after one more token; 0 where it has none. */
static uint64_t after_token(uint64_t full_ns, uint64_t token_ns, uint64_t depth_ns, uint64_t now_ns)
{
    uint64_t after_ns = (full_ns > now_ns ? full_ns : now_ns) + token_ns;
    return after_ns - now_ns <= depth_ns ? after_ns : 0;
}

bool buckets_take(struct buckets *buckets, const struct bucket_law *law, struct bucket_owner owner,
                  uint64_t now_ns)
{
    if (law->token_ns == 0)
        return true;
    uint64_t all_ns =
        after_token(buckets->full_ns, law->token_ns / BUCKETS_ADDRESSES, law->depth_ns, now_ns);
    struct bucket *bucket = all_ns != 0 ? find(buckets, owner) : NULL;
    uint64_t own_ns =
        bucket != NULL ? after_token(bucket->full_ns, law->token_ns, law->depth_ns, now_ns) : 0;
    if (own_ns == 0)
        return false;
    bucket->full_ns = own_ns;
    buckets->full_ns = all_ns;
    return true;
}
