/*
 * The server: the loop's thread, its sockets, its clients.
 *
 * It decides what is made next, and answers; it decodes nothing, reads no file and never blocks.
 * What it serves is a catalog, which a reload replaces.
 */
#ifndef STK_SERVER_H
#define STK_SERVER_H

#include "daemon/catalog.h"
#include "daemon/memory.h"

struct server;

/**
 * Bind the endpoints and start the pipeline.
 *
 *   path       of the configuration, which SIGHUP has read anew; borrowed, outlives the server
 *   catalog    what is served; moves to the server, stays the caller's on failure
 *   options    the pipeline's threads and limits; figures, finished and context are set here
 *   plan       the memory plan; copied
 *   server     set on success, NULL otherwise
 *   error      CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller owns *server and gives it to server_close.
 * Returns: STK_OK
 *          STK_IN_USE   an endpoint is served by another process
 *          STK_SYSTEM   an endpoint cannot be bound, or a thread not be started
 *          STK_MEMORY
 * Threads: the loop's.  Blocks: no.
 */
STK_MUST_CHECK enum stk_status server_open(const char *path, struct catalog **catalog,
                                           const struct pipeline_options *options,
                                           const struct memory_plan *plan, struct server **server,
                                           char *error);

/**
 * Serve until SIGTERM or SIGINT; read the configuration anew on SIGHUP, which the caller may have
 * blocked until here.  At the end answer what was asked for; a second signal ends at once.
 *
 * Returns: STK_OK after a complete drain, STK_TIMEOUT where it was cut short.
 */
STK_MUST_CHECK enum stk_status server_run(struct server *server);

/** Give the server back; *server becomes NULL.  NULL is fine.  Blocks: for a picture a worker. */
void server_close(struct server **server);

#endif
