/*
 * Sockets that the service manager bound, and keeps open while the daemon does not run:
 * sd_listen_fds(3), which is a matter of two variables.
 *
 * Which endpoint a socket is for, its address says; so the same configuration serves with and
 * without them.  libzmq gets a duplicate: an endpoint that a reload gives up can be bound again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/server/parts.h"

enum {
    FIRST_FD = 3, /* behind the standard streams */
    PLACE_BYTES = 160,
};

union address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un path;
};

static bool get_address(int fd, union address *address)
{
    socklen_t len = sizeof *address;
    memset(address, 0, sizeof *address);
    return getsockname(fd, &address->any, &len) == 0;
}

static bool is_wildcard(const union address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->ip4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&address->ip6.sin6_addr);
}

static bool is_host(const union address *address, const char *host)
{
    struct in_addr ip4;
    struct in6_addr ip6;
    if (strcmp(host, "*") == 0)
        return is_wildcard(address);
    if (address->any.sa_family == AF_INET)
        return inet_pton(AF_INET, host, &ip4) == 1 && ip4.s_addr == address->ip4.sin_addr.s_addr;
    return inet_pton(AF_INET6, host, &ip6) == 1 &&
           IN6_ARE_ADDR_EQUAL(&ip6, &address->ip6.sin6_addr);
}

/* HOST:PORT or [HOST]:PORT. */
static bool is_tcp(const union address *address, const char *place)
{
    char host[PLACE_BYTES];
    snprintf(host, sizeof host, "%s", place[0] == '[' ? place + 1 : place);
    char *colon = strrchr(host, ':');
    if (colon == NULL || address->any.sa_family == AF_UNIX)
        return false;
    in_port_t port =
        address->any.sa_family == AF_INET ? address->ip4.sin_port : address->ip6.sin6_port;
    char *end = colon > host && colon[-1] == ']' ? colon - 1 : colon;
    *end = '\0';
    return is_host(address, host) && strtoul(colon + 1, NULL, 10) == ntohs(port);
}

static bool is_at(int fd, const char *endpoint)
{
    union address address;
    if (!get_address(fd, &address))
        return false;
    if (strncmp(endpoint, "tcp://", strlen("tcp://")) == 0)
        return is_tcp(&address, endpoint + strlen("tcp://"));
    return address.any.sa_family == AF_UNIX &&
           strcmp(address.path.sun_path, endpoint + strlen("ipc://")) == 0;
}

/* For a person. */
static void tell(int fd, char place[PLACE_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "";
    union address address;
    if (!get_address(fd, &address))
        snprintf(place, PLACE_BYTES, "descriptor %d", fd);
    else if (address.any.sa_family == AF_UNIX)
        snprintf(place, PLACE_BYTES, "ipc://%.107s", address.path.sun_path);
    else if (address.any.sa_family == AF_INET)
        snprintf(place, PLACE_BYTES, "tcp://%s:%u",
                 inet_ntop(AF_INET, &address.ip4.sin_addr, host, sizeof host),
                 ntohs(address.ip4.sin_port));
    else
        snprintf(place, PLACE_BYTES, "tcp://[%s]:%u",
                 inet_ntop(AF_INET6, &address.ip6.sin6_addr, host, sizeof host),
                 ntohs(address.ip6.sin6_port));
}

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static bool is_listening(int fd)
{
    int domain = option_of(fd, SO_DOMAIN);
    return option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1 &&
           (domain == AF_UNIX || domain == AF_INET || domain == AF_INET6);
}

/* An accept must not wait for a connection that was given up meanwhile. */
static bool prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

enum stk_status server_inherited_open(struct server *server, char *error)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    if (pid == NULL || count == NULL || strtoul(pid, NULL, 10) != (unsigned long)getpid())
        return STK_OK;
    unsigned long fds = strtoul(count, NULL, 10);
    for (unsigned long i = 0; i < fds; i++) {
        int fd = FIRST_FD + (int)i;
        if (i < CONFIG_LISTEN_MAX && is_listening(fd) && prepare(fd))
            continue;
        snprintf(error, CONFIG_ERROR_BYTES,
                 "descriptor %d of the service manager is no socket that listens for streams, or "
                 "is over the %d that may be: look at its .socket unit",
                 fd, CONFIG_LISTEN_MAX);
        return STK_CONFIG;
    }
    server->inherited_count = (uint32_t)fds;
    return STK_OK;
}

static int find(const struct server *server, const char *endpoint)
{
    for (int fd = FIRST_FD; fd < FIRST_FD + (int)server->inherited_count; fd++) {
        if (is_at(fd, endpoint))
            return fd;
    }
    return -1;
}

bool server_inherited_has(const struct server *server, const char *endpoint)
{
    return find(server, endpoint) >= 0;
}

static bool is_named(const struct config *config, int fd)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        struct config_endpoint endpoint;
        if (config_endpoint_parse(config->listen[i], &endpoint) == STK_OK &&
            is_at(fd, endpoint.address))
            return true;
    }
    return false;
}

enum stk_status server_inherited_check(const struct server *server, const struct config *config,
                                       char *error)
{
    for (int fd = FIRST_FD; fd < FIRST_FD + (int)server->inherited_count; fd++) {
        if (is_named(config, fd))
            continue;
        char place[PLACE_BYTES];
        tell(fd, place);
        snprintf(error, CONFIG_ERROR_BYTES,
                 "the service manager hands a socket at \"%s\" over, which \"listen\" does not "
                 "name: who connects to it would wait for ever",
                 place);
        return STK_CONFIG;
    }
    return STK_OK;
}

static int use_fd(void *router, int fd)
{
    return zmq_setsockopt(router, ZMQ_USE_FD, &fd, sizeof fd);
}

int server_inherited_bind(struct server *server, const char *endpoint)
{
    int fd = find(server, endpoint);
    if (fd < 0)
        return zmq_bind(server->router, endpoint);
    int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0 || use_fd(server->router, duplicate) != 0)
        return -1;
    int bound = zmq_bind(server->router, endpoint);
    int reason = errno;
    int none = use_fd(server->router, -1);
    errno = reason;
    return bound == 0 ? none : bound;
}
