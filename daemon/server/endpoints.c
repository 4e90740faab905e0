/*
 * Endpoints: bound at the start, and bound and unbound as the configuration changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/base/log.h"
#include "daemon/server/parts.h"

/* libzmq would take an ipc path over from a living daemon without a word, so a lock file beside it
 * says whose it is.  The kernel lets go of the lock with the process. */
static enum stk_status lock_ipc(const char *name, int *fd, char *error)
{
    char path[160]; /* the configuration bounds an ipc path by sockaddr_un, 107 bytes */
    snprintf(path, sizeof path, "%.107s.lock", name + strlen("ipc://"));
    do {
        *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    } while (*fd < 0 && errno == EINTR);
    if (*fd < 0) {
        snprintf(error, CONFIG_ERROR_BYTES, "cannot open \"%s\": %s", path, strerror(errno));
        return STK_SYSTEM;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return STK_OK;
    if (errno == EWOULDBLOCK) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "endpoint \"%s\" is in use by another daemon; stop that one or listen elsewhere",
                 name);
        return STK_IN_USE;
    }
    snprintf(error, CONFIG_ERROR_BYTES, "cannot lock \"%s\": %s", path, strerror(errno));
    return STK_SYSTEM;
}

/* libzmq would remove whatever stands at the path: that must be what a daemon left behind. */
static enum stk_status check_ipc(const char *name, char *error)
{
    const char *path = name + strlen("ipc://");
    struct stat file;
    if (lstat(path, &file) != 0 || S_ISSOCK(file.st_mode))
        return STK_OK;
    snprintf(
        error, CONFIG_ERROR_BYTES,
        "cannot listen on \"%s\": there is a file that is no socket; listen elsewhere, or move "
        "it away",
        name);
    return STK_IN_USE;
}

/* The path of an inherited socket is the service manager's to remove, and the file has the mode and
 * group that its unit says.  It is locked against a daemon that somebody starts beside it, where
 * the folder is not the manager's alone. */
static enum stk_status claim_ipc(const struct server *server, const char *name, int *lock_fd,
                                 char *error)
{
    enum stk_status status = lock_ipc(name, lock_fd, error);
    if (server_inherited_has(server, name))
        return status == STK_SYSTEM ? STK_OK : status;
    return status == STK_OK ? check_ipc(name, error) : status;
}

static enum stk_status no_memory(const char *name, char *error)
{
    snprintf(error, CONFIG_ERROR_BYTES, "no memory to listen on \"%s\"", name);
    return STK_MEMORY;
}

static void unlock(struct endpoint *endpoint)
{
    if (endpoint->lock_fd >= 0)
        close(endpoint->lock_fd);
    endpoint->lock_fd = -1;
}

static void release(struct endpoint *endpoint)
{
    unlock(endpoint);
    free(endpoint->name);
    free(endpoint->address);
    free(endpoint->place);
}

/* libzmq leaves an ipc path behind; it is removed while the lock says that it is ours. */
static void unbind(struct server *server, struct endpoint *endpoint)
{
    zmq_unbind(server->router, endpoint->place);
    if (endpoint->lock_fd >= 0 && !server_inherited_has(server, endpoint->address))
        unlink(endpoint->address + strlen("ipc://"));
    unlock(endpoint);
    endpoint->bound = false;
    server_connections_forget(server, endpoint->id);
}

/* After zmq_bind: what it was bound to. */
static enum stk_status remember(struct server *server, struct endpoint *endpoint, const char *name,
                                const char *address, char *error)
{
    char bound[CONFIG_ERROR_BYTES];
    size_t len = sizeof bound;
    if (zmq_getsockopt(server->router, ZMQ_LAST_ENDPOINT, bound, &len) != 0)
        snprintf(bound, sizeof bound, "%s", address);
    endpoint->name = strdup(name);
    endpoint->address = strdup(address);
    endpoint->place = strdup(bound);
    if (endpoint->name != NULL && endpoint->address != NULL && endpoint->place != NULL)
        return STK_OK;
    zmq_unbind(server->router, bound);
    return no_memory(name, error);
}

/* The socket's file is made with its mode, so that nobody comes in between. */
static int bind_with_mode(struct server *server, const struct config_endpoint *told)
{
    if (told->mode < 0)
        return server_inherited_bind(server, told->address);
    mode_t before = umask(~(mode_t)told->mode & 0777);
    int bound = server_inherited_bind(server, told->address);
    int reason = errno;
    umask(before);
    errno = reason;
    return bound;
}

static enum stk_status set_group(void *router, const struct config_endpoint *told, char *error)
{
    const char *path = told->address + strlen("ipc://");
    errno = 0;
    const struct group *group = getgrnam(told->group);
    if (group != NULL && chown(path, (uid_t)-1, group->gr_gid) == 0)
        return STK_OK;
    snprintf(error, CONFIG_ERROR_BYTES, "cannot give \"%s\" to the group \"%s\": %s", path,
             told->group, group == NULL && errno == 0 ? "there is none" : strerror(errno));
    zmq_unbind(router, told->address);
    unlink(path);
    return STK_SYSTEM;
}

static enum stk_status bind_told(struct server *server, const struct config_endpoint *told,
                                 char *error)
{
    /* With IPv6 on, libzmq binds an IPv4 address as a mapped one; [::] is how to ask for both. */
    int ipv6 = strchr(told->address, '[') != NULL;
    if (zmq_setsockopt(server->router, ZMQ_IPV6, &ipv6, sizeof ipv6) != 0 ||
        bind_with_mode(server, told) != 0) {
        int reason = zmq_errno();
        snprintf(error, CONFIG_ERROR_BYTES, "cannot listen on \"%s\": %s", told->address,
                 zmq_strerror(reason));
        return reason == EADDRINUSE ? STK_IN_USE : STK_SYSTEM;
    }
    bool ours = !server_inherited_has(server, told->address);
    return ours && told->group[0] != '\0' ? set_group(server->router, told, error) : STK_OK;
}

