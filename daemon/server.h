/*
 * The server: the loop's thread, its sockets, its clients.
 *
 * It decides what is made next, and answers; it decodes nothing, reads no file and never blocks.
 */
#ifndef STK_SERVER_H
#define STK_SERVER_H

#include "config/config.h"
#include "daemon/memory.h"
#include "daemon/stream.h"

struct server;

/**
 * Bind the endpoints and start the pipeline.
 *
 *   config     borrowed; must outlive the server
 *   streams    count of them, borrowed likewise
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
STK_MUST_CHECK enum stk_status server_open(const struct config *config,
                                           struct stream *const *streams, size_t count,
                                           const struct pipeline_options *options,
                                           const struct memory_plan *plan, struct server **server,
                                           char *error);

/**
 * Serve until SIGTERM or SIGINT, then answer what was asked for; a second signal ends at once.
 *
 * Returns: STK_OK after a complete drain, STK_TIMEOUT where it was cut short.
 */
STK_MUST_CHECK enum stk_status server_run(struct server *server);

/** Give the server back; *server becomes NULL.  NULL is fine.  Blocks: for a picture a worker. */
void server_close(struct server **server);

#endif
