/*
 * Purse: processor time for looks, which fills with a small share of the workers' time.
 *
 * A look begins while there is something in it, and may take that and a little in advance.  There
 * it is stopped, so that whoever comes next waits for a few seconds and no longer.  All that it
 * took is paid: whatever is asked for, and however often, no more is spent than what was filled in.
 *
 * A look that was stopped would be stopped again; so it is remembered, and begins anew when it may
 * take much more, or the purse is full.  It knows no clock and no threads.
 */
#ifndef STK_PURSE_H
#define STK_PURSE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PURSE_SHARE_PERMILLE = 15, /* of the workers' time */
    PURSE_MS_PER_WORKER = 500, /* that it holds at most */
    PURSE_ADVANCE_S = 4,       /* what is filled in meanwhile may be taken in advance */
    PURSE_LOOK_MS_MAX = 2000,  /* for one look, however full it is */
    PURSE_REMEMBERED = 64,     /* looks, those that were stopped last */
    PURSE_MORE = 4,            /* times what it took is given to one that was stopped */
};

struct purse_stopped {
    uint64_t look;
    int64_t wants_ns; /* 0: the row is unused */
};

struct purse {
    uint32_t workers;
    int64_t ns;         /* below 0: taken in advance */
    int64_t max_ns;     /* that it holds */
    int64_t advance_ns; /* that may be taken in advance */
    int64_t look_ns;    /* for one look, at most */
    struct purse_stopped stopped[PURSE_REMEMBERED];
    unsigned stopped_count; /* rows that were ever taken */
};

/* What a look may take. */
struct purse_share {
    uint64_t ns; /* 0: it may not begin now */
    bool most;   /* it will never be more */
};

/** Begin with a full purse, of so many workers' time.  Threads: one, here and below. */
void purse_init(struct purse *purse, uint32_t workers);

/** So much time has passed. */
void purse_fill(struct purse *purse, uint64_t ms);

/** What a look may take that would begin now; look is a number of its own. */
struct purse_share purse_share(const struct purse *purse, uint64_t look);

/** A look has taken so much; stopped tells that nothing came of it. */
void purse_pay(struct purse *purse, uint64_t look, uint64_t ns, bool stopped);

#endif
