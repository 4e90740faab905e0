/*
 * The inrush: a bucket of tokens for each address, so that a flood from one neither keeps the
 * others out nor costs more than so many accepts.
 *
 * libzmq makes a session of every connection, shakes hands with it on the one thread that sends
 * batches, and tells the loop: a fifth of a millisecond, and one with CURVE.  To accept and close
 * costs a twentieth of that.
 *
 *   thread     what it runs here
 *   zmq I/O    server_inrush_admits
 *   loop       the rest
 */
#include "daemon/server/inrush.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/base/clock.h"
#include "daemon/buckets.h"

enum {
    /* Of quiet fill a bucket, or as many tokens as there may be clients: a fleet that is started
     * again comes at once, and from one address where addresses are translated. */
    DEPTH_S = 20,
    PREFIX_BYTES = 8, /* of an IPv6 address: whoever has one has them all behind it */
};

enum owner_kind { OWNER_NONE, OWNER_IP4, OWNER_IP6, OWNER_USER };

static const uint64_t second_ns = 1000000000;

/* accept4 has no context to hand them in by.  Relaxed: they order nothing, and a log line that
 * names half of one address and half of another is no harm. */
static _Atomic uint64_t token_ns, depth_ns, refused, refused_number;
static _Atomic uint32_t refused_kind;

/* The I/O thread's. */
static struct buckets buckets;

void server_inrush_limit(const struct config *config)
{
    uint64_t rate = config->connections_per_second;
    uint64_t tokens = DEPTH_S * rate > config->clients_max ? DEPTH_S * rate : config->clients_max;
    uint64_t each_ns = rate > 0 ? second_ns / rate : 0;
    atomic_store_explicit(&depth_ns, tokens * each_ns, memory_order_relaxed);
    atomic_store_explicit(&token_ns, each_ns, memory_order_relaxed);
}

static struct bucket_owner user_of(int fd)
{
    struct ucred peer = {.uid = 0};
    socklen_t len = sizeof peer;
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
    return (struct bucket_owner){.number = peer.uid, .kind = OWNER_USER};
}

static struct bucket_owner owner_of(int fd, const struct sockaddr *address)
{
    union {
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
    } peer;
    struct bucket_owner owner = {.kind = OWNER_IP4};
    if (address == NULL || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return user_of(fd);
    if (address->sa_family == AF_INET) {
        memcpy(&peer.ip4, address, sizeof peer.ip4);
        memcpy(&owner.number, &peer.ip4.sin_addr, sizeof peer.ip4.sin_addr);
        return owner;
    }
    memcpy(&peer.ip6, address, sizeof peer.ip6);
    const uint8_t *bytes = peer.ip6.sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&peer.ip6.sin6_addr)) {
        memcpy(&owner.number, bytes + 12, sizeof(in_addr_t));
        return owner;
    }
    owner.kind = OWNER_IP6;
    memcpy(&owner.number, bytes, PREFIX_BYTES);
    return owner;
}

bool server_inrush_admits(int fd, const struct sockaddr *address)
{
    const struct bucket_law law = {
        .token_ns = atomic_load_explicit(&token_ns, memory_order_relaxed),
        .depth_ns = atomic_load_explicit(&depth_ns, memory_order_relaxed),
    };
    if (law.token_ns == 0)
        return true;
    struct bucket_owner owner = owner_of(fd, address);
    if (buckets_take(&buckets, &law, owner, clock_now_ns()))
        return true;
    atomic_store_explicit(&refused_number, owner.number, memory_order_relaxed);
    atomic_store_explicit(&refused_kind, owner.kind, memory_order_relaxed);
    atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
    return false;
}

void server_inrush_close(int fd)
{
    const struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

uint64_t server_inrush_refused(void)
{
    return atomic_load_explicit(&refused, memory_order_relaxed);
}

void server_inrush_address(char text[SERVER_INRUSH_ADDRESS_BYTES])
{
    uint64_t number = atomic_load_explicit(&refused_number, memory_order_relaxed);
    struct in6_addr address = {0};
    memcpy(&address, &number, sizeof number);
    text[0] = '\0';
    switch (atomic_load_explicit(&refused_kind, memory_order_relaxed)) {
    case OWNER_IP4:
        inet_ntop(AF_INET, &address, text, SERVER_INRUSH_ADDRESS_BYTES);
        break;
    case OWNER_IP6:
        inet_ntop(AF_INET6, &address, text, SERVER_INRUSH_ADDRESS_BYTES);
        break;
    default:
        snprintf(text, SERVER_INRUSH_ADDRESS_BYTES, "uid %u", (unsigned)number);
        break;
    }
}
