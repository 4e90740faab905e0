/*
 * The gate.  libzmq 4.3.4 accepts on its I/O thread whatever comes: it has no limit, it spins where
 * a tcp accept finds no descriptor left, and ends the process where an ipc accept finds none.  Who
 * counts connections from outside comes too late, because a burst is accepted between two looks at
 * the monitor.  So the program itself answers libzmq's calls of accept4 and accept, which the
 * dynamic linker resolves to the program before it looks into the C library.
 *
 * A connection over the limit, or one of too many a second (inrush.c), is accepted and
 * closed at once, and after some of them there is a pause (pause.c).  To libzmq it is one
 * that its peer gave up, to the peer one to try again later; and the endpoints stay bound, so that
 * nobody takes an address over and no path vanishes meanwhile.  The loop's thread accepts for http
 * alone, which counts its own connections.
 *
 *   thread     what it runs here
 *   zmq I/O    accept4, accept
 *   loop       the rest, and accept4 for http
 *
 * <sys/socket.h> is not included: its prototypes differ from C library to C library.
 */
#include "daemon/server/accept.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/server/inrush.h"
#include "daemon/server/pause.h"
#include "daemon/server/unended.h"

enum {
    FDS_MAX = 1 << 16,
    REFUSED_AT_ONCE = 16, /* connections, before a pause: 4,000 a second at each endpoint */
    PEER_WORDS = 7,       /* of four bytes: a sockaddr_in6 */
};

struct sockaddr;

int accept4(int listener, struct sockaddr *address, socklen_t *len, int flags);
int accept(int listener, struct sockaddr *address, socklen_t *len);

/* accept4 has no context to hand a gate in by.  Relaxed: the numbers order nothing, and only the
 * one I/O thread lets connections in. */
static _Atomic uint32_t limit;
static _Atomic uint32_t open_count;
static _Atomic uint64_t refused;
static _Atomic uint32_t peers[FDS_MAX][PEER_WORDS];

/* Whether the thread's connections are none of the gate's business. */
static _Thread_local bool exempt;

void server_accept_exempt(void)
{
    exempt = true;
}

bool server_accept_is_exempt(void)
{
    return exempt;
}

void server_accept_limit(uint32_t connections_max)
{
    atomic_store_explicit(&limit, connections_max, memory_order_relaxed);
}

void server_accept_closed(void)
{
    atomic_fetch_sub_explicit(&open_count, 1, memory_order_relaxed);
}

uint64_t server_accept_refused(void)
{
    return atomic_load_explicit(&refused, memory_order_relaxed);
}

static bool is_full(void)
{
    return atomic_load_explicit(&open_count, memory_order_relaxed) >=
           atomic_load_explicit(&limit, memory_order_relaxed);
}

/* What stands behind a shorter address is nobody's. */
static void keep_peer(int fd, const struct sockaddr *address)
{
    if (fd >= FDS_MAX)
        return;
    uint32_t words[PEER_WORDS] = {0};
    if (address != NULL)
        memcpy(words, address, sizeof words);
    for (int i = 0; i < PEER_WORDS; i++)
        atomic_store_explicit(&peers[fd][i], words[i], memory_order_relaxed);
}

void server_accept_peer(int fd, struct sockaddr_storage *peer)
{
    uint32_t words[PEER_WORDS] = {0};
    for (int i = 0; i < PEER_WORDS && fd >= 0 && fd < FDS_MAX; i++)
        words[i] = atomic_load_explicit(&peers[fd][i], memory_order_relaxed);
    memcpy(peer, words, sizeof words);
}

static bool may_stay(int fd, const struct sockaddr *address)
{
    bool full = is_full();
    atomic_fetch_add_explicit(&refused, full, memory_order_relaxed);
    return !full && server_inrush_admits(fd, address);
}

static void let_in(int fd, const struct sockaddr *address)
{
    atomic_fetch_add_explicit(&open_count, 1, memory_order_relaxed);
    server_unended_reset(fd);
    keep_peer(fd, address);
}

/* libzmq's listeners for ipc block, and after a pause nobody need be there any more. */
static bool is_waiting(int listener)
{
    struct pollfd poll_for = {.fd = listener, .events = POLLIN};
    return poll(&poll_for, 1, 0) == 1;
}

/* The first connection that may stay; those before it are closed.  -1 where none may. */
static int accept_admitted(int listener, struct sockaddr *address, socklen_t *len, int flags)
{
    const socklen_t capacity = len != NULL ? *len : 0;
    int count = 0;
    for (; count < REFUSED_AT_ONCE && is_waiting(listener); count++) {
        if (len != NULL)
            *len = capacity;
        int fd = (int)syscall(SYS_accept4, listener, address, len, flags);
        if (fd < 0 || may_stay(fd, address))
            return fd;
        server_inrush_close(fd);
    }
    errno = count > 0 ? ECONNABORTED : EAGAIN;
    return -1;
}

/* The loop's, for http. */
static int accept_any(int listener, struct sockaddr *address, socklen_t *len, int flags)
{
    int fd = (int)syscall(SYS_accept4, listener, address, len, flags);
    server_unended_reset(fd);
    return fd;
}

int accept4(int listener, struct sockaddr *address, socklen_t *len, int flags)
{
    if (exempt)
        return accept_any(listener, address, len, flags);
    server_pause_end(listener);
    int fd = accept_admitted(listener, address, len, flags);
    if (fd >= 0) {
        let_in(fd, address);
        return fd;
    }
    int reason = errno;
    if (reason != EAGAIN && reason != EINTR)
        server_pause_begin(listener);
    /* An ipc accept takes the system's shortage calmly, but not the process's. */
    errno = reason == EMFILE ? ENFILE : reason;
    return -1;
}

int accept(int listener, struct sockaddr *address, socklen_t *len)
{
    return accept4(listener, address, len, 0);
}
