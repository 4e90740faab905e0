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
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/log.h"
#include "daemon/server_accept.h"
#include "daemon/server_parts.h"

struct client *server_client_find(struct server *server, const void *identity, size_t len)
{
    struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (client->identity_len == len && memcmp(client->identity, identity, len) == 0)
            return client;
    }
    return NULL;
}

struct client *server_client_add(struct server *server, const void *identity, size_t len, int fd)
{
    if (server->client_count == SERVER_CLIENTS_MAX || len > SERVER_IDENTITY_BYTES_MAX)
        return NULL;
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return NULL;
    memcpy(client->identity, identity, len);
    client->identity_len = (uint8_t)len;
    client->fd = fd;
    client->window = SERVER_WINDOW_DEFAULT;
    TAILQ_INIT(&client->requests);
    TAILQ_INIT(&client->unused);
    for (int i = 0; i < STK_WINDOW_MAX; i++)
        TAILQ_INSERT_TAIL(&client->unused, &client->request_rows[i], entry);
    TAILQ_INSERT_TAIL(&server->clients, client, entry);
    server->client_count++;
    figure_set(&server->figures.clients, server->client_count);
    return client;
}

void server_client_drop(struct server *server, struct client *client, const char *reason)
{
    LOG(INFO, "client.gone", LOG_TEXT("client", client->name), LOG_TEXT("reason", reason),
        LOG_NUMBER("unanswered", client->request_count));
    figure_sub(&server->figures.requests_waiting, client->request_count);
    client->request_count = 0;
    TAILQ_INIT(&client->requests);
    client->gone = true;
    TAILQ_REMOVE(&server->clients, client, entry);
    TAILQ_INSERT_TAIL(&server->gone, client, entry);
    server->client_count--;
    figure_set(&server->figures.clients, server->client_count);
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

bool server_connection_is_closed(const struct server *server, int fd)
{
    return fd >= 0 && fd < SERVER_FDS_MAX && (server->closed_fds[fd / 8] >> fd % 8 & 1) != 0;
}

static void mark_closed(struct server *server, int fd, bool closed)
{
    if (fd < 0 || fd >= SERVER_FDS_MAX)
        return;
    uint8_t bit = (uint8_t)(1 << fd % 8);
    if (closed)
        server->closed_fds[fd / 8] |= bit;
    else
        server->closed_fds[fd / 8] &= (uint8_t)~bit;
}

static void connection_broke(struct server *server, int fd)
{
    mark_closed(server, fd, true);
    struct client *client = TAILQ_FIRST(&server->clients);
    while (client != NULL) {
        struct client *next = TAILQ_NEXT(client, entry);
        if (client->fd == fd)
            server_client_drop(server, client, "disconnected");
        client = next;
    }
}

/* An event is two frames: number (u16) and value (u32) in the first, the address in the second. */
static bool take_event(void *monitor, uint16_t *event, int32_t *value)
{
    uint8_t frame[6];
    int len;
    do {
        len = zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return false;
    char address[256];
    do {
        len = zmq_recv(monitor, address, sizeof address, 0);
    } while (len < 0 && errno == EINTR);
    memcpy(event, frame, sizeof *event);
    memcpy(value, frame + sizeof *event, sizeof *value);
    return true;
}

void server_monitor_drain(struct server *server)
{
    uint16_t event;
    int32_t value;
    while (take_event(server->monitor, &event, &value)) {
        if (event == ZMQ_EVENT_DISCONNECTED) {
            server_accept_closed();
            figure_sub(&server->figures.connections, 1);
            connection_broke(server, value);
        } else {
            figure_add(&server->figures.connections, 1);
            mark_closed(server, value, false);
        }
    }
}
