/*
 * Dispatch: queued requests become batches, finished batches become replies.
 *
 * Streams are served in turns, counted in pictures: a stream's turn is put off by as many as are
 * begun for it, from where the others stand, so that one that rested has no arrears.  Within a
 * stream its clients are served in turns, a request each: who was served goes to the end of the
 * line.  A request joins the batch at its address where there is one, finished or in the making;
 * otherwise a slab is taken and the batch is begun, as long as the pipeline is not already far
 * enough ahead.  What cannot be begun stays queued, bounded by the clients' windows.
 */
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/server/parts.h"
#include "daemon/stream.h"

void server_batch_ref(struct server *server, struct batch *batch)
{
    cache_ref(server->cache, batch);
    stream_ref(batch->stream);
}

/* Nothing is kept of a stream that is not served any more. */
static void unref_batch(struct server *server, struct batch **batch)
{
    const struct stream *stream = (*batch)->stream;
    cache_unref(server->cache, batch);
    if (stream->retired)
        cache_forget_stream(server->cache, stream);
    stream_unref(&stream);
}

void server_request_done(struct server *server, struct client *client, struct request *request)
{
    stream_unref(&request->stream);
    TAILQ_REMOVE(&client->requests, request, entry);
    TAILQ_INSERT_TAIL(&client->unused, request, entry);
    client->request_count--;
    server_flow_note(client);
    figure_sub(&server->figures.requests_waiting, 1);
}

bool server_is_answered(struct server *server, struct client *client, enum stk_status sent)
{
    if (sent == STK_OK)
        return true;
    if (sent == STK_CLOSED)
        server_client_drop(server, client, "disconnected");
    else
        server_client_cut(server, client, "cannot be answered: too much is unread");
    return false;
}

/* Answer a request whose batch is finished.  False where the client is not there any more. */
static bool answer(struct server *server, struct client *client, struct request *request,
                   struct batch *batch)
{
    uint64_t id = request->id;
    server_request_done(server, client, request);
    enum stk_status status = batch->state == BATCH_FAILED
                                 ? server_send_error(server, client->identity, client->identity_len,
                                                     id, batch->failure, batch->failure_reason)
                                 : server_send_batch(server, client, id, batch);
    return server_is_answered(server, client, status);
}

static void answer_waiting(struct server *server, struct batch *batch)
{
    struct client *client = TAILQ_FIRST(&server->clients);
    while (client != NULL) {
        struct client *next_client = TAILQ_NEXT(client, entry);
        struct request *request = TAILQ_FIRST(&client->requests);
        while (request != NULL) {
            struct request *next = TAILQ_NEXT(request, entry);
            if (request->batch == batch && !answer(server, client, request, batch))
                break;
            request = next;
        }
        client = next_client;
    }
}

void server_batch_finished(void *context, struct batch *batch)
{
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    TAILQ_INSERT_TAIL(&server->finished, batch, queued);
    pthread_mutex_unlock(&server->lock);
    uv_async_send(&server->wake);
}

static void log_batch(const struct batch *batch)
{
    LOG(DEBUG, "batch.made", LOG_TEXT("stream", batch->stream->name),
        LOG_NUMBER("epoch", batch->address.epoch), LOG_NUMBER("step", batch->address.step),
        LOG_NUMBER("replaced", batch->replaced_count));
}

