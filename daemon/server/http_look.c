/*
 * Looks: requests for what the viewer makes.
 *
 *   thread    what it runs here
 *   loop      everything but wake_loop
 *   viewer    wake_loop
 *
 * A look is a row from its request to the request's end.  While it stands in line, and while the
 * viewer works for it, its connection is suspended: libmicrohttpd forgets about it until it is
 * resumed.  A request may end before, with its listener; the row then waits for the viewer alone.
 *
 * What looking costs is bounded by time, so that large pictures are not dearer than small ones: the
 * viewer's processor time is paid from a purse, which says whether a look may begin when its turn
 * has come, and how long it may take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/plan/plan.h"
#include "daemon/purse.h"
#include "daemon/server/http_parts.h"
#include "daemon/stream.h"
#include "daemon/viewer.h"
#include "proto/utf8.h"

/* A picture's address never changes its bytes. */
#define CACHE_FOR_AN_HOUR "private, max-age=3600"

#define PUT_OFF "looking must not cost the trainers more; ask again"

struct look {
    struct viewer_job job;
    bool used;
    bool waiting;                      /* in line */
    uint64_t turn;                     /* the smallest in line is the next */
    bool away;                         /* the viewer has the job */
    struct http *http;                 /* where it was asked; NULL: the request has ended */
    struct MHD_Connection *connection; /* likewise */
};

struct looks {
    struct server *server;
    struct viewer *viewer; /* owned */
    bool busy;             /* the viewer has a job; nobody is in line where it has none */
    uint64_t turns;        /* that were given */
    struct purse purse;
    struct look rows[VIEWER_JOBS_MAX];
};

/* Life cycle. */

static void wake_loop(void *context)
{
    struct server *server = context;
    uv_async_send(&server->wake);
}

enum stk_status server_looks_open(struct server *server)
{
    if (server->looks != NULL)
        return STK_OK;
    struct looks *made = calloc(1, sizeof *made);
    if (made == NULL)
        return STK_MEMORY;
    const struct viewer_options options = {.limits = server->options.limits,
                                           .encoded_bytes_max = server->options.encoded_bytes_max,
                                           .finished = wake_loop,
                                           .context = server};
    enum stk_status status = viewer_open(&options, &made->viewer);
    if (status != STK_OK) {
        free(made);
        return status;
    }
    made->server = server;
    purse_init(&made->purse, server->options.workers);
    server->looks = made;
    return STK_OK;
}

static void release(struct look *look)
{
    buffer_release(&look->job.body);
    if (look->job.stream != NULL)
        stream_unref(&look->job.stream);
    *look = (struct look){0};
}

void server_looks_close(struct server *server)
{
    struct looks *looks = server->looks;
    if (looks == NULL)
        return;
    viewer_close(&looks->viewer);
    for (size_t i = 0; i < VIEWER_JOBS_MAX; i++)
        release(&looks->rows[i]);
    free(looks);
    server->looks = NULL;
}

void server_looks_leave(struct server *server, const struct http *http)
{
    for (size_t i = 0; server->looks != NULL && i < VIEWER_JOBS_MAX; i++) {
        struct look *look = &server->looks->rows[i];
        if ((look->waiting || look->away) && look->http == http)
            MHD_resume_connection(look->connection);
    }
}

static bool is_idle(const struct looks *looks)
{
    for (size_t i = 0; i < VIEWER_JOBS_MAX; i++) {
        if (looks->rows[i].used)
            return false;
    }
    return true;
}

void server_looks_tick(struct server *server)
{
    struct looks *looks = server->looks;
    if (looks == NULL)
        return;
    purse_fill(&looks->purse, TRACK_TICK_MS);
    if (server->http == NULL && is_idle(looks))
        server_looks_close(server);
}

/* Turns. */

/* What stands in a query, as a number. */
static uint64_t number_of(const struct query *query)
{
    const uint64_t parts[] = {query->kind, query->address.epoch, query->address.step, query->slot,
                              query->show};
    uint64_t stream = XXH3_64bits(query->stream, strlen(query->stream));
    return XXH3_64bits_withSeed(parts, sizeof parts, stream);
}

static struct look *next_in_line(struct looks *looks)
{
    struct look *next = NULL;
    for (size_t i = 0; i < VIEWER_JOBS_MAX; i++) {
        struct look *look = &looks->rows[i];
        if (look->waiting && (next == NULL || look->turn < next->turn))
            next = look;
    }
    return next;
}

static void tell(struct look *look)
{
    if (look->connection == NULL) {
        release(look);
        return;
    }
    MHD_resume_connection(look->connection);
    server_http_run_soon(look->http);
}

/* Give the viewer the next job; those that may not begin are told so. */
static void give_next(struct looks *looks)
{
    struct look *look;
    while (!looks->busy && (look = next_in_line(looks)) != NULL) {
        struct viewer_job *job = &look->job;
        struct purse_share share = purse_share(&looks->purse, number_of(&job->query));
        look->waiting = false;
        if (share.ns == 0) {
            job->status = STK_CLOSED;
            tell(look);
            continue;
        }
        job->cpu_ns_max = share.ns;
        job->last = share.most;
        look->away = true;
        looks->busy = true;
        viewer_push(looks->viewer, job);
    }
}

void server_looks_collect(struct server *server)
{
    struct looks *looks = server->looks;
    struct viewer_job *job = looks != NULL ? viewer_take(looks->viewer) : NULL;
    if (job == NULL)
        return;
    struct look *look = (struct look *)job;
    look->away = false;
    looks->busy = false;
    purse_pay(&looks->purse, number_of(&job->query), job->cpu_ns, job->status == STK_CLOSED);
    tell(look);
    give_next(looks);
}

