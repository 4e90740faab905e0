/*
 * Bytes without a message: counted where libzmq takes them from the kernel.
 *
 * As in accept.c the program itself answers libzmq's calls, here of recv.  It ends an http
 * connection too that brings a MiB, which is a thousand requests.
 *
 *   thread     what it runs here
 *   zmq I/O    recv, the reset of a new connection
 *   loop       the reset behind a message
 */
#include "daemon/server/unended.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { FDS_MAX = 1 << 16 }; /* connections with a higher number are not counted */

ssize_t recv(int fd, void *bytes, size_t len, int flags);

/* By descriptor.  Relaxed: that a reset and an addition meet costs a few bytes of precision. */
static _Atomic uint32_t counts[FDS_MAX];

void server_unended_reset(int fd)
{
    if (fd >= 0 && fd < FDS_MAX)
        atomic_store_explicit(&counts[fd], 0, memory_order_relaxed);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    ssize_t received = syscall(SYS_recvfrom, fd, bytes, len, flags, NULL, NULL);
    if (received <= 0 || fd >= FDS_MAX)
        return received;
    uint32_t count = (uint32_t)received + atomic_fetch_add_explicit(&counts[fd], (uint32_t)received,
                                                                    memory_order_relaxed);
    if (count <= SERVER_UNENDED_BYTES_MAX)
        return received;
    errno = ECONNRESET;
    return -1;
}