static enum stk_status bind_to(struct server *server, const struct config *config,
                               struct endpoint *endpoint, const char *name, char *error)
{
    struct config_endpoint told;
    enum stk_status status = config_endpoint_parse(name, &told);
    if (status == STK_OK && told.is_ipc)
        status = claim_ipc(server, told.address, &endpoint->lock_fd, error);
    endpoint->keys = told.keys;
    if (status == STK_OK)
        status = server_endpoint_secure(server, config, &told, error);
    if (status == STK_OK)
        status = bind_told(server, &told, error);
    if (status == STK_OK)
        status = remember(server, endpoint, name, told.address, error);
    if (status == STK_OK && told.open)
        LOG(WARN, "endpoint.insecure", LOG_TEXT("endpoint", endpoint->place),
            LOG_TEXT("reason", "insecure=yes: whoever reaches it is served, and can read along"));
    return status;
}

static bool has_id(const struct server *server, uint8_t id)
{
    for (size_t i = 0; i < server->endpoint_count; i++) {
        if (server->endpoints[i].id == id)
            return true;
    }
    return false;
}

static uint8_t unused_id(const struct server *server)
{
    uint8_t id = 1;
    while (has_id(server, id))
        id++;
    return id;
}

static enum stk_status bind_endpoint(struct server *server, const struct config *config,
                                     struct endpoint *endpoint, const char *name, char *error)
{
    *endpoint = (struct endpoint){.id = unused_id(server), .bound = true, .lock_fd = -1};
    enum stk_status status = bind_to(server, config, endpoint, name, error);
    if (status != STK_OK)
        release(endpoint);
    return status;
}

static bool is_bound(const struct server *server, const char *name)
{
    for (size_t i = 0; i < server->endpoint_count; i++) {
        if (strcmp(server->endpoints[i].name, name) == 0)
            return true;
    }
    return false;
}

/* libzmq keeps an address bound as it was: with or without keys, for this group. */
static enum stk_status check_same(const struct server *server, const char *name, char *error)
{
    struct config_endpoint told;
    enum stk_status status = config_endpoint_parse(name, &told);
    for (size_t i = 0; i < server->endpoint_count && status == STK_OK; i++) {
        if (strcmp(server->endpoints[i].address, told.address) != 0)
            continue;
        snprintf(error, CONFIG_ERROR_BYTES,
                 "\"%s\" is bound already, as \"%s\"; a restart alone changes that", name,
                 server->endpoints[i].name);
        status = STK_CONFIG;
    }
    return status;
}

static bool is_wanted(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        if (strcmp(config->listen[i], name) == 0)
            return true;
    }
    return false;
}

/* Forget those that are not bound. */
static void sweep(struct server *server)
{
    size_t kept = 0;
    for (size_t i = 0; i < server->endpoint_count; i++) {
        if (server->endpoints[i].bound)
            server->endpoints[kept++] = server->endpoints[i];
        else
            release(&server->endpoints[i]);
    }
    server->endpoint_count = kept;
}

/* Those of the configuration that are not bound yet; none where one fails. */
static enum stk_status bind_new(struct server *server, const struct config *config, char *error)
{
    size_t before = server->endpoint_count;
    enum stk_status status = STK_OK;
    for (size_t i = 0; i < config->listen_count && status == STK_OK; i++) {
        if (is_bound(server, config->listen[i]))
            continue;
        struct endpoint *endpoint = &server->endpoints[server->endpoint_count];
        status = check_same(server, config->listen[i], error);
        if (status == STK_OK)
            status = bind_endpoint(server, config, endpoint, config->listen[i], error);
        server->endpoint_count += status == STK_OK;
    }
    for (size_t i = before; i < server->endpoint_count; i++) {
        if (status == STK_OK)
            LOG(NOTICE, "server.listening", LOG_TEXT("endpoint", server->endpoints[i].place),
                LOG_NUMBER("keys", server->endpoints[i].keys));
        else
            unbind(server, &server->endpoints[i]);
    }
    return status;
}

static void unbind_old(struct server *server, const struct config *config)
{
    for (size_t i = 0; i < server->endpoint_count; i++) {
        struct endpoint *endpoint = &server->endpoints[i];
        if (is_wanted(config, endpoint->name))
            continue;
        LOG(NOTICE, "server.unbound", LOG_TEXT("endpoint", endpoint->place));
        unbind(server, endpoint);
    }
}

enum stk_status server_endpoints_follow(struct server *server, const struct config *config,
                                        char *error)
{
    /* To bind takes a lock that libzmq's thread keeps while it waits for room in the monitor. */
    server_monitor_drain(server);
    sweep(server);
    enum stk_status status = bind_new(server, config, error);
    if (status == STK_OK)
        unbind_old(server, config);
    return status;
}

uint8_t server_endpoint_id(const struct server *server, const char *place)
{
    for (size_t i = 0; i < server->endpoint_count; i++) {
        const struct endpoint *endpoint = &server->endpoints[i];
        if (strcmp(endpoint->place, place) == 0)
            return endpoint->bound ? endpoint->id : 0;
    }
    return UINT8_MAX;
}

void server_endpoints_release(struct server *server)
{
    for (size_t i = 0; i < server->endpoint_count; i++)
        release(&server->endpoints[i]);
    server->endpoint_count = 0;
}
