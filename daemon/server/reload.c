/*
 * Reload: on SIGHUP the configuration is read, and every stream listed, anew.
 *
 *   thread      what it runs here
 *   reload      reload_main: reads, lists, plans the memory; it changes nothing that is served
 *   loop        the rest: what the thread has made is taken over in one turn, or refused
 *
 * There is one such thread at most.  A hangup that comes while it runs begins one more reload after
 * it: it may be about a file that was read already.  While the thread runs, the loop leaves
 * server->catalog as it is, so both may read it.
 *
 * What is not served any more is freed with its last reference.  Batches in the making are made and
 * sent as they were asked for; a request that is not begun goes over to the stream of its name,
 * where that has the address, and is answered with an error where it has not.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/notify.h"
#include "daemon/server/http.h"
#include "daemon/server/parts.h"

/* The thread. */

static enum stk_status list_anew(struct server *server)
{
    struct reload *reload = &server->reload;
    struct config *config;
    enum stk_status status = config_open(server->config_path, &config, reload->error);
    if (status != STK_OK)
        return status;
    reload->held_count = config_hold(config, server->config, reload->held);
    server_key_look(server, config, reload->other_key);
    const struct stream_listing listing = {
        .threads = server->catalog->threads,
        .text_bytes_max = memory_text_bytes_max(config, server->options.workers),
        .watch = &reload->extend.watch,
        .atlas = server->catalog->atlas};
    status = catalog_open(&config, &listing, server->catalog, &reload->catalog, reload->error);
    config_close(&config);
    if (status != STK_OK)
        return status;
    return memory_plan(reload->catalog->config, &server->options, reload->catalog->streams,
                       reload->catalog->stream_count, &reload->plan, reload->error);
}

static void *reload_main(void *argument)
{
    struct server *server = argument;
    server_extend_start(&server->reload.extend);
    server->reload.status = list_anew(server);
    server_extend_stop(&server->reload.extend);
    atomic_store_explicit(&server->reload.done, true, memory_order_release);
    uv_async_send(&server->wake);
    return NULL;
}

/* The loop. */

static void refuse(struct server *server)
{
    struct reload *reload = &server->reload;
    const char *reason = reload->error[0] != '\0' ? reload->error : stk_status_text(reload->status);
    LOG(ERROR, "reload.refused", LOG_TEXT("reason", reason));
    figure_add(&server->figures.reloads_refused, 1);
    snprintf(reload->refusal, sizeof reload->refusal, "%s", reason);
    char state[CONFIG_ERROR_BYTES + 64];
    snprintf(state, sizeof state, "READY=1\nSTATUS=reload refused: %s", reason);
    notify_state(state);
}

static void begin(struct server *server)
{
    struct reload *reload = &server->reload;
    LOG(NOTICE, "reload.started", LOG_TEXT("config", server->config_path));
    notify_reloading();
    notify_state("STATUS=listing the data anew");
    reload->again = false;
    reload->start_ns = clock_now_ns();
    reload->error[0] = '\0';
    atomic_store_explicit(&reload->done, false, memory_order_relaxed);
    reload->running = pthread_create(&reload->thread, NULL, reload_main, server) == 0;
    if (reload->running)
        return;
    snprintf(reload->error, sizeof reload->error, "cannot start a thread to list the data");
    refuse(server);
}

void server_reload(struct server *server)
{
    if (server->draining)
        LOG(NOTICE, "reload.ignored", LOG_TEXT("reason", "the daemon is shutting down"));
    else if (server->reload.running)
        server->reload.again = true;
    else
        begin(server);
}

/* A request of a stream that is not served any more, and that is not begun.  False where the client
 * is not there any more. */
static bool settle(struct server *server, struct client *client, struct request *request)
{
    char message[STK_TEXT_BYTES_MAX];
    const struct stream *stream =
        server_find_stream(server, stk_text_of(request->stream->name), message);
    enum stk_status status =
        stream == NULL
            ? STK_UNKNOWN_STREAM
            : server_check_address(stream, request->pinned ? &request->fingerprint : NULL,
                                   request->address, message);
    if (status == STK_OK) {
        stream_unref(&request->stream);
        request->stream = stream_ref(stream);
        return true;
    }
    uint64_t id = request->id;
    server_request_done(server, client, request);
    status = server_send_error(server, client->identity, client->identity_len, id, status, message);
    return server_is_answered(server, client, status);
}

static void settle_requests(struct server *server)
{
    struct client *client = TAILQ_FIRST(&server->clients);
    while (client != NULL) {
        struct client *next_client = TAILQ_NEXT(client, entry);
        struct request *request = TAILQ_FIRST(&client->requests);
        while (request != NULL) {
            struct request *next = TAILQ_NEXT(request, entry);
            if (request->stream->retired && request->batch == NULL &&
                !settle(server, client, request))
                break;
            request = next;
        }
        client = next_client;
    }
}

static void log_stream(const char *event, const struct stream *stream)
{
    char hex[STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&stream->fingerprint, hex);
    const struct log_field fields[] = {LOG_TEXT("stream", stream->name),
                                       LOG_TEXT("fingerprint", hex),
                                       LOG_NUMBER("samples", stream->samples)};
    log_write(LOG_LEVEL_NOTICE, event, fields, sizeof fields / sizeof fields[0]);
}

