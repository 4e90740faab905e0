/*
 * Noting: an index in the state directory is begun, or gone on with, and finished.
 */
#include <errno.h>

#include "daemon/atlas_parts.h"
#include "daemon/base/log.h"
#include "daemon/index/home.h"
#include "daemon/source/fault.h"

/* The index can be neither begun nor finished.  Nobody else changes noting meanwhile: it was this
 * thread that was asked. */
static void give_up(struct maps *maps, const char *path, const char *reason)
{
    atomic_store(&maps->noting, NOTING_NEVER);
    LOG(WARN, "index.not_noted", LOG_TEXT("root", maps->root), LOG_TEXT("path", path),
        LOG_TEXT("reason", reason));
}

/* What stands there already goes into the new one. */
static enum stk_status open_writer(const struct maps *maps, struct index_writer **writer,
                                   char *reason)
{
    const struct volume *state = &maps->volumes[MAPS_STATE];
    if (index_home_make(state->path) != STK_OK)
        return fault_write(reason, STK_SYSTEM, "cannot make its folder: %s",
                           fault_reason(errno).text);
    if (!index_home_has_room(state->path, state->file.stx_size))
        return fault_write(reason, STK_SYSTEM, "less than %d MiB would be free on its disk",
                           INDEX_HOME_FREE_BYTES_MIN >> 20);
    enum stk_status status = index_writer_open(state->path, writer, reason);
    if (status == STK_OK && state->index != NULL)
        status = index_writer_add_all(*writer, state->index, &maps->atlas->closing, reason);
    if (status != STK_OK)
        index_writer_close(writer);
    return status;
}

/* Another daemon may have finished what this one is about to begin; or be at it: then it is looked
 * for again when an epoch has passed. */
void maps_begin_noting(struct maps *maps)
{
    const char *path = maps->volumes[MAPS_STATE].path;
    char reason[INDEX_ERROR_BYTES];
    struct index_writer *writer = NULL;
    if (path == NULL) {
        give_up(maps, "",
                "there is no state directory: neither STATE_DIRECTORY, XDG_STATE_HOME "
                "nor HOME names one");
        return;
    }
    if (maps_refresh(maps, MAPS_STATE)) {
        maps_settle(maps);
        atomic_store(&maps->noting, NOTING_IDLE);
        return;
    }
    enum stk_status status = open_writer(maps, &writer, reason);
    if (status == STK_IN_USE) {
        if (!maps->in_use)
            LOG(NOTICE, "index.in_use", LOG_TEXT("path", path), LOG_TEXT("reason", reason));
        maps->in_use = true;
        atomic_store(&maps->missed, 0);
        atomic_store(&maps->patience, atomic_load(&maps->samples));
        atomic_store(&maps->noting, NOTING_IDLE);
        return;
    }
    if (status == STK_CLOSED) {
        atomic_store(&maps->noting, NOTING_IDLE);
        return;
    }
    if (status != STK_OK) {
        give_up(maps, path, reason);
        return;
    }
    LOG(NOTICE, "index.noting", LOG_TEXT("path", path),
        LOG_NUMBER("samples", index_writer_counts(writer).samples));
    atomic_store(&maps->quiet, 0);
    atomic_store(&maps->noted, 0);
    pthread_rwlock_wrlock(&maps->lock);
    maps->writer = writer;
    pthread_rwlock_unlock(&maps->lock);
    atomic_store(&maps->noting, NOTING_ON);
}

void maps_finish_noting(struct maps *maps)
{
    char reason[INDEX_ERROR_BYTES];
    pthread_rwlock_wrlock(&maps->lock);
    struct index_writer *writer = maps->writer;
    maps->writer = NULL;
    pthread_rwlock_unlock(&maps->lock);
    if (writer == NULL)
        return;
    struct index_writer_counts counts = index_writer_counts(writer);
    if (counts.samples == 0) {
        index_writer_close(&writer);
        atomic_store(&maps->noting, NOTING_NEVER);
        return;
    }
    const char *path = maps->volumes[MAPS_STATE].path;
    if (index_writer_finish(&writer, reason) != STK_OK) {
        give_up(maps, path, reason);
        return;
    }
    LOG(NOTICE, "index.finished", LOG_TEXT("path", path), LOG_NUMBER("samples", counts.samples),
        LOG_NUMBER("with_entries", counts.with_entries), LOG_NUMBER("bytes", counts.bytes));
    (void)maps_refresh(maps, MAPS_STATE);
    maps_settle(maps);
    atomic_store(&maps->noting, atomic_load(&maps->noted) > 0 ? NOTING_IDLE : NOTING_NEVER);
}
