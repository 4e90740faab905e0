/*
 * Hang-ups: see hangup.h.
 *
 * libzmq wants a descriptor read whenever it looks at it, but while the connection's queue is full
 * or its key is being looked up.  That it wants it written alone is not heeded: writing goes on
 * when reading does.  (It is what a connect waits for, and a daemon connects to nobody.)
 *
 *   thread     what it runs here
 *   zmq I/O    everything
 *   loop       epoll_wait, which passes through
 */
#include "daemon/server/hangup.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/server/accept.h"

static int control(int epoll, int operation, int fd, struct epoll_event *event)
{
    return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

/* It may have been left out before. */
static int leave_out(int epoll, int fd, struct epoll_event *event)
{
    int result = control(epoll, EPOLL_CTL_DEL, fd, event);
    return result != 0 && errno == ENOENT ? 0 : result;
}

int server_hangup_control(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_DEL || (event->events & EPOLLIN) == 0)
        return leave_out(epoll, fd, event);
    int result = control(epoll, EPOLL_CTL_MOD, fd, event);
    return result != 0 && errno == ENOENT ? control(epoll, EPOLL_CTL_ADD, fd, event) : result;
}

/* Of an end that comes with bytes libzmq would hear twice: first of the end, and reads, which may
 * fill the queue, then of the bytes. */
int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    int found = (int)syscall(SYS_epoll_pwait, epoll, events, count, timeout_ms, NULL, 0);
    for (int i = 0; i < found && !server_accept_is_exempt(); i++) {
        if ((events[i].events & EPOLLIN) != 0)
            events[i].events &= ~(uint32_t)(EPOLLERR | EPOLLHUP);
    }
    return found;
}
