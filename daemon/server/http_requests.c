/*
 * Requests by http: who may ask, and what is answered.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/server/http_parts.h"
#include "daemon/server/page.h"
#include "daemon/stream.h"

/* What a browser may do with the page: ask this daemon, and show what it answers. */
#define POLICY_PAGE                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "        \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct answer {
    unsigned status;
    const char *type;
};

/* Writes an answer's body. */
typedef struct answer (*render)(struct server *server, struct buffer *body);

/* Answers. */

static struct answer print_metrics(struct server *server, struct buffer *body)
{
    server_metrics_print(server, body);
    return (struct answer){MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8"};
}

static struct answer print_history(struct server *server, struct buffer *body)
{
    server_history_print(server, body);
    return (struct answer){MHD_HTTP_OK, "application/json"};
}

static struct answer print_state(struct server *server, struct buffer *body)
{
    server_state_print(server, body);
    return (struct answer){MHD_HTTP_OK, "application/json"};
}

static struct answer tell(struct buffer *body, bool fine, const char *sentence)
{
    buffer_print(body, "%s\n", sentence);
    return (struct answer){fine ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                           "text/plain; charset=utf-8"};
}

/* The process answers; and its workers move, or have nothing to do. */
static struct answer print_health(struct server *server, struct buffer *body)
{
    bool moving = server->http->stuck_ms < HTTP_STUCK_MS;
    return tell(body, moving, moving ? "ok" : "no picture was made for 30 s, and some are wanted");
}

static struct answer print_readiness(struct server *server, struct buffer *body)
{
    char sentence[HEALTH_SENTENCE_BYTES];
    if (server->draining)
        return tell(body, false, "the daemon is shutting down");
    for (size_t i = 0; i < server->stream_count; i++) {
        if (!health_is_stopped(server->streams[i]->health, sentence))
            return tell(body, true, "ok");
    }
    return tell(body, false, "every stream was stopped: too many of their samples are bad");
}

static const struct {
    const char *path;
    render print;
} routes[] = {
    {"/metrics", print_metrics},     {"/healthz", print_health},  {"/readyz", print_readiness},
    {"/api/history", print_history}, {"/api/state", print_state},
};

_Static_assert(sizeof routes / sizeof routes[0] == HTTP_ROUTES, "an answer a route is kept");

void server_http_add_headers(struct MHD_Response *response, const char *type, const char *policy,
                             const char *cache)
{
    (void)MHD_add_response_header(response, "Content-Type", type);
    (void)MHD_add_response_header(response, "Cache-Control", cache);
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Content-Security-Policy", policy);
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
}

static void make_answer(struct http *http, size_t route)
{
    struct buffer body = {0};
    struct answer answer = routes[route].print(http->server, &body);
    if (body.failed) {
        buffer_release(&body);
        return;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, body.bytes, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        buffer_release(&body);
        return;
    }
    server_http_add_headers(response, answer.type, HTTP_POLICY_DATA, HTTP_CACHE_NOTHING);
    http->made[route] = response;
    http->status[route] = answer.status;
}

/* libmicrohttpd counts who uses an answer: those that are on their way stay. */
void server_http_drop_answers(struct http *http)
{
    for (size_t i = 0; i < HTTP_ROUTES; i++) {
        if (http->made[i] != NULL)
            MHD_destroy_response(http->made[i]);
        http->made[i] = NULL;
    }
}

/* Requests. */

enum MHD_Result server_http_refuse(struct MHD_Connection *connection, unsigned status,
                                   const char *sentence)
{
    char line[STK_TEXT_BYTES_MAX + 1];
    snprintf(line, sizeof line, "%s\n", sentence);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(line), line, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    server_http_add_headers(response, "text/plain; charset=utf-8", HTTP_POLICY_DATA,
                            HTTP_CACHE_NOTHING);
    if (status == MHD_HTTP_UNAUTHORIZED)
        (void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        (void)MHD_add_response_header(response, "Retry-After", "1");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

/* In a time that tells nothing of where they differ. */
static bool is_token(const struct http *http, const char *told)
{
    volatile unsigned difference = 0;
    size_t len = strlen(told);
    size_t wanted = strlen(http->token);
    for (size_t i = 0; i < wanted; i++)
        difference |= (unsigned char)http->token[i] ^ (unsigned char)(i < len ? told[i] : 0);
    return difference == 0 && len == wanted;
}

static bool is_allowed(const struct http *http, struct MHD_Connection *connection)
{
    static const char scheme[] = "Bearer ";
    const char *told = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    return told != NULL && strncmp(told, scheme, sizeof scheme - 1) == 0 &&
           is_token(http, told + sizeof scheme - 1);
}

/* Where no token is asked for, a foreign page in the operator's browser could ask through a name of
 * its own that leads to 127.0.0.1; its requests name that host. */
static bool is_own_host(struct MHD_Connection *connection)
{
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    if (host == NULL)
        return true;
    size_t name = strcspn(host, ":");
    bool local = name == strlen("localhost") && strncmp(host, "localhost", name) == 0;
    bool number = host[0] == '[' || strspn(host, "0123456789.:") == strlen(host);
    return local || number;
}

static enum MHD_Result serve(struct http *http, struct MHD_Connection *connection, size_t route)
{
    if (http->made[route] == NULL)
        make_answer(http, route);
    if (http->made[route] == NULL)
        return MHD_NO;
    return MHD_queue_response(connection, http->status[route], http->made[route]);
}

/* The page's files hold no data: whoever may reach the address may read them, and is asked for the
 * token by the page. */
static enum MHD_Result serve_page(struct MHD_Connection *connection, const struct page_file *file)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(file->len, (void *)file->bytes, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    server_http_add_headers(response, file->type, POLICY_PAGE, HTTP_CACHE_NOTHING);
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result route(struct http *http, struct MHD_Connection *connection, const char *url,
                             void **request)
{
    if (strcmp(url, "/api/batch") == 0)
        return server_look(http, connection, QUERY_BATCH, request);
    if (strcmp(url, "/api/picture") == 0)
        return server_look(http, connection, QUERY_PICTURE, request);
    for (size_t i = 0; i < HTTP_ROUTES; i++) {
        if (strcmp(url, routes[i].path) == 0)
            return serve(http, connection, i);
    }
    return server_http_refuse(
        connection, MHD_HTTP_NOT_FOUND,
        "there are /, /metrics, /healthz, /readyz, and in /api/ state, history, batch "
        "and picture");
}

enum MHD_Result server_http_handle(void *context, struct MHD_Connection *connection,
                                   const char *url, const char *method, const char *version,
                                   const char *body, size_t *body_len, void **request)
{
    (void)version;
    (void)body;
    (void)body_len;
    struct http *http = context;
    struct page_file file;
    bool guarded = http->token[0] != '\0';
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!guarded && !is_own_host(connection))
        return server_http_refuse(connection, MHD_HTTP_FORBIDDEN, "ask by the address");
    if (reads && server_page_find(url, &file))
        return serve_page(connection, &file);
    if (guarded && !is_allowed(http, connection))
        return server_http_refuse(connection, MHD_HTTP_UNAUTHORIZED, "a token is wanted");
    if (!reads)
        return server_http_refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                                  "there is nothing to change");
    return route(http, connection, url, request);
}
