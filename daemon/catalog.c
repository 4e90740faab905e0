/*
 * The catalog: streams by name.
 */
#include "daemon/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stream *find(const struct catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->stream_count; i++) {
        if (strcmp(catalog->streams[i]->name, name) == 0)
            return catalog->streams[i];
    }
    return NULL;
}

/* The one that is served already, where both are alike: what refers to it stays good. */
static void prefer_served(const struct catalog *before, struct stream **stream)
{
    struct stream *served = before != NULL ? find(before, (*stream)->name) : NULL;
    if (served == NULL || !stream_is_like(served, *stream))
        return;
    stream_close(stream);
    stream_ref(served);
    *stream = served;
}

static enum stk_status open_streams(struct catalog *catalog, const struct config *config,
                                    const struct stream_listing *listing,
                                    const struct catalog *before, char *error)
{
    for (size_t i = 0; i < config->stream_count; i++) {
        struct stream **stream = &catalog->streams[i];
        enum stk_status status = stream_open(&config->streams[i], listing, stream, error);
        if (status != STK_OK)
            return status;
        catalog->stream_count++;
        prefer_served(before, stream);
    }
    return STK_OK;
}

enum stk_status catalog_open(struct config **config, const struct stream_listing *listing,
                             const struct catalog *before, struct catalog **catalog, char *error)
{
    *catalog = NULL;
    struct catalog *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->threads = listing->threads;
        made->atlas = listing->atlas;
        made->streams = calloc((*config)->stream_count, sizeof made->streams[0]);
    }
    enum stk_status status = STK_MEMORY;
    if (made == NULL || made->streams == NULL)
        snprintf(error, CONFIG_ERROR_BYTES, "no memory for %zu streams", (*config)->stream_count);
    else
        status = keys_open(*config, before != NULL ? before->keys : NULL, &made->keys, error);
    if (status == STK_OK)
        status = open_streams(made, *config, listing, before, error);
    if (status != STK_OK) {
        catalog_close(&made);
        return status;
    }
    made->config = *config;
    *config = NULL;
    *catalog = made;
    return STK_OK;
}

void catalog_close(struct catalog **catalog)
{
    struct catalog *closing = *catalog;
    *catalog = NULL;
    if (closing == NULL)
        return;
    for (size_t i = 0; i < closing->stream_count; i++)
        stream_close(&closing->streams[i]);
    free(closing->streams);
    keys_close(&closing->keys);
    config_close(&closing->config);
    free(closing);
}

static enum catalog_change change_of(const struct stream *before, const struct stream *after)
{
    if (before == after)
        return CATALOG_SAME;
    bool alike = memcmp(&before->fingerprint, &after->fingerprint, sizeof before->fingerprint) == 0;
    return alike ? CATALOG_RENEWED : CATALOG_CHANGED;
}

size_t catalog_compare(const struct catalog *before, const struct catalog *after,
                       struct catalog_row rows[CATALOG_ROWS_MAX])
{
    size_t count = 0;
    size_t i = 0;
    size_t k = 0;
    while (i < before->stream_count || k < after->stream_count) {
        struct stream *old = i < before->stream_count ? before->streams[i] : NULL;
        struct stream *new = k < after->stream_count ? after->streams[k] : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : strcmp(old->name, new->name);
        if (order < 0)
            rows[count] = (struct catalog_row){CATALOG_REMOVED, old, NULL};
        else if (order > 0)
            rows[count] = (struct catalog_row){CATALOG_ADDED, NULL, new};
        else
            rows[count] = (struct catalog_row){change_of(old, new), old, new};
        count++;
        i += order <= 0;
        k += order >= 0;
    }
    return count;
}
