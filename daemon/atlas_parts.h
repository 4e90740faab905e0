/*
 * What the files of the atlas share.
 *
 *   atlas.c          the maps of all data sets; the thread
 *   atlas_maps.c     one data set's: opening, finding, adding
 *   atlas_noting.c   an index begun and finished, on the atlas's thread
 */
#ifndef STK_ATLAS_PARTS_H
#define STK_ATLAS_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "daemon/atlas.h"
#include "daemon/index/writer.h"

struct atlas {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked;            /* something is to be done */
    atomic_bool closing;             /* set under lock */
    LIST_HEAD(maps_list, maps) maps; /* under lock */
};

enum maps_volume { MAPS_GIVEN, MAPS_STATE, MAPS_VOLUMES };

/* An index that is read. */
struct volume {
    char *path;          /* owned; NULL: there is none.  Constant */
    struct statx file;   /* what stood there when it was opened; stx_mask 0: nothing did */
    struct index *index; /* owned; NULL: none, or one that is of no use */
};

/* How far noting is.  Who serves asks, the atlas's thread does. */
enum maps_noting {
    NOTING_NEVER, /* it may not be done, or has failed */
    NOTING_IDLE,  /* the indexes are as good as they need be */
    NOTING_BEGIN, /* asked for */
    NOTING_ON,
    NOTING_FINISH, /* asked for */
};

struct maps {
    struct atlas *atlas;
    char *wish; /* owned: the configuration's word or file */
    char *root; /* owned */
    uint64_t index_bytes_max;

    bool in_use;   /* the thread's: it was told that another process notes */
    uint32_t refs; /* under atlas->lock; without one it is the thread's to close */
    LIST_ENTRY(maps) entry;

    pthread_rwlock_t lock;
    struct volume volumes[MAPS_VOLUMES]; /* under lock */
    struct index_writer *writer;         /* under lock */

    /* Relaxed, but for noting: they decide when an index is begun or finished, and no more. */
    _Atomic enum maps_noting noting; /* who changes it to BEGIN or FINISH wakes the thread */
    _Atomic uint64_t samples;        /* of all references */
    _Atomic uint64_t missed;         /* lookups in vain since the indexes were opened */
    _Atomic uint64_t patience;       /* with so many of them */
    _Atomic uint64_t quiet;          /* lookups since something was noted */
    _Atomic uint64_t noted;          /* since it was begun */
    _Atomic uint64_t stale;          /* not told of yet */
    _Atomic uint64_t told_ns;        /* when it was */
};

/* atlas_maps.c */

/** Open the indexes of a wish; STK_OK or STK_MEMORY.  Blocks: on the files. */
STK_MUST_CHECK enum stk_status maps_open(struct atlas *atlas, const struct maps_wish *wish,
                                         struct maps **maps);

/** Close them; nothing is being noted. */
void maps_close(struct maps **maps);

/** Whether their indexes are the files that were opened.  Blocks: on looking at them. */
bool maps_are_current(struct maps *maps);

/** Open an index, or open it anew, where another file stands at its path than was opened; whether
 *  that is so.  Threads: one at a time. */
bool maps_refresh(struct maps *maps, enum maps_volume number);

/** The indexes were opened: count anew what is missing in them. */
void maps_settle(struct maps *maps);

/* atlas_noting.c */

/** Do what is asked for.  Threads: the atlas's. */
void maps_begin_noting(struct maps *maps);
void maps_finish_noting(struct maps *maps);

/* atlas.c */

/** Wake the atlas's thread, where noting is as it was expected to be. */
void maps_ask(struct maps *maps, enum maps_noting from, enum maps_noting to);

#endif
