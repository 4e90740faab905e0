/*
 * The http listener's settings: an address, and the file of the token that keeps strangers out.
 */
#ifndef STK_CONFIG_HTTP_H
#define STK_CONFIG_HTTP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/status.h"

enum {
    CONFIG_TOKEN_BYTES_MIN = 16,
    CONFIG_TOKEN_BYTES_MAX = 256,
    CONFIG_TOKEN_ERROR_BYTES = 400, /* storage for a reason, its end mark included */
};

/* An IPv4 or IPv6 address and a port. */
union config_http_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/**
 * Read ADDRESS:PORT, an IPv6 address in brackets; port 0 lets the system pick one.
 *
 * Returns: STK_OK, or STK_INVALID where it is nothing such: a name is none.
 * Owns:    nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_http_parse(const char *text,
                                                 union config_http_address *address);

/** Whether only this host can reach an address. */
bool config_http_is_loopback(const union config_http_address *address);

/**
 * Read a token: the first line of a file that nobody but its owner and root can read.
 *
 *   token    CONFIG_TOKEN_BYTES_MAX + 1 bytes of storage; set with an end mark
 *   reason   CONFIG_TOKEN_ERROR_BYTES of storage: what is wrong, and what to do
 *
 * Returns: STK_OK or STK_CONFIG.
 * Owns:    nothing.  Threads: any.  Blocks: on the file.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_http_token(const char *path, char *token, char *reason);

#endif
