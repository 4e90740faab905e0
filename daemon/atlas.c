/*
 * The atlas: who refers to which maps, and the thread.
 *
 * Lock order: atlas->lock and a maps->lock are never held at once.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/atlas_parts.h"
#include "daemon/base/check.h"

/* Under lock: maps of which something is asked, NULL where there are none. */
static struct maps *next_asked(struct atlas *atlas)
{
    struct maps *maps;
    LIST_FOREACH (maps, &atlas->maps, entry) {
        enum maps_noting noting = atomic_load(&maps->noting);
        if (maps->refs == 0 || noting == NOTING_BEGIN || noting == NOTING_FINISH)
            return maps;
    }
    return NULL;
}

/* What is not complete when nobody refers to it any more is left to who goes on: a finished index
 * would be copied then, and a large one is not on the disk in the time that a restart may take. */
static void serve(struct maps *maps, bool wanted)
{
    enum maps_noting noting = atomic_load(&maps->noting);
    if (noting == NOTING_FINISH)
        maps_finish_noting(maps);
    else if (noting == NOTING_BEGIN && wanted)
        maps_begin_noting(maps);
    if (!wanted)
        maps_close(&maps);
}

/* It outlives the server, and so whoever would know what to do with a signal. */
static void block_signals(void)
{
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *atlas_main(void *argument)
{
    struct atlas *atlas = argument;
    block_signals();
    pthread_mutex_lock(&atlas->lock);
    for (;;) {
        struct maps *maps = next_asked(atlas);
        if (maps == NULL && atomic_load(&atlas->closing))
            break;
        if (maps == NULL) {
            pthread_cond_wait(&atlas->asked, &atlas->lock);
            continue;
        }
        bool wanted = maps->refs > 0;
        if (!wanted)
            LIST_REMOVE(maps, entry);
        pthread_mutex_unlock(&atlas->lock);
        serve(maps, wanted);
        pthread_mutex_lock(&atlas->lock);
    }
    pthread_mutex_unlock(&atlas->lock);
    return NULL;
}

enum stk_status atlas_open(struct atlas **atlas)
{
    *atlas = NULL;
    struct atlas *made = calloc(1, sizeof *made);
    if (made == NULL)
        return STK_MEMORY;
    LIST_INIT(&made->maps);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->asked, NULL);
    if (pthread_create(&made->thread, NULL, atlas_main, made) != 0) {
        pthread_cond_destroy(&made->asked);
        pthread_mutex_destroy(&made->lock);
        free(made);
        return STK_SYSTEM;
    }
    *atlas = made;
    return STK_OK;
}

static void wake(struct atlas *atlas)
{
    pthread_mutex_lock(&atlas->lock);
    pthread_cond_signal(&atlas->asked);
    pthread_mutex_unlock(&atlas->lock);
}

void atlas_close(struct atlas **atlas)
{
    struct atlas *closing = *atlas;
    *atlas = NULL;
    if (closing == NULL)
        return;
    pthread_mutex_lock(&closing->lock);
    atomic_store(&closing->closing, true);
    pthread_cond_signal(&closing->asked);
    pthread_mutex_unlock(&closing->lock);
    pthread_join(closing->thread, NULL);
    CHECK(LIST_EMPTY(&closing->maps));
    pthread_cond_destroy(&closing->asked);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}

void maps_ask(struct maps *maps, enum maps_noting from, enum maps_noting to)
{
    if (atomic_compare_exchange_strong(&maps->noting, &from, to))
        wake(maps->atlas);
}

/* The open maps of a wish, with one more reference; NULL where they are to be opened.  Their files
 * are looked at without the lock, under the reference. */
static struct maps *take_open(struct atlas *atlas, const struct maps_wish *wish)
{
    struct maps *maps;
    pthread_mutex_lock(&atlas->lock);
    LIST_FOREACH (maps, &atlas->maps, entry) {
        if (maps->refs > 0 && strcmp(maps->wish, wish->index) == 0 &&
            strcmp(maps->root, wish->root) == 0)
            break;
    }
    if (maps != NULL)
        maps->refs++;
    pthread_mutex_unlock(&atlas->lock);
    if (maps == NULL)
        return NULL;
    atomic_fetch_add(&maps->samples, wish->samples);
    if (!maps_are_current(maps))
        maps_unref(&maps, wish->samples);
    return maps;
}

enum stk_status atlas_take(struct atlas *atlas, const struct maps_wish *wish, struct maps **maps)
{
    *maps = NULL;
    if (strcmp(wish->index, "off") == 0)
        return STK_OK;
    *maps = take_open(atlas, wish);
    if (*maps != NULL)
        return STK_OK;
    enum stk_status status = maps_open(atlas, wish, maps);
    if (status != STK_OK)
        return status;
    pthread_mutex_lock(&atlas->lock);
    LIST_INSERT_HEAD(&atlas->maps, *maps, entry);
    pthread_mutex_unlock(&atlas->lock);
    return STK_OK;
}

void maps_unref(struct maps **maps, uint64_t samples)
{
    struct maps *left = *maps;
    *maps = NULL;
    if (left == NULL)
        return;
    struct atlas *atlas = left->atlas;
    atomic_fetch_sub(&left->samples, samples);
    pthread_mutex_lock(&atlas->lock);
    if (--left->refs == 0)
        pthread_cond_signal(&atlas->asked);
    pthread_mutex_unlock(&atlas->lock);
}
