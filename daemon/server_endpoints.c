/*
 * Endpoints: bound at the start, and bound and unbound as the configuration changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/base/log.h"
#include "daemon/server_parts.h"

/* libzmq would take an ipc path over from a living daemon without a word, so a lock file beside it
 * says whose it is.  The kernel lets go of the lock with the process. */
static enum stk_status lock_ipc(const char *name, int *fd, char *error)
{
    char path[160]; /* the configuration bounds an ipc path by sockaddr_un, 107 bytes */
    snprintf(path, sizeof path, "%s.lock", name + strlen("ipc://"));
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        snprintf(error, CONFIG_ERROR_BYTES, "cannot open \"%s\": %s", path, strerror(errno));
        return STK_SYSTEM;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "endpoint \"%s\" is in use by another daemon; stop that one or listen elsewhere",
                 name);
        return STK_IN_USE;
    }
    return STK_OK;
}

static enum stk_status no_memory(const char *name, char *error)
{
    snprintf(error, CONFIG_ERROR_BYTES, "no memory to listen on \"%s\"", name);
    return STK_MEMORY;
}

static void release(struct endpoint *endpoint)
{
    if (endpoint->lock_fd >= 0)
        close(endpoint->lock_fd);
    free(endpoint->name);
    free(endpoint->bound);
}

/* libzmq leaves an ipc path behind; it is removed while the lock says that it is ours. */
static void unbind(struct server *server, struct endpoint *endpoint)
{
    zmq_unbind(server->router, endpoint->bound);
    if (endpoint->lock_fd >= 0)
        unlink(endpoint->name + strlen("ipc://"));
    release(endpoint);
}

/* After zmq_bind: what it was bound to. */
static enum stk_status remember(struct server *server, struct endpoint *endpoint, const char *name,
                                char *error)
{
    char bound[CONFIG_ERROR_BYTES];
    size_t len = sizeof bound;
    if (zmq_getsockopt(server->router, ZMQ_LAST_ENDPOINT, bound, &len) != 0)
        snprintf(bound, sizeof bound, "%s", name);
    endpoint->name = strdup(name);
    endpoint->bound = strdup(bound);
    if (endpoint->name != NULL && endpoint->bound != NULL)
        return STK_OK;
    zmq_unbind(server->router, bound);
    return no_memory(name, error);
}

static enum stk_status bind_to(struct server *server, struct endpoint *endpoint, const char *name,
                               char *error)
{
    if (strncmp(name, "ipc://", strlen("ipc://")) == 0) {
        enum stk_status status = lock_ipc(name, &endpoint->lock_fd, error);
        if (status != STK_OK)
            return status;
    }
    /* With IPv6 on, libzmq binds an IPv4 address as a mapped one; [::] is how to ask for both. */
    int ipv6 = strchr(name, '[') != NULL;
    if (zmq_setsockopt(server->router, ZMQ_IPV6, &ipv6, sizeof ipv6) != 0 ||
        zmq_bind(server->router, name) != 0) {
        int reason = zmq_errno();
        snprintf(error, CONFIG_ERROR_BYTES, "cannot listen on \"%s\": %s", name,
                 zmq_strerror(reason));
        return reason == EADDRINUSE ? STK_IN_USE : STK_SYSTEM;
    }
    return remember(server, endpoint, name, error);
}

static enum stk_status bind_endpoint(struct server *server, struct endpoint *endpoint,
                                     const char *name, char *error)
{
    *endpoint = (struct endpoint){.lock_fd = -1};
    enum stk_status status = bind_to(server, endpoint, name, error);
    if (status != STK_OK)
        release(endpoint);
    return status;
}

static bool is_bound(const struct endpoint *endpoints, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(endpoints[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool is_wanted(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        if (strcmp(config->listen[i], name) == 0)
            return true;
    }
    return false;
}

/* Those of the configuration that are not bound yet; none where one fails. */
static enum stk_status bind_new(struct server *server, const struct config *config,
                                struct endpoint *endpoints, size_t *count, char *error)
{
    enum stk_status status = STK_OK;
    *count = 0;
    for (size_t i = 0; i < config->listen_count && status == STK_OK; i++) {
        if (is_bound(server->endpoints, server->endpoint_count, config->listen[i]))
            continue;
        status = bind_endpoint(server, &endpoints[*count], config->listen[i], error);
        *count += status == STK_OK;
    }
    if (status == STK_OK)
        return STK_OK;
    while (*count > 0)
        unbind(server, &endpoints[--*count]);
    return status;
}

static void unbind_old(struct server *server, const struct config *config)
{
    size_t kept = 0;
    for (size_t i = 0; i < server->endpoint_count; i++) {
        if (is_wanted(config, server->endpoints[i].name)) {
            server->endpoints[kept++] = server->endpoints[i];
            continue;
        }
        LOG(NOTICE, "server.unbound", LOG_TEXT("endpoint", server->endpoints[i].bound));
        unbind(server, &server->endpoints[i]);
    }
    server->endpoint_count = kept;
}

enum stk_status server_endpoints_follow(struct server *server, const struct config *config,
                                        char *error)
{
    struct endpoint added[CONFIG_LISTEN_MAX];
    size_t count;
    enum stk_status status = bind_new(server, config, added, &count, error);
    if (status != STK_OK)
        return status;
    unbind_old(server, config);
    for (size_t i = 0; i < count; i++) {
        LOG(NOTICE, "server.listening", LOG_TEXT("endpoint", added[i].bound));
        server->endpoints[server->endpoint_count++] = added[i];
    }
    return STK_OK;
}

void server_endpoints_release(struct server *server)
{
    for (size_t i = 0; i < server->endpoint_count; i++)
        release(&server->endpoints[i]);
    server->endpoint_count = 0;
}
