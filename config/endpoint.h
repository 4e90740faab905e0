/*
 * Endpoints of the configuration: an address, and behind it what holds for it alone.
 *
 *     tcp://10.0.0.5:7654                              with keys
 *     tcp://10.0.0.5:7654 insecure=yes                 without
 *     tcp://127.0.0.1:7654 keys=yes                    loopback, with keys all the same
 *     ipc:///run/stoker/stoker.sock mode=0660 group=trainers
 *
 * No state; any thread.
 */
#ifndef STK_CONFIG_ENDPOINT_H
#define STK_CONFIG_ENDPOINT_H

#include <stdbool.h>

#include "proto/status.h"

enum {
    CONFIG_ADDRESS_BYTES = 384, /* storage for an address, its end mark included */
    CONFIG_GROUP_BYTES = 33,    /* of a group's name, likewise */
};

struct config_endpoint {
    char address[CONFIG_ADDRESS_BYTES]; /* what libzmq binds */
    bool is_ipc;
    bool keys;                      /* every connection needs a key */
    bool open;                      /* others than this host reach it, and it needs none */
    int mode;                       /* of an ipc socket; -1: as the umask has it */
    char group[CONFIG_GROUP_BYTES]; /* of an ipc socket; empty: the process's */
};

/**
 * Take an endpoint of `listen` apart.
 *
 *   text       ADDRESS, and behind it, with a blank before each, keys=yes or insecure=yes of tcp,
 *              mode=NNNN and group=NAME of ipc
 *   endpoint   set on success
 *
 * Owns:    nothing.
 * Returns: STK_OK; STK_INVALID where an option does not fit the address or the others, or the
 *          address is too long.  What an address is, is judged elsewhere.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_endpoint_parse(const char *text,
                                                     struct config_endpoint *endpoint);

#endif
