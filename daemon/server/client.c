/*
 * Clients: who is connected, and what becomes of those who are not any more.
 *
 * A ROUTER does not say when a peer goes.  Its monitor does, by the number of the connection's
 * descriptor, which every message carries too.  Both events of a descriptor, accepted and
 * disconnected, are queued before anything can come by the next connection on the same number.  So
 * whoever drains the monitor before it looks at a message knows whether its sender is still there,
 * and never takes a new connection for an old one.  That order is one I/O thread's: libzmq's
 * default of one is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/server/accept.h"
#include "daemon/server/parts.h"

enum {
    LOOKS_A_TIMEOUT = 4, /* a client is cut up to so much of client_timeout late */
    LOOK_MS_MIN = 10,
    LOOK_MS_MAX = 5000,
};

struct client *server_client_find(struct server *server, const void *identity, size_t len)
{
    struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (client->identity_len == len && memcmp(client->identity, identity, len) == 0)
            return client;
    }
    return NULL;
}

enum stk_status server_client_add(struct server *server, const void *identity, size_t len, int fd,
                                  struct client **client)
{
    *client = NULL;
    if (server->client_count >= server->config->clients_max)
        return STK_OVERLOADED;
    CHECK(len <= SERVER_IDENTITY_BYTES_MAX);
    struct client *made = calloc(1, sizeof *made);
    if (made == NULL)
        return STK_MEMORY;
    memcpy(made->identity, identity, len);
    made->identity_len = (uint8_t)len;
    made->fd = fd;
    made->window = SERVER_WINDOW_DEFAULT;
    flow_init(&made->flow, clock_now_ns());
    TAILQ_INIT(&made->requests);
    TAILQ_INIT(&made->unused);
    for (int i = 0; i < STK_WINDOW_MAX; i++)
        TAILQ_INSERT_TAIL(&made->unused, &made->request_rows[i], entry);
    TAILQ_INSERT_TAIL(&server->clients, made, entry);
    server->client_count++;
    figure_set(&server->figures.clients, server->client_count);
    *client = made;
    return STK_OK;
}

void server_client_set_user(struct client *client, const struct sender *sender)
{
    snprintf(client->user, sizeof client->user, "%s",
             sender->client != NULL ? sender->client->name : "");
    snprintf(client->key, sizeof client->key, "%s", sender->key);
    snprintf(client->host, sizeof client->host, "%s", sender->address);
}

void server_client_drop(struct server *server, struct client *client, const char *reason)
{
    LOG(INFO, "client.gone", LOG_TEXT("client", client->name), LOG_TEXT("user", client->user),
        LOG_TEXT("reason", reason), LOG_NUMBER("unanswered", client->request_count));
    while (!TAILQ_EMPTY(&client->requests))
        server_request_done(server, client, TAILQ_FIRST(&client->requests));
    client->gone = true;
    for (uint32_t i = 0; i < client->wants_used; i++)
        cache_want_remove(&client->wants[i]);
    client->wants_used = 0;
    TAILQ_REMOVE(&server->clients, client, entry);
    TAILQ_INSERT_TAIL(&server->gone, client, entry);
    server->client_count--;
    figure_set(&server->figures.clients, server->client_count);
}

static bool is_marked(const uint8_t *fds, int fd)
{
    return fd >= 0 && fd < SERVER_FDS_MAX && (fds[fd / 8] >> fd % 8 & 1) != 0;
}

static void mark(uint8_t *fds, int fd, bool marked)
{
    if (fd < 0 || fd >= SERVER_FDS_MAX)
        return;
    uint8_t bit = (uint8_t)(1 << fd % 8);
    if (marked)
        fds[fd / 8] |= bit;
    else
        fds[fd / 8] &= (uint8_t)~bit;
}

bool server_connection_is_closed(const struct server *server, int fd)
{
    return is_marked(server->closed_fds, fd);
}

void server_connection_cut(struct server *server, int fd)
{
    mark(server->closed_fds, fd, true);
    mark(server->cut_fds, fd, true);
    server->cutting = true;
}

/*
 * The descriptor is libzmq's, which may close it at any time, and the next connection may get its
 * number.  libzmq tells the monitor before it closes one.  So a copy of the descriptor is of the
 * connection that is meant if the monitor has nothing to say of it after the copy was made.
 * False where there is no descriptor left for a copy.
 */
static bool close_connection(struct server *server, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return errno == EBADF;
    server_monitor_drain(server);
    if (is_marked(server->cut_fds, fd))
        shutdown(copy, SHUT_RDWR);
    mark(server->cut_fds, fd, false);
    close(copy);
    return true;
}

void server_connections_close(struct server *server)
{
    if (!server->cutting)
        return;
    server->cutting = false;
    for (int fd = 0; fd < SERVER_FDS_MAX; fd++) {
        if (is_marked(server->cut_fds, fd) && !close_connection(server, fd))
            server->cutting = true;
    }
}

