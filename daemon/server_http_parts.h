/*
 * What the http listener's files share.  The loop's thread alone.
 *
 *   server_http.c           life cycle, connections, turns of libmicrohttpd
 *   server_http_requests.c  who may ask, and what is answered
 *   server_metrics.c        figures for Prometheus, and the last minutes
 *   server_state.c          what the page shows of streams and trainers
 *   server_page.c           the page's own files
 */
#ifndef STK_SERVER_HTTP_PARTS_H
#define STK_SERVER_HTTP_PARTS_H

#include <microhttpd.h>

#include "config/http.h"
#include "daemon/server_http.h"

enum { HTTP_ROUTES = 5 };

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

/* server_http_requests.c */

/** libmicrohttpd's callback: a request's head has come.  context is the struct http. */
enum MHD_Result server_http_handle(void *context, struct MHD_Connection *connection,
                                   const char *url, const char *method, const char *version,
                                   const char *body, size_t *body_len, void **request);

/** What was answered is made anew when it is asked for again. */
void server_http_drop_answers(struct http *http);

#endif
