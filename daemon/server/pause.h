/*
 * Pauses: a while without accepting.
 *
 * libzmq looks at a listener for as long as somebody waits there, so to leave connections waiting
 * is to let it spin.  The program answers its calls of epoll_ctl, and so can take a listener out of
 * its sight; a timer's descriptor that stands in the same place of libzmq's table calls it back.
 */
#ifndef STK_SERVER_PAUSE_H
#define STK_SERVER_PAUSE_H

enum { SERVER_PAUSE_MS = 4 };

/** Accept nothing at a listener for SERVER_PAUSE_MS.  Where no descriptor was left for the timer
 *  there is no pause.  Threads: libzmq's I/O thread. */
void server_pause_begin(int listener);

/** libzmq looks at a listener: its pause is over.  Threads: libzmq's I/O thread. */
void server_pause_end(int listener);

#endif