static void log_row(const struct catalog_row *row)
{
    char before[STK_FINGERPRINT_HEX_BYTES];
    char after[STK_FINGERPRINT_HEX_BYTES];
    switch (row->change) {
    case CATALOG_SAME:
        break;
    case CATALOG_ADDED:
        log_stream("stream.added", row->after);
        break;
    case CATALOG_REMOVED:
        log_stream("stream.removed", row->before);
        break;
    case CATALOG_RENEWED:
        log_stream("stream.renewed", row->after);
        break;
    case CATALOG_CHANGED:
        stk_fingerprint_hex(&row->before->fingerprint, before);
        stk_fingerprint_hex(&row->after->fingerprint, after);
        LOG(NOTICE, "stream.changed", LOG_TEXT("stream", row->after->name),
            LOG_TEXT("before", before), LOG_TEXT("after", after),
            LOG_NUMBER("samples_before", row->before->samples),
            LOG_NUMBER("samples_after", row->after->samples));
        break;
    }
}

static void log_held(const char *key, const char *running, const char *configured)
{
    LOG(WARN, "setting.held", LOG_TEXT("key", key), LOG_TEXT("running", running),
        LOG_TEXT("configured", configured),
        LOG_TEXT("reason", "it is taken over by a restart alone"));
}

static void log_settings(const struct server *server, const struct config *before)
{
    const struct reload *reload = &server->reload;
    struct config_change changes[CONFIG_CHANGES_MAX];
    unsigned count = config_changes(before, reload->catalog->config, changes);
    for (unsigned i = 0; i < count; i++)
        LOG(NOTICE, "setting.changed", LOG_TEXT("key", changes[i].key),
            LOG_TEXT("before", changes[i].before), LOG_TEXT("after", changes[i].after));
    for (unsigned i = 0; i < reload->held_count; i++)
        log_held(reload->held[i].key, reload->held[i].before, reload->held[i].after);
    if (reload->other_key[0] != '\0')
        log_held("server_key", server->public_key, reload->other_key);
}

static void retire_rows(struct server *server, const struct catalog_row *rows, size_t count,
                        uint32_t tally[])
{
    for (size_t i = 0; i < count; i++) {
        log_row(&rows[i]);
        tally[rows[i].change]++;
        if (rows[i].before != NULL && rows[i].change != CATALOG_SAME)
            rows[i].before->retired = true;
    }
    settle_requests(server);
    server_figures_settle(server);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].before != NULL && rows[i].before->retired)
            cache_forget_stream(server->cache, rows[i].before);
    }
}

/* The new catalog is served from here on; the old one stands in its place. */
static void take_over(struct server *server)
{
    struct reload *reload = &server->reload;
    struct catalog_row rows[CATALOG_ROWS_MAX];
    uint32_t tally[CATALOG_CHANGES] = {0};
    struct catalog *before = server->catalog;
    size_t count = catalog_compare(before, reload->catalog, rows);
    log_settings(server, before->config);
    server_serve(server, reload->catalog, &reload->plan);
    reload->catalog = before;
    retire_rows(server, rows, count, tally);
    server_keys_follow(server, before->keys);
    reload->refusal[0] = '\0';
    figure_add(&server->figures.reloads, 1);
    LOG(NOTICE, "reload.done", LOG_NUMBER("streams", server->stream_count),
        LOG_NUMBER("same", tally[CATALOG_SAME]), LOG_NUMBER("changed", tally[CATALOG_CHANGED]),
        LOG_NUMBER("added", tally[CATALOG_ADDED]), LOG_NUMBER("removed", tally[CATALOG_REMOVED]),
        LOG_NUMBER("renewed", tally[CATALOG_RENEWED]),
        LOG_NUMBER("wait_ms", (clock_now_ns() - reload->start_ns) / 1000000));
    notify_state("READY=1\nSTATUS=the configuration was read anew");
}

/* The thread has ended, or is about to. */
static void join(struct reload *reload)
{
    pthread_join(reload->thread, NULL);
    reload->running = false;
}

/* Listen where the configuration says; where something cannot be bound nothing changes. */
static enum stk_status follow(struct server *server, const struct config *config, char *error)
{
    struct http *http;
    enum stk_status status = server_http_open(server, config, &http, error);
    if (status != STK_OK)
        return status;
    status = server_endpoints_follow(server, config, error);
    if (status == STK_OK)
        server_http_adopt(server, http);
    else
        server_http_discard(server, http);
    return status;
}

void server_reload_collect(struct server *server)
{
    struct reload *reload = &server->reload;
    if (!reload->running || !atomic_load_explicit(&reload->done, memory_order_acquire))
        return;
    join(reload);
    if (reload->status == STK_OK && !server->draining)
        reload->status = follow(server, reload->catalog->config, reload->error);
    if (server->draining)
        LOG(NOTICE, "reload.ignored", LOG_TEXT("reason", "the daemon is shutting down"));
    else if (reload->status == STK_OK)
        take_over(server);
    else
        refuse(server);
    catalog_close(&reload->catalog);
    if (reload->again)
        server_reload(server);
}

void server_reload_stop(struct server *server)
{
    atomic_store_explicit(&server->reload.extend.watch.stop, true, memory_order_relaxed);
}

void server_reload_close(struct server *server)
{
    server_reload_stop(server);
    if (server->reload.running)
        join(&server->reload);
    catalog_close(&server->reload.catalog);
}
