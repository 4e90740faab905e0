/*
 * The gate: how many connections libzmq may accept, and how fast.
 */
#ifndef STK_SERVER_ACCEPT_H
#define STK_SERVER_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

/** What the calling thread accepts is not counted from here on, and not limited. */
void server_accept_exempt(void);

/** Whether that was said of the calling thread. */
bool server_accept_is_exempt(void);

/** At most so many connections at once from here on; 0, none, until then.  Threads: any. */
void server_accept_limit(uint32_t connections_max);

/** A connection that was accepted is closed: there is room for another.  Threads: any. */
void server_accept_closed(void);

/** Connections that were closed at once since the start, for want of room.  Threads: any. */
uint64_t server_accept_refused(void);

struct sockaddr_storage;

/**
 * Who was accepted last as a descriptor.
 *
 *   peer   zeroed; set to as much of its address as the internet's have.  A connection that took
 *          the descriptor over meanwhile may be told instead, so this is for the log alone
 *
 * Threads: any.
 */
void server_accept_peer(int fd, struct sockaddr_storage *peer);

#endif
