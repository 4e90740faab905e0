/*
 * Hang-ups: who leaves behind more requests than libzmq's queue takes.
 *
 * libzmq 4.3.4 stops reading a connection whose queue is full.  epoll tells of its end all the
 * same; libzmq then notes that end for later and asserts, with the process's end, that nothing is
 * written to the connection meanwhile: neither a heartbeat of its own nor the answer to one that
 * stands among what was read.  The program answers its calls of epoll_ctl and epoll_wait, and so
 * can leave a connection that is not read out of epoll altogether: libzmq meets its end when it
 * reads on.
 */
#ifndef STK_SERVER_HANGUP_H
#define STK_SERVER_HANGUP_H

struct epoll_event;

/**
 * What libzmq's call of epoll_ctl does for what is no listener.
 *
 * Returns: 0, or -1 with errno.
 * Threads: those that are not exempt in accept.h.
 */
int server_hangup_control(int epoll, int operation, int fd, struct epoll_event *event);

#endif
