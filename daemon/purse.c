/*
 * Purse: what looks may take.
 */
#include "daemon/purse.h"

#define MS ((int64_t)1000000)

static int64_t filled_ns(uint32_t workers, uint64_t ms)
{
    return (int64_t)workers * (int64_t)ms * MS * PURSE_SHARE_PERMILLE / 1000;
}

static int64_t smaller(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

void purse_init(struct purse *purse, uint32_t workers)
{
    *purse = (struct purse){.workers = workers,
                            .max_ns = (int64_t)workers * PURSE_MS_PER_WORKER * MS,
                            .advance_ns = filled_ns(workers, PURSE_ADVANCE_S * 1000)};
    purse->ns = purse->max_ns;
    purse->look_ns = smaller(purse->max_ns + purse->advance_ns, PURSE_LOOK_MS_MAX * MS);
}

void purse_fill(struct purse *purse, uint64_t ms)
{
    purse->ns = smaller(purse->ns + filled_ns(purse->workers, ms), purse->max_ns);
}

/* The number of the look's row; PURSE_REMEMBERED where it has none. */
static unsigned find(const struct purse *purse, uint64_t look)
{
    unsigned i = 0;
    while (i < PURSE_REMEMBERED &&
           (purse->stopped[i].look != look || purse->stopped[i].wants_ns == 0))
        i++;
    return i;
}

/* What a look must be given, to begin. */
static int64_t wanted_ns(const struct purse *purse, uint64_t look)
{
    unsigned row = find(purse, look);
    return row < PURSE_REMEMBERED ? smaller(purse->stopped[row].wants_ns, purse->look_ns) : 0;
}

struct purse_share purse_share(const struct purse *purse, uint64_t look)
{
    int64_t ns = smaller(purse->ns + purse->advance_ns, purse->look_ns);
    if (purse->ns <= 0 || ns < wanted_ns(purse, look))
        return (struct purse_share){0};
    return (struct purse_share){(uint64_t)ns, ns == purse->look_ns};
}

static void remember(struct purse *purse, uint64_t look, int64_t ns)
{
    unsigned row = find(purse, look);
    if (row == PURSE_REMEMBERED)
        row = purse->stopped_count++ % PURSE_REMEMBERED;
    purse->stopped[row] = (struct purse_stopped){look, ns * PURSE_MORE};
}

void purse_pay(struct purse *purse, uint64_t look, uint64_t ns, bool stopped)
{
    purse->ns -= (int64_t)ns;
    if (stopped)
        remember(purse, look, (int64_t)ns);
}