void server_collect(struct server *server)
{
    struct finished_list finished = TAILQ_HEAD_INITIALIZER(finished);
    struct delivery_list returned = STAILQ_HEAD_INITIALIZER(returned);
    pthread_mutex_lock(&server->lock);
    TAILQ_CONCAT(&finished, &server->finished, queued);
    STAILQ_CONCAT(&returned, &server->returned);
    pthread_mutex_unlock(&server->lock);
    struct delivery *delivery;
    while ((delivery = STAILQ_FIRST(&returned)) != NULL) {
        STAILQ_REMOVE_HEAD(&returned, returned);
        delivery->client->delivery_count--;
        delivery->client->unread_ms = 0;
        server_flow_note(delivery->client);
        unref_batch(server, &delivery->batch);
    }
    struct batch *batch;
    while ((batch = TAILQ_FIRST(&finished)) != NULL) {
        TAILQ_REMOVE(&finished, batch, queued);
        server->filling--;
        batch_set_state(batch, batch->failure == STK_OK ? BATCH_READY : BATCH_FAILED);
        log_batch(batch);
        answer_waiting(server, batch);
        unref_batch(server, &batch);
    }
    server_client_reap(server);
}

/* Slabs of a stream that a client may pin: half of what nobody else does, so that one that asks and
 * does not read leaves room for the next to come, and always one. */
static uint64_t allowance(const struct server *server, uint64_t pinned,
                          const struct request *request)
{
    size_t bytes = stream_phase(request->stream, request->address.epoch)->layout.bytes;
    uint64_t share = (cache_bytes_free(server->cache) / bytes + pinned) / 2;
    return share < 1 ? 1 : share;
}

/* There is no memory for the batch: waiting would be without an end, as nothing else need come to
 * pass, and so the client is told to ask again. */
static void answer_no_memory(struct server *server, struct client *client, struct request *request)
{
    uint64_t id = request->id;
    server_request_done(server, client, request);
    (void)server_is_answered(server, client,
                             server_send_error(server, client->identity, client->identity_len, id,
                                               STK_MEMORY, "no memory for the batch; ask again"));
}

/* Take a slab and begin the request's batch; STK_OVERLOADED where it has to wait. */
static enum stk_status begin(struct server *server, struct request *request)
{
    const struct stream *stream = request->stream;
    const struct stream_phase *phase = stream_phase(stream, request->address.epoch);
    if (server->ahead)
        return STK_OVERLOADED;
    server->ahead =
        pipeline_backlog(server->pipeline) >= server->backlog_slots + phase->layout.pictures;
    if (server->ahead)
        return STK_OVERLOADED;
    struct batch *batch;
    enum stk_status status = cache_take(server->cache, &phase->layout, &batch);
    if (status != STK_OK)
        return status;
    uint64_t start_ns = clock_now_ns();
    batch_plan(batch, stream, &phase->recipe, &stream->sampler, request->address, request->unmixed);
    figure_add_both(&server->figures.plan_ns_total, &stream->figures->plan_ns_total,
                    clock_now_ns() - start_ns);
    cache_put(server->cache, batch);
    stream_ref(stream);
    server->filling++;
    server->turn = stream->turn > server->turn ? stream->turn : server->turn;
    ((struct stream *)stream)->turn = server->turn + batch->pictures;
    pipeline_push(server->pipeline, batch);
    request->batch = batch;
    return STK_OK;
}

/* The client's oldest request that is not begun; *waiting counts those that are. */
static struct request *next_request(struct client *client, uint32_t *waiting)
{
    struct request *request;
    *waiting = 0;
    TAILQ_FOREACH (request, &client->requests, entry) {
        if (request->batch == NULL)
            return request;
        ++*waiting;
    }
    return NULL;
}

static struct want *want_of(struct server *server, struct client *client,
                            const struct request *request)
{
    for (uint32_t i = 0; i < client->wants_used; i++) {
        struct want *want = &client->wants[i];
        if (want->stream == request->stream && want->unmixed == request->unmixed)
            return want;
    }
    struct want *want = &client->wants[client->want_next];
    client->want_next = (client->want_next + 1) % CLIENT_STREAMS;
    if (client->wants_used == CLIENT_STREAMS)
        cache_want_remove(want);
    else
        client->wants_used++;
    *want = (struct want){.stream = request->stream, .unmixed = request->unmixed};
    cache_want_add(server->cache, want);
    return want;
}

