/*
 * The maps of a data set: from two indexes at most, and from the one that is being made.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/atlas_parts.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/index/home.h"

enum {
    MISSED_SHARE = 100, /* one in so many samples may be missing before they are noted */
    NOTED_BYTES = 64,   /* of memory for a sample of an index that is being made */
    ROOM_EVERY = 8,     /* notes room is looked for on the disk */
};

#define TELL_NS UINT64_C(60000000000)

/* Opening. */

static void look(const char *path, struct statx *file)
{
    if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, file) != 0)
        memset(file, 0, sizeof *file);
}

static bool is_same_file(const struct statx *one, const struct statx *other)
{
    return one->stx_mask == other->stx_mask && one->stx_ino == other->stx_ino &&
           one->stx_dev_major == other->stx_dev_major &&
           one->stx_dev_minor == other->stx_dev_minor && one->stx_size == other->stx_size &&
           one->stx_mtime.tv_sec == other->stx_mtime.tv_sec &&
           one->stx_mtime.tv_nsec == other->stx_mtime.tv_nsec;
}

/* What is damaged is as good as none, but somebody should know. */
static struct index *open_index(const char *path, uint64_t bytes_max)
{
    struct index *index;
    char reason[INDEX_ERROR_BYTES];
    enum stk_status status =
        index_open(path, bytes_max > 0 ? bytes_max : UINT64_MAX, &index, reason);
    if (status != STK_OK && status != STK_END)
        LOG(WARN, "index.refused", LOG_TEXT("path", path), LOG_TEXT("reason", reason));
    return index;
}

bool maps_refresh(struct maps *maps, enum maps_volume number)
{
    struct volume *volume = &maps->volumes[number];
    struct statx file;
    look(volume->path, &file);
    if (is_same_file(&file, &volume->file))
        return false;
    struct index *index =
        file.stx_mask != 0 ? open_index(volume->path, maps->index_bytes_max) : NULL;
    pthread_rwlock_wrlock(&maps->lock);
    struct index *before = volume->index;
    volume->index = index;
    volume->file = file;
    pthread_rwlock_unlock(&maps->lock);
    index_close(&before);
    if (index != NULL)
        LOG(NOTICE, "index.opened", LOG_TEXT("path", volume->path),
            LOG_NUMBER("samples", index_count(index)),
            LOG_NUMBER("with_entries", index_count_with_entries(index)));
    return true;
}

static bool set_path(struct volume *volume, enum stk_status found, const char *path)
{
    volume->path = found == STK_OK ? strdup(path) : NULL;
    return found != STK_OK || volume->path != NULL;
}

static bool set_paths(struct maps *maps, const struct maps_wish *wish)
{
    char path[PATH_MAX];
    if (strcmp(wish->index, "auto") != 0)
        return set_path(&maps->volumes[MAPS_GIVEN], STK_OK, wish->index);
    atomic_store(&maps->noting, NOTING_IDLE);
    return set_path(&maps->volumes[MAPS_GIVEN], index_home_beside(wish->root, path), path) &&
           set_path(&maps->volumes[MAPS_STATE], index_home_state(wish->root, path), path);
}

void maps_settle(struct maps *maps)
{
    bool begun = maps->volumes[MAPS_GIVEN].index != NULL || maps->volumes[MAPS_STATE].index != NULL;
    atomic_store(&maps->missed, 0);
    atomic_store(&maps->patience, begun ? atomic_load(&maps->samples) / MISSED_SHARE : 0);
}

