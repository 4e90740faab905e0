/*
 * The http listener: libmicrohttpd in the loop.
 */
#include "daemon/server_http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/http.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/stream.h"

enum { ROUTES = 4 };

struct answer {
    unsigned status;
    const char *type;
};

/* Writes an answer's body. */
typedef struct answer (*render)(struct server *server, struct buffer *body);

/* A connection, from its accept to its end. */
struct visit {
    int fd; /* -1: unused */
    uint32_t age_ms;
};

struct http {
    struct server *server;
    char *address;                               /* owned; as configured */
    char token[CONFIG_TOKEN_BYTES_MAX + 1];      /* empty: none is wanted */
    char token_next[CONFIG_TOKEN_BYTES_MAX + 1]; /* from the next adoption on */
    struct MHD_Daemon *daemon;                   /* owned */
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles; /* open */
    struct visit visits[HTTP_CONNECTIONS_MAX];
    bool ended;                        /* a connection did since the last run */
    struct MHD_Response *made[ROUTES]; /* owned; until the next tick */
    unsigned status[ROUTES];
    uint64_t progress; /* at the last tick */
    uint32_t stuck_ms;
};

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
} routes[ROUTES] = {
    {"/metrics", print_metrics},
    {"/healthz", print_health},
    {"/readyz", print_readiness},
    {"/api/history", print_history},
};

static void add_headers(struct MHD_Response *response, const char *type)
{
    (void)MHD_add_response_header(response, "Content-Type", type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Content-Security-Policy", "default-src 'none'");
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
    add_headers(response, answer.type);
    http->made[route] = response;
    http->status[route] = answer.status;
}

/* libmicrohttpd counts who uses an answer: those that are on their way stay. */
static void drop_answers(struct http *http)
{
    for (size_t i = 0; i < ROUTES; i++) {
        if (http->made[i] != NULL)
            MHD_destroy_response(http->made[i]);
        http->made[i] = NULL;
    }
}

/* Requests. */

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    add_headers(response, "text/plain; charset=utf-8");
    if (status == MHD_HTTP_UNAUTHORIZED)
        (void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
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

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_len, void **request)
{
    (void)version;
    (void)body;
    (void)body_len;
    (void)request;
    struct http *http = context;
    bool guarded = http->token[0] != '\0';
    if (guarded && !is_allowed(http, connection))
        return refuse(connection, MHD_HTTP_UNAUTHORIZED, "a token is wanted\n");
    if (!guarded && !is_own_host(connection))
        return refuse(connection, MHD_HTTP_FORBIDDEN, "ask by the address\n");
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "there is nothing to change\n");
    for (size_t i = 0; i < ROUTES; i++) {
        if (strcmp(url, routes[i].path) == 0)
            return serve(http, connection, i);
    }
    return refuse(connection, MHD_HTTP_NOT_FOUND,
                  "there are /metrics, /healthz, /readyz and /api/history\n");
}

/* Connections: libmicrohttpd ends those that are silent, and here end those that trickle. */

static int descriptor_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

static void note_visit(void *context, struct MHD_Connection *connection, void **of_connection,
                       enum MHD_ConnectionNotificationCode what)
{
    struct http *http = context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*of_connection != NULL)
            ((struct visit *)*of_connection)->fd = -1;
        http->ended = true;
        return;
    }
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (http->visits[i].fd < 0) {
            http->visits[i] = (struct visit){.fd = descriptor_of(connection)};
            *of_connection = &http->visits[i];
            return;
        }
    }
}

static void end_visits(struct http *http)
{
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct visit *visit = &http->visits[i];
        visit->age_ms += TRACK_TICK_MS;
        if (visit->fd >= 0 && visit->age_ms > HTTP_CONNECTION_MS)
            shutdown(visit->fd, SHUT_RDWR);
    }
}

/* The loop. */

static void run(struct http *http);

static void run_by_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void run_by_timer(uv_timer_t *timer)
{
    run(timer->data);
}

/* With as many connections as there may be, libmicrohttpd accepts no more, and comes back to that
 * in the run after one has ended. */
static void run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    http->ended = false;
    (void)MHD_run(http->daemon);
    if (http->ended)
        uv_timer_start(&http->timer, run_by_timer, 0, 0);
    else if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&http->timer, run_by_timer, wait_ms, 0);
    else
        uv_timer_stop(&http->timer);
}

void server_http_tick(struct server *server)
{
    struct http *http = server->http;
    if (http == NULL)
        return;
    uint64_t progress = pipeline_progress(server->pipeline);
    bool stuck = server->filling > 0 && progress == http->progress;
    http->stuck_ms = stuck ? http->stuck_ms + TRACK_TICK_MS : 0;
    http->progress = progress;
    drop_answers(http);
    end_visits(http);
}

/* Life cycle. */

static void release(struct http *http)
{
    free(http->address);
    free(http);
}

