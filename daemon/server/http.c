/*
 * The http listener: life cycle, connections, turns of libmicrohttpd in the loop.
 */
#include "daemon/server/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/http.h"
#include "daemon/base/log.h"
#include "daemon/server/http_parts.h"

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

void server_http_run_soon(struct http *http)
{
    uv_timer_start(&http->timer, run_by_timer, 0, 0);
}

/* With as many connections as there may be, libmicrohttpd accepts no more, and comes back to that
 * in the run after one has ended. */
static void run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    http->ended = false;
    (void)MHD_run(http->daemon);
    if (http->ended)
        server_http_run_soon(http);
    else if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&http->timer, run_by_timer, wait_ms, 0);
    else
        uv_timer_stop(&http->timer);
}

void server_http_tick(struct server *server)
{
    struct http *http = server->http;
    server_looks_tick(server);
    if (http == NULL)
        return;
    uint64_t progress = pipeline_progress(server->pipeline);
    bool stuck = server->filling > 0 && progress == http->progress;
    http->stuck_ms = stuck ? http->stuck_ms + TRACK_TICK_MS : 0;
    http->progress = progress;
    server_http_drop_answers(http);
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
    server_http_drop_answers(http);
    unsigned handles = http->handles;
    if (handles > 0) {
        uv_poll_stop(&http->poll);
        uv_timer_stop(&http->timer);
    }
    if (http->daemon != NULL) {
        server_looks_leave(http->server, http);
        MHD_stop_daemon(http->daemon);
    }
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
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, server_http_handle, http,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S, MHD_OPTION_NOTIFY_CONNECTION,
        note_visit, http, MHD_OPTION_NOTIFY_COMPLETED, server_looks_ended, http,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
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
    enum stk_status status = server_looks_open(server);
    if (status != STK_OK)
        snprintf(error, CONFIG_ERROR_BYTES, "cannot start a thread to serve http");
    else
        status = bind_to(made, error);
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
    server_looks_close(server);
}
