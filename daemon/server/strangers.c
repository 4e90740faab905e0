/*
 * Strangers: who came without a key that is known.  Each is counted, and an address is told of once
 * a minute; of more addresses than there are rows the rest is counted alone.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/server/accept.h"
#include "daemon/server/parts.h"

static const uint64_t quiet_ns = 60000000000u; /* a minute */

/* The row of an address and a name, or one whose minute is over; NULL where there is none. */
static struct stranger *find(struct server *server, const char *address, const char *name,
                             uint64_t now_ns)
{
    struct stranger *unused = NULL;
    for (int i = 0; i < SERVER_STRANGERS; i++) {
        struct stranger *stranger = &server->strangers[i];
        if (strcmp(stranger->address, address) == 0 && strcmp(stranger->name, name) == 0)
            return stranger;
        if (now_ns >= stranger->quiet_until_ns)
            unused = stranger;
    }
    if (unused != NULL)
        *unused = (struct stranger){0};
    return unused;
}

void server_stranger_met(struct server *server, const char *address, const char *name,
                         const char *reason)
{
    uint64_t now_ns = clock_now_ns();
    figure_add(&server->figures.handshakes_refused, 1);
    struct stranger *stranger = find(server, address, name, now_ns);
    if (stranger == NULL)
        return;
    stranger->count++;
    if (now_ns < stranger->quiet_until_ns)
        return;
    LOG(WARN, "peer.refused", LOG_TEXT("address", address), LOG_TEXT("client", name),
        LOG_TEXT("reason", reason), LOG_NUMBER("count", stranger->count));
    snprintf(stranger->address, sizeof stranger->address, "%s", address);
    snprintf(stranger->name, sizeof stranger->name, "%s", name);
    stranger->quiet_until_ns = now_ns + quiet_ns;
    stranger->count = 0;
}

static void address_of(int fd, char address[SERVER_ADDRESS_BYTES])
{
    struct sockaddr_storage peer = {0};
    server_accept_peer(fd, &peer);
    const void *bytes = peer.ss_family == AF_INET6
                            ? (const void *)&((struct sockaddr_in6 *)&peer)->sin6_addr
                            : (const void *)&((struct sockaddr_in *)&peer)->sin_addr;
    bool known = peer.ss_family == AF_INET || peer.ss_family == AF_INET6;
    if (!known || inet_ntop(peer.ss_family, bytes, address, SERVER_ADDRESS_BYTES) == NULL)
        snprintf(address, SERVER_ADDRESS_BYTES, "%s", "");
}

void server_stranger_left(struct server *server, int fd, int32_t error)
{
    char address[SERVER_ADDRESS_BYTES];
    if (!server_connection_has_keys(server, fd))
        return;
    address_of(fd, address);
    server_stranger_met(server, address, "",
                        error == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH ? "it has no key"
                        : error == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
                            ? "it takes this daemon for one with another key"
                            : "it broke the handshake off");
}
