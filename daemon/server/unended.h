/*
 * Messages that never end.
 *
 * ZMQ_MAXMSGSIZE bounds a frame, and the queue's limit counts whole messages; what a stranger sends
 * in frames that promise more has no bound in libzmq.  So bytes are counted from outside: a
 * connection that has brought more of them than a full queue holds, and no message since, is cut
 * off.  One that only answers heartbeats is cut off after days, and comes back.
 */
#ifndef STK_SERVER_UNENDED_H
#define STK_SERVER_UNENDED_H

/* A full queue of the largest requests has half as many. */
enum { SERVER_UNENDED_BYTES_MAX = 1 << 20 };

/** Count a connection's bytes anew: it was made, or a message came by it.  Threads: any. */
void server_unended_reset(int fd);

#endif