void server_looks_ended(void *context, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode how)
{
    (void)context;
    (void)connection;
    (void)how;
    struct look *look = *request;
    *request = NULL;
    if (look == NULL)
        return;
    look->http = NULL;
    look->connection = NULL;
    if (!look->away)
        release(look);
}

/* A request. */

struct asking {
    struct query query;
    const char *sentence; /* what is wrong with it; NULL: nothing so far */
};

static enum MHD_Result take_pair(void *context, enum MHD_ValueKind kind, const char *key,
                                 size_t key_len, const char *value, size_t value_len)
{
    (void)kind;
    struct asking *asking = context;
    const char *sentence;
    bool whole = strlen(key) == key_len;
    enum stk_status status =
        query_take(&asking->query, whole ? key : "", value != NULL ? value : "",
                   value != NULL ? value_len : 0, &sentence);
    if (status == STK_OK)
        return MHD_YES;
    asking->sentence = sentence;
    return MHD_NO;
}

static bool read_query(struct MHD_Connection *connection, struct asking *asking)
{
    (void)MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_pair, asking);
    return asking->sentence == NULL && query_check(&asking->query, &asking->sentence) == STK_OK;
}

/* Give a query the address that it means. */
static bool find_address(const struct stream *stream, struct query *query, char *sentence)
{
    if (!query_is_addressed(query)) {
        if (!stream->track->sent) {
            snprintf(sentence, STK_TEXT_BYTES_MAX, "no batch of \"%s\" was sent yet", stream->name);
            return false;
        }
        query->address = stream->track->newest;
    }
    const struct stream_phase *phase = stream_phase(stream, query->address.epoch);
    if (!plan_has_step(&phase->recipe, stream->sampler.length, query->address.step)) {
        snprintf(sentence, STK_TEXT_BYTES_MAX, "the epoch has %llu steps",
                 (unsigned long long)phase->steps);
        return false;
    }
    uint32_t count = plan_count(&phase->recipe, stream->sampler.length, query->address.step);
    if (query->slot >= count)
        snprintf(sentence, STK_TEXT_BYTES_MAX, "the batch has %u slots", count);
    return query->slot < count;
}

/* The stream that a query means, where it has what is asked for; else NULL and a sentence. */
static const struct stream *find(const struct server *server, struct query *query, char *sentence)
{
    const struct stream *stream = server_find_stream(server, stk_text_of(query->stream), sentence);
    if (stream == NULL) {
        stk_utf8_tame(sentence, strlen(sentence));
        return NULL;
    }
    if (query->kind == QUERY_PICTURE &&
        memcmp(&query->fingerprint, &stream->fingerprint, sizeof stream->fingerprint) != 0) {
        snprintf(sentence, STK_TEXT_BYTES_MAX, "the stream has another fingerprint now");
        return NULL;
    }
    return find_address(stream, query, sentence) ? stream : NULL;
}

static struct look *unused_row(struct looks *looks)
{
    for (size_t i = 0; i < VIEWER_JOBS_MAX; i++) {
        if (!looks->rows[i].used)
            return &looks->rows[i];
    }
    return NULL;
}

static enum MHD_Result begin(struct http *http, struct MHD_Connection *connection,
                             enum query_kind kind, void **request)
{
    struct asking asking = {.query = query_of(kind)};
    char sentence[STK_TEXT_BYTES_MAX];
    struct looks *looks = http->server->looks;
    if (!read_query(connection, &asking))
        return server_http_refuse(connection, MHD_HTTP_BAD_REQUEST, asking.sentence);
    const struct stream *stream = find(http->server, &asking.query, sentence);
    if (stream == NULL)
        return server_http_refuse(connection, MHD_HTTP_NOT_FOUND, sentence);
    struct look *look = unused_row(looks);
    if (look == NULL || purse_share(&looks->purse, number_of(&asking.query)).ns == 0)
        return server_http_refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, PUT_OFF);
    *look = (struct look){.job = {.query = asking.query, .stream = stream_ref(stream)},
                          .used = true,
                          .waiting = true,
                          .turn = looks->turns++,
                          .http = http,
                          .connection = connection};
    *request = look;
    MHD_suspend_connection(connection);
    give_next(looks);
    return MHD_YES;
}

/* Answers. */

static unsigned status_of(enum stk_status status)
{
    switch (status) {
    case STK_OK:
        return MHD_HTTP_OK;
    case STK_SYSTEM:
    case STK_MEMORY:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    default:
        return MHD_HTTP_NOT_FOUND;
    }
}

static enum MHD_Result answer(struct look *look)
{
    struct viewer_job *job = &look->job;
    if (job->status == STK_CLOSED)
        return server_http_refuse(look->connection, MHD_HTTP_SERVICE_UNAVAILABLE, PUT_OFF);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(job->body.len, job->body.bytes, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        return MHD_NO;
    job->body = (struct buffer){0};
    bool picture = job->query.kind == QUERY_PICTURE;
    const char *type = job->status != STK_OK ? "text/plain; charset=utf-8"
                       : picture             ? "image/jpeg"
                                             : "application/json";
    server_http_add_headers(response, type, HTTP_POLICY_DATA,
                            picture && job->status == STK_OK ? CACHE_FOR_AN_HOUR
                                                             : HTTP_CACHE_NOTHING);
    unsigned status = status_of(job->status);
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        (void)MHD_add_response_header(response, "Retry-After", "1");
    enum MHD_Result queued = MHD_queue_response(look->connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

enum MHD_Result server_look(struct http *http, struct MHD_Connection *connection,
                            enum query_kind kind, void **request)
{
    struct look *look = *request;
    if (look == NULL)
        return begin(http, connection, kind, request);
    return look->waiting || look->away ? MHD_YES : answer(look);
}
