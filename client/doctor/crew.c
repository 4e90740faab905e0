/*
 * A crew: counters that its threads share, and a bar of them.
 */
#include "client/doctor/crew.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_CELLS = 30, BAR_MS = 200 };

struct crew {
    uint64_t count;
    crew_work *work;
    void *context;
    /* Relaxed: counters, and what is made by their numbers is handed on by the join. */
    atomic_uint_fast64_t next, done, bad;
    atomic_bool stopped;
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a thread did */
    uint32_t running;     /* threads; under lock */
};

bool crew_next(struct crew *crew, uint64_t *index)
{
    if (atomic_load_explicit(&crew->stopped, memory_order_relaxed))
        return false;
    *index = atomic_fetch_add_explicit(&crew->next, 1, memory_order_relaxed);
    return *index < crew->count;
}

void crew_done(struct crew *crew, bool bad)
{
    atomic_fetch_add_explicit(&crew->bad, bad, memory_order_relaxed);
    atomic_fetch_add_explicit(&crew->done, 1, memory_order_relaxed);
}

void crew_stop(struct crew *crew)
{
    atomic_store_explicit(&crew->stopped, true, memory_order_relaxed);
}

enum stk_status crew_reserve(void *context, struct encoded *encoded, size_t bytes)
{
    const uint64_t *bytes_max = context;
    if (bytes > *bytes_max)
        return STK_LIMIT;
    if (bytes <= encoded->capacity)
        return STK_OK;
    uint8_t *data = realloc(encoded->data, bytes);
    if (data == NULL)
        return STK_MEMORY;
    encoded->data = data;
    encoded->capacity = bytes;
    return STK_OK;
}

static void change_running(struct crew *crew, int by)
{
    pthread_mutex_lock(&crew->lock);
    crew->running += (uint32_t)by;
    pthread_cond_signal(&crew->ended);
    pthread_mutex_unlock(&crew->lock);
}

static void *crew_thread(void *context)
{
    struct crew *crew = context;
    crew->work(crew, crew->context);
    change_running(crew, -1);
    return NULL;
}

static void draw_bar(struct crew *crew)
{
    uint64_t done = atomic_load_explicit(&crew->done, memory_order_relaxed);
    uint64_t bad = atomic_load_explicit(&crew->bad, memory_order_relaxed);
    char bar[BAR_CELLS + 1];
    size_t cells = crew->count > 0 ? (size_t)(done * BAR_CELLS / crew->count) : BAR_CELLS;
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', cells);
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "\r  [%s] %" PRIu64 " of %" PRIu64 ", %" PRIu64 " bad", bar, done, crew->count,
            bad);
}

/* Until no thread runs any more. */
static void await(struct crew *crew)
{
    bool shown = isatty(STDERR_FILENO);
    pthread_mutex_lock(&crew->lock);
    while (crew->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += BAR_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&crew->ended, &crew->lock, &until);
        if (shown)
            draw_bar(crew);
    }
    pthread_mutex_unlock(&crew->lock);
    if (shown)
        fputs("\r\033[K", stderr);
}

static void run(struct crew *crew, uint32_t threads)
{
    pthread_t started[CREW_THREADS_MAX];
    uint32_t count = 0;
    for (; count < threads && count < CREW_THREADS_MAX; count++) {
        change_running(crew, 1);
        if (pthread_create(&started[count], NULL, crew_thread, crew) == 0)
            continue;
        change_running(crew, -1);
        break;
    }
    await(crew);
    for (uint32_t i = 0; i < count; i++)
        pthread_join(started[i], NULL);
}

bool crew_run(uint64_t count, uint32_t threads, crew_work *work, void *context)
{
    struct crew crew = {.count = count, .work = work, .context = context};
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.ended, NULL);
    run(&crew, threads > 0 ? threads : cores_count(""));
    pthread_cond_destroy(&crew.ended);
    pthread_mutex_destroy(&crew.lock);
    return atomic_load_explicit(&crew.done, memory_order_relaxed) == count;
}