static void note_want(struct server *server, struct client *client, const struct request *request)
{
    want_note(want_of(server, client, request), request->address,
              stream_phase(request->stream, request->address.epoch)->steps);
}

/* Join the batch at the request's address, or begin it; false where it has to wait.  A batch that
 * others pin already costs no further memory and is joined without asking for the allowance. */
static bool serve_request(struct server *server, struct client *client, struct request *request,
                          bool allowed)
{
    struct batch *batch =
        cache_find(server->cache, request->stream, request->address, request->unmixed);
    if (batch == NULL) {
        enum stk_status status = allowed ? begin(server, request) : STK_OVERLOADED;
        if (status == STK_OK)
            note_want(server, client, request);
        else if (status == STK_MEMORY)
            answer_no_memory(server, client, request);
        return status != STK_OVERLOADED;
    }
    if (batch->refs == 0 && !allowed)
        return false;
    figure_add_both(&server->figures.cache_hits, &request->stream->figures->cache_hits, 1);
    note_want(server, client, request);
    if (batch->state == BATCH_READY)
        answer(server, client, request, batch);
    else
        request->batch = batch;
    return true;
}

/* One step for one client; false where nothing could be done. */
static bool serve(struct server *server, struct client *client)
{
    uint32_t pinned = client->begun + client->delivery_count;
    if (pinned >= client->window)
        return false;
    bool allowed = pinned < allowance(server, pinned, client->next);
    return serve_request(server, client, client->next, allowed);
}

/* Whether it is one stream's turn before another's. */
static bool is_before(const struct stream *one, const struct stream *other)
{
    return one->turn != other->turn ? one->turn < other->turn : (uintptr_t)one < (uintptr_t)other;
}

/* The stream with requests to serve whose turn comes after the last one tried, NULL for none. */
static const struct stream *next_stream(const struct server *server, const struct stream *last)
{
    const struct stream *next = NULL;
    const struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        const struct stream *stream = client->next == NULL ? NULL : client->next->stream;
        if (stream != NULL && (last == NULL || is_before(last, stream)) &&
            (next == NULL || is_before(stream, next)))
            next = stream;
    }
    return next;
}

/* Who was served goes to the end of the line: in front stands who waits longest. */
static bool serve_stream(struct server *server, const struct stream *stream)
{
    struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (client->next == NULL || client->next->stream != stream || !serve(server, client))
            continue;
        if (!client->gone) {
            TAILQ_REMOVE(&server->clients, client, entry);
            TAILQ_INSERT_TAIL(&server->clients, client, entry);
        }
        return true;
    }
    return false;
}

static bool serve_next(struct server *server)
{
    struct client *client;
    server->ahead = false;
    TAILQ_FOREACH (client, &server->clients, entry)
        client->next = next_request(client, &client->begun);
    const struct stream *stream = NULL;
    while ((stream = next_stream(server, stream)) != NULL) {
        if (serve_stream(server, stream))
            return true;
    }
    return false;
}

void server_dispatch(struct server *server)
{
    while (serve_next(server)) {
    }
}

bool server_is_quiet(const struct server *server)
{
    const struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (client->request_count > 0 || client->delivery_count > 0)
            return false;
    }
    return true;
}

/* After the pipeline and libzmq have stopped: batches that were being filled are let go. */
static void let_go_filling(struct server *server)
{
    struct batch *batch;
    while ((batch = cache_find_filling(server->cache)) != NULL) {
        batch->failure = STK_CLOSED;
        batch_set_state(batch, BATCH_FAILED);
        unref_batch(server, &batch);
    }
}

void server_release(struct server *server)
{
    if (server->cache == NULL)
        return;
    while (!TAILQ_EMPTY(&server->clients))
        server_client_drop(server, TAILQ_FIRST(&server->clients), "shutdown");
    server_collect(server);
    let_go_filling(server);
    cache_close(&server->cache);
}