enum stk_status maps_open(struct atlas *atlas, const struct maps_wish *wish, struct maps **maps)
{
    *maps = NULL;
    struct maps *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return STK_MEMORY;
    pthread_rwlock_init(&opened->lock, NULL);
    opened->atlas = atlas;
    opened->wish = strdup(wish->index);
    opened->root = strdup(wish->root);
    opened->index_bytes_max = wish->index_bytes_max;
    opened->refs = 1;
    atomic_store(&opened->samples, wish->samples);
    if (opened->wish == NULL || opened->root == NULL || !set_paths(opened, wish)) {
        maps_close(&opened);
        return STK_MEMORY;
    }
    for (int i = 0; i < MAPS_VOLUMES; i++) {
        if (opened->volumes[i].path != NULL)
            (void)maps_refresh(opened, (enum maps_volume)i);
    }
    maps_settle(opened);
    *maps = opened;
    return STK_OK;
}

void maps_close(struct maps **maps)
{
    struct maps *closed = *maps;
    *maps = NULL;
    for (int i = 0; i < MAPS_VOLUMES; i++) {
        index_close(&closed->volumes[i].index);
        free(closed->volumes[i].path);
    }
    index_writer_close(&closed->writer);
    pthread_rwlock_destroy(&closed->lock);
    free(closed->root);
    free(closed->wish);
    free(closed);
}

/* An index that is being made here is another file soon, and yet what is known already. */
bool maps_are_current(struct maps *maps)
{
    enum maps_noting noting = atomic_load(&maps->noting);
    bool busy = noting != NOTING_NEVER && noting != NOTING_IDLE;
    bool current = true;
    pthread_rwlock_rdlock(&maps->lock);
    for (int i = 0; i < MAPS_VOLUMES && current; i++) {
        const struct volume *volume = &maps->volumes[i];
        struct statx file;
        if (volume->path == NULL || (i == MAPS_STATE && busy))
            continue;
        look(volume->path, &file);
        current = is_same_file(&file, &volume->file);
    }
    pthread_rwlock_unlock(&maps->lock);
    return current;
}

size_t maps_bytes(struct maps *maps, uint64_t samples)
{
    size_t bytes = sizeof *maps;
    pthread_rwlock_rdlock(&maps->lock);
    for (int i = 0; i < MAPS_VOLUMES; i++) {
        const struct index *index = maps->volumes[i].index;
        bytes += index != NULL ? index_bytes(index) : 0;
    }
    if (maps->volumes[MAPS_STATE].path != NULL)
        bytes += samples * NOTED_BYTES;
    pthread_rwlock_unlock(&maps->lock);
    return bytes;
}

/* Finding. */

static enum maps_found judge(enum index_found found, const struct index_sample *sample)
{
    switch (found) {
    case INDEX_FOUND:
        return sample->contents == INDEX_ENTRIES ? MAPS_FOUND : MAPS_USELESS;
    case INDEX_STALE:
    case INDEX_DAMAGED:
        return MAPS_STALE;
    case INDEX_MISSING:
    case INDEX_FAULT:
        break;
    }
    return MAPS_MISSING;
}

/* Under lock: what the indexes say, the better of two answers. */
static enum maps_found look_up(struct maps *maps, const char *path, const struct source_state *file,
                               struct index_buffer *buffer, struct index_sample *sample)
{
    enum maps_found best = MAPS_MISSING;
    for (int i = 0; i <= MAPS_VOLUMES; i++) {
        enum index_found found = INDEX_MISSING;
        if (i < MAPS_VOLUMES && maps->volumes[i].index != NULL)
            found = index_find(maps->volumes[i].index, path, file->bytes, file->mtime_ns, buffer,
                               sample);
        else if (i == MAPS_VOLUMES && maps->writer != NULL)
            found =
                index_writer_find(maps->writer, path, file->bytes, file->mtime_ns, buffer, sample);
        enum maps_found here = judge(found, sample);
        if (here == MAPS_FOUND || here == MAPS_USELESS)
            return here;
        best = here == MAPS_STALE ? here : best;
    }
    return best;
}

/* An index is begun when too much is missing, and finished when as many lookups as there are
 * samples brought nothing to note. */
