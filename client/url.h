/*
 * URLs: "tcp://a:7654,tcp://b:7654/train" to endpoints and a stream's name; braces stand for
 * several, "tcp://node{1..4}:7654/train".
 *
 * Only what is written is judged; nothing is resolved or opened.  No state; any thread.
 * Private to libstoker and the stoker command.
 */
#ifndef STK_URL_H
#define STK_URL_H

#include <stddef.h>
#include <stdint.h>

#include "client/braces.h"
#include "client/stoker.h"

enum {
    STK_ENDPOINT_BYTES = STK_BRACES_BYTES, /* storage for an endpoint, its end mark included */
    STK_HOST_BYTES_MAX = 255,              /* DNS's limit */
    STK_SOCKET_BYTES_MAX = 107,            /* a path in sockaddr_un, without its end mark */
};

struct stk_url {
    uint32_t count;                                        /* 1 .. STK_ENDPOINTS_MAX */
    char endpoints[STK_ENDPOINTS_MAX][STK_ENDPOINT_BYTES]; /* as libzmq takes them */
    char stream[STK_NAME_BYTES_MAX + 1];
};

/**
 * Take a stream's URL apart.
 *
 *   text    endpoints separated by commas, with braces where several differ in a part, and
 *           "/stream" behind the last one
 *   url     set on success; unspecified otherwise
 *   error   STK_ERROR_BYTES of storage, or NULL: what is wrong, with the part that is
 *
 * Returns: STK_OK or STK_INVALID.
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status stk_url_parse(const char *text, struct stk_url *url, char *error);

/**
 * Check one endpoint without a stream and write it as libzmq takes it: "tcp://host" gets the
 * default port.
 *
 *   text       len bytes: tcp://HOST[:PORT], tcp://[IPV6][:PORT], ipc:///PATH or ipc://@NAME
 *   endpoint   set on success; unspecified otherwise
 *   error      as above
 *
 * Returns: STK_OK or STK_INVALID.
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status stk_url_endpoint(const char *text, size_t len,
                                                char endpoint[STK_ENDPOINT_BYTES], char *error);

#endif
