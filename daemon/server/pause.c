/*
 * Pauses: see pause.h.
 *
 * To libzmq an event is a pointer, which it has given to epoll_ctl with the listener.  The timer is
 * added with the same one.  libzmq adds and removes its listeners on the thread that looks at
 * them, so no two threads share a row; what it does with connections is hangup.c's business.
 */
#include "daemon/server/pause.h"

#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/server/accept.h"
#include "daemon/server/hangup.h"

struct listener {
    int fd;
    int epoll;
    int timer; /* in the same epoll; -1: there is none, and so no pause */
    bool paused;
    struct epoll_event event; /* as libzmq wants it told */
};

/* Those that the calling thread looks at. */
static _Thread_local struct listener listeners[2 * CONFIG_LISTEN_MAX];
static _Thread_local unsigned listener_count;

static int control(int epoll, int operation, int fd, struct epoll_event *event)
{
    return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

static struct listener *find(int fd)
{
    for (unsigned i = 0; i < listener_count; i++) {
        if (listeners[i].fd == fd)
            return &listeners[i];
    }
    return NULL;
}

static bool is_listening(int fd)
{
    int listening = 0;
    socklen_t len = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening != 0;
}

static void add(int epoll, int fd, struct epoll_event event)
{
    if (listener_count == sizeof listeners / sizeof *listeners)
        return;
    struct listener *added = &listeners[listener_count++];
    *added = (struct listener){.fd = fd, .epoll = epoll, .event = event};
    added->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    event.events = EPOLLIN;
    if (added->timer >= 0 && control(epoll, EPOLL_CTL_ADD, added->timer, &event) != 0) {
        close(added->timer);
        added->timer = -1;
    }
}

static void set_timer(const struct listener *listener, long wait_ms)
{
    const struct itimerspec once = {.it_value = {.tv_nsec = wait_ms * 1000000}};
    timerfd_settime(listener->timer, 0, &once, NULL);
}

/* The timer goes first: nothing may call a listener that is gone. */
static void drop(struct listener *listener)
{
    if (listener->timer >= 0) {
        control(listener->epoll, EPOLL_CTL_DEL, listener->timer, NULL);
        close(listener->timer);
    }
    *listener = listeners[--listener_count];
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (server_accept_is_exempt())
        return control(epoll, operation, fd, event);
    struct listener *listener = find(fd);
    if (listener == NULL && operation == EPOLL_CTL_ADD && is_listening(fd))
        add(epoll, fd, *event);
    else if (listener != NULL && operation == EPOLL_CTL_DEL)
        drop(listener);
    else if (listener != NULL)
        listener->event = *event;
    else
        return server_hangup_control(epoll, operation, fd, event);
    return control(epoll, operation, fd, event);
}

void server_pause_begin(int fd)
{
    struct listener *listener = find(fd);
    if (listener == NULL || listener->timer < 0)
        return;
    struct epoll_event nothing = {.data = listener->event.data};
    set_timer(listener, SERVER_PAUSE_MS);
    listener->paused = control(listener->epoll, EPOLL_CTL_MOD, fd, &nothing) == 0;
}

void server_pause_end(int fd)
{
    struct listener *listener = find(fd);
    if (listener == NULL || !listener->paused)
        return;
    set_timer(listener, 0);
    listener->paused = control(listener->epoll, EPOLL_CTL_MOD, fd, &listener->event) != 0;
}