void server_client_cut(struct server *server, struct client *client, const char *reason)
{
    LOG(WARN, "client.cut", LOG_TEXT("client", client->name), LOG_TEXT("user", client->user),
        LOG_TEXT("address", client->host), LOG_TEXT("reason", reason),
        LOG_NUMBER("batches_unread", client->delivery_count));
    figure_add(&server->figures.clients_cut, 1);
    server_connection_cut(server, client->fd);
    server_client_drop(server, client, reason);
}

/* Time is counted in calls, not taken from a clock: a daemon that was stopped itself, or slept with
 * its machine, blames nobody for that. */
void server_client_expire(struct server *server, uint64_t interval_ms)
{
    uint64_t timeout_ms = server->config->client_timeout_ms;
    struct client *client = TAILQ_FIRST(&server->clients);
    while (client != NULL) {
        struct client *next = TAILQ_NEXT(client, entry);
        client->unread_ms = client->delivery_count > 0 ? client->unread_ms + interval_ms : 0;
        if (timeout_ms > 0 && client->unread_ms > timeout_ms)
            server_client_cut(server, client, "took no batch for client_timeout");
        client = next;
    }
}

uint64_t server_client_interval_ms(const struct server *server)
{
    uint64_t interval_ms = server->config->client_timeout_ms / LOOKS_A_TIMEOUT;
    if (interval_ms == 0 || interval_ms > LOOK_MS_MAX)
        return LOOK_MS_MAX;
    return interval_ms < LOOK_MS_MIN ? LOOK_MS_MIN : interval_ms;
}

void server_client_reap(struct server *server)
{
    struct client *client = TAILQ_FIRST(&server->gone);
    while (client != NULL) {
        struct client *next = TAILQ_NEXT(client, entry);
        if (client->delivery_count == 0) {
            TAILQ_REMOVE(&server->gone, client, entry);
            free(client);
        }
        client = next;
    }
}

/* The connection of this number is another one from here on, or none. */
static void connection_changed(struct server *server, int fd, bool closed)
{
    mark(server->closed_fds, fd, closed);
    mark(server->cut_fds, fd, false);
}

static void connection_broke(struct server *server, int fd)
{
    connection_changed(server, fd, true);
    struct client *client = TAILQ_FIRST(&server->clients);
    while (client != NULL) {
        struct client *next = TAILQ_NEXT(client, entry);
        if (client->fd == fd)
            server_client_drop(server, client, "disconnected");
        client = next;
    }
}

/* Whether the monitor has told of a connection's beginning and not of its end. */
static bool is_open(const struct server *server, int fd)
{
    return fd < 0 || fd >= SERVER_FDS_MAX || server->fd_endpoints[fd] != 0;
}

static void set_endpoint(struct server *server, int fd, uint8_t id)
{
    if (fd >= 0 && fd < SERVER_FDS_MAX)
        server->fd_endpoints[fd] = id;
}

static void connection_ended(struct server *server, int fd)
{
    if (!is_open(server, fd))
        return;
    set_endpoint(server, fd, 0);
    server_accept_closed();
    figure_sub(&server->figures.connections, 1);
    connection_broke(server, fd);
}

/* One that came as its endpoint was unbound is closed already. */
static void connection_began(struct server *server, int fd, uint8_t endpoint_id)
{
    set_endpoint(server, fd, endpoint_id);
    connection_changed(server, fd, endpoint_id == 0);
    if (endpoint_id == 0)
        server_accept_closed();
    else
        figure_add(&server->figures.connections, 1);
}

void server_connections_forget(struct server *server, uint8_t endpoint_id)
{
    server_monitor_drain(server);
    for (int fd = 0; fd < SERVER_FDS_MAX; fd++) {
        if (server->fd_endpoints[fd] == endpoint_id)
            connection_ended(server, fd);
    }
}

enum { PLACE_BYTES = 256 };

/* An event is two frames: number (u16) and value (u32) in the first, the endpoint in the second. */
static bool take_event(void *monitor, uint16_t *event, int32_t *value, char place[PLACE_BYTES])
{
    uint8_t frame[6];
    int len;
    do {
        len = zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return false;
    do {
        len = zmq_recv(monitor, place, PLACE_BYTES - 1, 0);
    } while (len < 0 && errno == EINTR);
    place[len < 0 ? 0 : len < PLACE_BYTES - 1 ? len : PLACE_BYTES - 1] = '\0';
    memcpy(event, frame, sizeof *event);
    memcpy(value, frame + sizeof *event, sizeof *value);
    return true;
}

/* A failed handshake tells no descriptor; that of the connection's end follows at once. */
static void connection_broke_off(struct server *server, int fd)
{
    if (server->failed != 0)
        server_stranger_left(server, fd, server->failed);
    server->failed = 0;
    connection_ended(server, fd);
}

void server_monitor_drain(struct server *server)
{
    uint16_t event;
    int32_t value;
    char place[PLACE_BYTES];
    while (take_event(server->monitor, &event, &value, place)) {
        if (event == ZMQ_EVENT_ACCEPTED)
            connection_began(server, value, server_endpoint_id(server, place));
        else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
            server->failed = value;
        else
            connection_broke_off(server, value);
    }
}