static void count_lookup(struct maps *maps, enum maps_found found)
{
    bool missed = found == MAPS_MISSING || found == MAPS_STALE;
    enum maps_noting noting = atomic_load_explicit(&maps->noting, memory_order_relaxed);
    if (noting == NOTING_IDLE && missed &&
        atomic_fetch_add_explicit(&maps->missed, 1, memory_order_relaxed) >=
            atomic_load_explicit(&maps->patience, memory_order_relaxed))
        maps_ask(maps, NOTING_IDLE, NOTING_BEGIN);
    if (noting == NOTING_ON && atomic_fetch_add_explicit(&maps->quiet, 1, memory_order_relaxed) >=
                                   atomic_load_explicit(&maps->samples, memory_order_relaxed))
        maps_ask(maps, NOTING_ON, NOTING_FINISH);
}

enum maps_found maps_find(struct maps *maps, const char *path, const struct source_state *file,
                          struct index_buffer *buffer, struct index_sample *sample)
{
    pthread_rwlock_rdlock(&maps->lock);
    enum maps_found found = look_up(maps, path, file, buffer, sample);
    pthread_rwlock_unlock(&maps->lock);
    count_lookup(maps, found);
    return found;
}

void maps_note_stale(struct maps *maps, const char *path)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t told_ns = atomic_load_explicit(&maps->told_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&maps->stale, 1, memory_order_relaxed);
    if ((told_ns != 0 && now_ns - told_ns < TELL_NS) ||
        !atomic_compare_exchange_strong(&maps->told_ns, &told_ns, now_ns))
        return;
    LOG(WARN, "index.stale", LOG_TEXT("root", maps->root), LOG_TEXT("path", path),
        LOG_NUMBER("samples", atomic_exchange_explicit(&maps->stale, 0, memory_order_relaxed)),
        LOG_TEXT("reason", "it is not as it was indexed, and is decoded as without an index"));
}

/* Adding. */

bool maps_wants(const struct maps *maps)
{
    return atomic_load_explicit(&maps->noting, memory_order_relaxed) == NOTING_ON;
}

/* Under lock: whether every sample is known by now. */
static bool is_complete(struct maps *maps)
{
    const struct index *given = maps->volumes[MAPS_GIVEN].index;
    uint64_t known = index_writer_counts(maps->writer).samples;
    return known + (given != NULL ? index_count(given) : 0) >= atomic_load(&maps->samples);
}

/* A record could not be written.  Of several workers whom that meets one tells, and none takes
 * back what the thread was asked for meanwhile.  What was noted stays of use; the next daemon goes
 * on. */
static void stop_adding(struct maps *maps, const char *reason)
{
    enum maps_noting noting = NOTING_ON;
    if (atomic_compare_exchange_strong(&maps->noting, &noting, NOTING_NEVER))
        LOG(WARN, "index.not_noted", LOG_TEXT("path", maps->volumes[MAPS_STATE].path),
            LOG_TEXT("reason", reason));
}

void maps_add(struct maps *maps, const struct index_sample *sample)
{
    char reason[INDEX_ERROR_BYTES];
    bool complete = false;
    enum stk_status status = STK_OK;
    pthread_rwlock_rdlock(&maps->lock);
    if (maps->writer != NULL && maps_wants(maps)) {
        status = index_writer_add(maps->writer, sample, reason);
        complete = status == STK_OK && is_complete(maps);
    }
    pthread_rwlock_unlock(&maps->lock);
    if (status == STK_SYSTEM)
        stop_adding(maps, reason);
    atomic_store_explicit(&maps->quiet, 0, memory_order_relaxed);
    uint64_t noted = atomic_fetch_add_explicit(&maps->noted, 1, memory_order_relaxed);
    bool full = noted % ROOM_EVERY == 0 && !index_home_has_room(maps->volumes[MAPS_STATE].path, 0);
    if (complete || full)
        maps_ask(maps, NOTING_ON, NOTING_FINISH);
}
