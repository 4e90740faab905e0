/*
 * Descriptors: sums.
 */
#include "daemon/descriptors.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/base/log.h"

enum {
    CONNECTIONS_AUTO = 1280,  /* every client that may be, and as many strangers as a quarter */
    ENDPOINT_DESCRIPTORS = 3, /* its socket, its pauses' timer, and an ipc path's lock */
    READER_DESCRIPTORS = 2,   /* a file, and the folder that it is looked for in once more */
    HTTP_DESCRIPTORS = 36,    /* its connections, its socket, and what libmicrohttpd opens */
    RESERVE = 12,             /* a listing, the service manager, what libraries open for a moment */
    DESCRIPTORS_USUAL = 1024, /* where the system does not tell */
    DESCRIPTORS_MAX = 1 << 16, /* more are no use; the connections' monitor counts as far */
};

enum stk_status descriptors_fill_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The lowest one that is free is this one: those below it are open. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return STK_SYSTEM;
    }
    return STK_OK;
}

void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static uint32_t limit_of_process(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return DESCRIPTORS_USUAL;
    return limit.rlim_cur > DESCRIPTORS_MAX ? DESCRIPTORS_MAX : (uint32_t)limit.rlim_cur;
}

static uint32_t count_open(uint32_t limit)
{
    uint32_t count = 0;
    for (uint32_t fd = 0; fd < limit; fd++)
        count += fcntl((int)fd, F_GETFD) >= 0;
    return count;
}

enum stk_status descriptors_plan(const struct config *config, uint32_t *connections_max,
                                 char *error)
{
    uint32_t limit = limit_of_process();
    uint32_t http = config->http[0] != '\0' ? HTTP_DESCRIPTORS : 0;
    uint32_t own = count_open(limit) + http +
                   ENDPOINT_DESCRIPTORS * (uint32_t)config->listen_count +
                   READER_DESCRIPTORS * config->readers + RESERVE;
    uint32_t left = limit > own ? limit - own : 0;
    uint32_t wanted = config->connections_max > 0 ? config->connections_max : 1;
    if (left < wanted) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "the limit of %u descriptors leaves %u for connections, and %u must be: raise it "
                 "(LimitNOFILE, ulimit -n) to at least %u, or lower connections_max or readers",
                 limit, left, wanted, own + wanted);
        return STK_CONFIG;
    }
    if (config->connections_max == 0)
        wanted = left < CONNECTIONS_AUTO ? left : CONNECTIONS_AUTO;
    *connections_max = wanted;
    LOG(NOTICE, "descriptors.plan", LOG_NUMBER("descriptors_max", limit), LOG_NUMBER("own", own),
        LOG_NUMBER("connections_max", wanted));
    return STK_OK;
}
