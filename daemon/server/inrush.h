/*
 * The inrush: how fast new connections may come.
 */
#ifndef STK_SERVER_INRUSH_H
#define STK_SERVER_INRUSH_H

#include <stdbool.h>
#include <stdint.h>

enum { SERVER_INRUSH_ADDRESS_BYTES = 64 };

struct config;
struct sockaddr;

/** What a configuration says of it holds from here on; until then nothing is limited.  Threads:
 *  any. */
void server_inrush_limit(const struct config *config);

/**
 * Whether a connection that was just accepted may stay.
 *
 *   address   of its peer; NULL for one of ipc
 *
 * Threads: libzmq's I/O thread.  Blocks: no.
 */
bool server_inrush_admits(int fd, const struct sockaddr *address);

/** Close a connection that may not stay, so that nothing of it remains in the kernel either.
 *  Threads: any. */
void server_inrush_close(int fd);

/** Connections that might not stay since the start.  Threads: any. */
uint64_t server_inrush_refused(void);

/** Whose the last one of them was, for the log: an address, or "uid N".  Threads: any. */
void server_inrush_address(char text[SERVER_INRUSH_ADDRESS_BYTES]);

#endif
