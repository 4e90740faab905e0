/*
 * The gate.  libzmq 4.3.4 accepts on its I/O thread whatever comes: it has no limit, it spins where
 * a tcp accept finds no descriptor left, and ends the process where an ipc accept finds none.  Who
 * counts connections from outside comes too late, because a burst is accepted between two looks at
 * the monitor.  So the program itself answers libzmq's calls of accept4 and accept, which the
 * dynamic linker resolves to the program before it looks into the C library.
 *
 * A connection over the limit is accepted and closed at once.  To libzmq it is one that its peer
 * gave up, to the peer one to try again later; and the endpoints stay bound, so that nobody takes
 * an address over and no path vanishes meanwhile.  The loop's thread accepts for http alone, which
 * counts its own connections.
 *
 *   thread     what it runs here
 *   zmq I/O    accept4, accept
 *   loop       the rest, and accept4 for http
 *
 * <sys/socket.h> is not included: its prototypes differ from C library to C library.
 */
#include "daemon/server_accept.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/server_unended.h"

enum {
    FDS_MAX = 1 << 16,
    PEER_WORDS = 7, /* of four bytes: a sockaddr_in6 */
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
    if (fd >= FDS_MAX || address == NULL)
        return;
    uint32_t words[PEER_WORDS];
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

int accept4(int listener, struct sockaddr *address, socklen_t *len, int flags)
{
    int fd = (int)syscall(SYS_accept4, listener, address, len, flags);
    if (fd < 0) {
        /* An ipc accept takes the system's shortage calmly, but not the process's. */
        if (errno == EMFILE)
            errno = ENFILE;
        return -1;
    }
    if (exempt) {
        server_unended_reset(fd);
        return fd;
    }
    if (!is_full()) {
        atomic_fetch_add_explicit(&open_count, 1, memory_order_relaxed);
        server_unended_reset(fd);
        keep_peer(fd, address);
        return fd;
    }
    close(fd);
    atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
    errno = ECONNABORTED;
    return -1;
}

int accept(int listener, struct sockaddr *address, socklen_t *len)
{
    return accept4(listener, address, len, 0);
}
