/*
 * Networks: "10.1.0.0/16 fd00::/8 192.0.2.7", and whether an address is in one of them.
 *
 * An IPv4 address is its IPv4-mapped IPv6 one, as a socket with IPv6 tells it.  No state; any
 * thread.
 */
#ifndef STK_CONFIG_NETWORKS_H
#define STK_CONFIG_NETWORKS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/status.h"

enum { CONFIG_NETWORKS_MAX = 64 };

struct config_network {
    uint8_t address[16];
    unsigned bits; /* of the address that count, 0 .. 128 */
};

struct config_networks {
    unsigned count;
    struct config_network rows[CONFIG_NETWORKS_MAX];
};

/**
 * Read networks, or single addresses, separated by blanks.
 *
 *   networks   set on success; empty where text is
 *
 * Owns:    nothing.
 * Returns: STK_OK; STK_INVALID where a word is no network, or has bits set behind its prefix;
 *          STK_LIMIT where there are more than CONFIG_NETWORKS_MAX.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_networks_parse(const char *text,
                                                     struct config_networks *networks);

/** Whether an address, as inet_ntop writes it, is in one of the networks.  Threads: any. */
bool config_networks_have(const struct config_networks *networks, const char *address);

#endif
