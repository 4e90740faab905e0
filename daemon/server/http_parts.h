/*
 * What the http listener's files share.  The loop's thread alone.
 *
 *   http.c           life cycle, connections, turns of libmicrohttpd
 *   http_requests.c  who may ask, and what is answered
 *   http_look.c      what a thread of its own makes for those who look
 *   metrics.c        figures for Prometheus, and the last minutes
 *   state.c          what the page shows of streams and trainers
 *   page.c           the page's own files
 */
#ifndef STK_SERVER_HTTP_PARTS_H
#define STK_SERVER_HTTP_PARTS_H

#include <microhttpd.h>

#include "config/http.h"
#include "daemon/query.h"
#include "daemon/server/http.h"

enum { HTTP_ROUTES = 5 };

/* What a browser may do with data that is taken for a page: nothing. */
#define HTTP_POLICY_DATA "default-src 'none'"

#define HTTP_CACHE_NOTHING "no-store"

/* A connection, from its accept to its end. */
struct visit {
    int fd; /* -1: unused */
    uint32_t age_ms;
};

struct http {
    struct server *server;
    char *address;                               /* owned; as configured */
    char token[CONFIG_TOKEN_BYTES_MAX + 1];      /* empty: none is wanted */
    char token_next[CONFIG_TOKEN_BYTES_MAX + 1]; /* from the next adoption on */
    struct MHD_Daemon *daemon;                   /* owned */
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles; /* open */
    struct visit visits[HTTP_CONNECTIONS_MAX];
    bool ended;                             /* a connection did since the last run */
    struct MHD_Response *made[HTTP_ROUTES]; /* owned; until the next tick */
    unsigned status[HTTP_ROUTES];
    uint64_t progress; /* at the last tick */
    uint32_t stuck_ms;
};

/* http.c */

/** Give libmicrohttpd a turn before the loop blocks again. */
void server_http_run_soon(struct http *http);

/* http_requests.c */

/** libmicrohttpd's callback: a request's head has come.  context is the struct http. */
enum MHD_Result server_http_handle(void *context, struct MHD_Connection *connection,
                                   const char *url, const char *method, const char *version,
                                   const char *body, size_t *body_len, void **request);

/** Answer with a sentence, shorter than STK_TEXT_BYTES_MAX; status is one of an error's. */
enum MHD_Result server_http_refuse(struct MHD_Connection *connection, unsigned status,
                                   const char *sentence);

/** What every answer has: how it may be used, and kept. */
void server_http_add_headers(struct MHD_Response *response, const char *type, const char *policy,
                             const char *cache);

/** What was answered is made anew when it is asked for again. */
void server_http_drop_answers(struct http *http);

/* http_look.c */

/**
 * A request for what the viewer makes.
 *
 *   request   the request's own pointer: NULL when it has come, the look afterwards
 */
enum MHD_Result server_look(struct http *http, struct MHD_Connection *connection,
                            enum query_kind kind, void **request);

/** libmicrohttpd's callback: a request has ended. */
void server_looks_ended(void *context, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode how);

/** Start the viewer, where it does not run.  Returns: STK_OK, STK_MEMORY or STK_SYSTEM. */
STK_MUST_CHECK enum stk_status server_looks_open(struct server *server);

/** A listener is about to be closed: its connections are libmicrohttpd's again. */
void server_looks_leave(struct server *server, const struct http *http);

/** Once every TRACK_TICK_MS; without a listener the viewer is stopped. */
void server_looks_tick(struct server *server);

/** Stop the viewer, after the listeners.  Blocks: for a picture. */
void server_looks_close(struct server *server);

#endif