static void handle_closed(uv_handle_t *handle)
{
    struct http *http = handle->data;
    if (--http->handles == 0)
        release(http);
}

static void close_http(struct http *http)
{
    if (http == NULL)
        return;
    drop_answers(http);
    unsigned handles = http->handles;
    if (handles > 0) {
        uv_poll_stop(&http->poll);
        uv_timer_stop(&http->timer);
    }
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    if (handles == 0) {
        release(http);
        return;
    }
    uv_close((uv_handle_t *)&http->poll, handle_closed);
    uv_close((uv_handle_t *)&http->timer, handle_closed);
}

/* -1, and errno, where the address cannot be bound. */
static int listen_on(const union config_http_address *address)
{
    int family = address->any.sa_family;
    int yes = 1;
    socklen_t len = family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, &address->any, len) == 0 && listen(fd, HTTP_CONNECTIONS_MAX) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* The port, which the system may have picked. */
static unsigned port_of(int fd)
{
    union config_http_address bound = {0};
    socklen_t len = sizeof bound;
    if (getsockname(fd, &bound.any, &len) != 0)
        return 0;
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}

static enum stk_status start(struct http *http, int fd, char *error)
{
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, handle, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S, MHD_OPTION_NOTIFY_CONNECTION,
        note_visit, http, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        http->daemon == NULL ? NULL : MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (http->daemon == NULL)
        close(fd);
    if (info == NULL || uv_poll_init(&http->server->loop, &http->poll, info->epoll_fd) != 0) {
        snprintf(error, CONFIG_ERROR_BYTES, "cannot serve http on \"%s\"", http->address);
        return STK_SYSTEM;
    }
    uv_timer_init(&http->server->loop, &http->timer);
    http->handles = 2;
    http->poll.data = http->timer.data = http;
    uv_poll_start(&http->poll, UV_READABLE, run_by_poll);
    return STK_OK;
}

static enum stk_status bind_to(struct http *http, char *error)
{
    union config_http_address address;
    if (config_http_parse(http->address, &address) != STK_OK)
        return STK_CONFIG;
    int fd = listen_on(&address);
    if (fd < 0) {
        int reason = errno;
        snprintf(error, CONFIG_ERROR_BYTES, "cannot serve http on \"%s\": %s", http->address,
                 strerror(reason));
        return reason == EADDRINUSE ? STK_IN_USE : STK_SYSTEM;
    }
    unsigned port = port_of(fd);
    enum stk_status status = start(http, fd, error);
    if (status == STK_OK)
        LOG(NOTICE, "http.listening", LOG_TEXT("address", http->address), LOG_NUMBER("port", port),
            LOG_TEXT("token", http->token[0] != '\0' ? "yes" : "no"));
    return status;
}

static enum stk_status open_new(struct server *server, const struct config *config,
                                const char *token, struct http **http, char *error)
{
    struct http *made = calloc(1, sizeof *made);
    if (made != NULL)
        made->address = strdup(config->http);
    if (made == NULL || made->address == NULL) {
        free(made);
        snprintf(error, CONFIG_ERROR_BYTES, "no memory to serve http");
        return STK_MEMORY;
    }
    made->server = server;
    snprintf(made->token, sizeof made->token, "%s", token);
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        made->visits[i].fd = -1;
    enum stk_status status = bind_to(made, error);
    if (status == STK_OK)
        *http = made;
    else
        close_http(made);
    return status;
}

enum stk_status server_http_open(struct server *server, const struct config *config,
                                 struct http **http, char *error)
{
    char token[CONFIG_TOKEN_BYTES_MAX + 1] = "";
    *http = NULL;
    if (config->http[0] == '\0')
        return STK_OK;
    char reason[CONFIG_TOKEN_ERROR_BYTES];
    if (config->http_token[0] != '\0' &&
        config_http_token(config->http_token, token, reason) != STK_OK) {
        snprintf(error, CONFIG_ERROR_BYTES, "%s", reason);
        return STK_CONFIG;
    }
    if (server->http == NULL || strcmp(server->http->address, config->http) != 0)
        return open_new(server, config, token, http, error);
    /* The address that is bound already keeps its socket; the token may be another one. */
    *http = server->http;
    snprintf(server->http->token_next, sizeof token, "%s", token);
    return STK_OK;
}

void server_http_adopt(struct server *server, struct http *http)
{
    if (http != NULL && http == server->http)
        memcpy(http->token, http->token_next, sizeof http->token);
    if (http == server->http)
        return;
    if (server->http != NULL)
        LOG(NOTICE, "http.closed", LOG_TEXT("address", server->http->address));
    close_http(server->http);
    server->http = http;
}

void server_http_discard(struct server *server, struct http *http)
{
    if (http != server->http)
        close_http(http);
}

void server_http_close(struct server *server)
{
    close_http(server->http);
    server->http = NULL;
}
