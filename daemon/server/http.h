/*
 * The http listener: metrics, health, and a page, for whoever watches the daemon.
 *
 * It is libmicrohttpd, run by the loop's own thread: figures need no locks, and as nothing here
 * waits, a slow peer keeps nobody else waiting.  It has HTTP_CONNECTIONS_MAX connections, each for
 * HTTP_CONNECTION_MS at most; a request has HTTP_REQUEST_BYTES_MAX bytes and no body; an answer is
 * made once a second however often it is asked for.  The loop's thread alone.
 */
#ifndef STK_SERVER_HTTP_H
#define STK_SERVER_HTTP_H

#include "daemon/base/buffer.h"
#include "daemon/server/parts.h"

enum {
    HTTP_CONNECTIONS_MAX = 32,
    HTTP_REQUEST_BYTES_MAX = 8192,
    HTTP_IDLE_S = 10,
    HTTP_CONNECTION_MS = 60000,
    HTTP_STUCK_MS = 30000, /* without a picture, while there is work: not healthy */
};

struct http;

/**
 * What a configuration wants: the listener that there is, where it is as before; else another one.
 *
 *   http    set on success: server->http, a new one, or NULL where none is configured
 *   error   CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller hands *http to server_http_adopt or server_http_discard.
 * Returns: STK_OK, STK_CONFIG where the token cannot be used, STK_IN_USE, STK_SYSTEM, STK_MEMORY.
 * Blocks:  on the token's file.
 */
STK_MUST_CHECK enum stk_status server_http_open(struct server *server, const struct config *config,
                                                struct http **http, char *error);

/** Listen there from here on, and on the one before no more. */
void server_http_adopt(struct server *server, struct http *http);

/** Do not; the one before stays. */
void server_http_discard(struct server *server, struct http *http);

/** Once every TRACK_TICK_MS. */
void server_http_tick(struct server *server);

/** Take what the viewer has made. */
void server_looks_collect(struct server *server);

/** Close, the viewer included; before the loop is.  Blocks: for a picture. */
void server_http_close(struct server *server);

/* metrics.c */

/** All figures, in Prometheus' text format. */
void server_metrics_print(struct server *server, struct buffer *buffer);

/** The last ten minutes of every stream, as JSON. */
void server_history_print(const struct server *server, struct buffer *buffer);

/* state.c */

/** The daemon, its streams and its trainers as they are now, as JSON. */
void server_state_print(const struct server *server, struct buffer *buffer);

#endif
