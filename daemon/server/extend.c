/*
 * Extending: a thread that looks at a listing every second.
 */
#include "daemon/server/extend.h"

#include <errno.h>
#include <time.h>

#include "daemon/notify.h"

enum { LOOK_S = 1 };

/* So long a listing may take for its next step, a folder's or some hundred files'. */
static const char more[] = "EXTEND_TIMEOUT_USEC=60000000";

/* Under lock: whether the listing is over before a second is. */
static bool is_over(struct server_extend *extend, struct timespec *next)
{
    next->tv_sec += LOOK_S;
    while (!extend->over) {
        if (pthread_cond_timedwait(&extend->ended, &extend->lock, next) == ETIMEDOUT)
            break;
    }
    return extend->over;
}

static void *ask(void *argument)
{
    struct server_extend *extend = argument;
    uint64_t seen = 0;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&extend->lock);
    while (!is_over(extend, &next)) {
        uint64_t steps = atomic_load_explicit(&extend->watch.steps, memory_order_relaxed);
        if (steps != seen)
            notify_state(more);
        seen = steps;
    }
    pthread_mutex_unlock(&extend->lock);
    return NULL;
}

void server_extend_start(struct server_extend *extend)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&extend->lock, NULL);
    pthread_cond_init(&extend->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    extend->over = false;
    atomic_store_explicit(&extend->watch.steps, 0, memory_order_relaxed);
    extend->running = pthread_create(&extend->thread, NULL, ask, extend) == 0;
}

void server_extend_stop(struct server_extend *extend)
{
    pthread_mutex_lock(&extend->lock);
    extend->over = true;
    pthread_cond_signal(&extend->ended);
    pthread_mutex_unlock(&extend->lock);
    if (extend->running)
        pthread_join(extend->thread, NULL);
    extend->running = false;
    pthread_cond_destroy(&extend->ended);
    pthread_mutex_destroy(&extend->lock);
}
