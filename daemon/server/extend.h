/*
 * Extending: while data are listed, the service manager is asked for more time, as long as the
 * listing moves.  One that hangs is left to the manager's own patience.
 */
#ifndef STK_SERVER_EXTEND_H
#define STK_SERVER_EXTEND_H

#include <pthread.h>

#include "daemon/source/source.h"

/* Caller's storage; all zero before its first start. */
struct server_extend {
    struct source_watch watch; /* handed to the listing */
    pthread_t thread;
    bool running; /* the thread is to be joined */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over; /* under lock: the listing is */
};

/** Begin to ask; without a thread to do so there is no asking.  Threads: any.  Blocks: no. */
void server_extend_start(struct server_extend *extend);

/** The listing is over; it may be started again.  Threads: the one that started.  Blocks: no. */
void server_extend_stop(struct server_extend *extend);

#endif
