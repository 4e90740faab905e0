/*
 * The configuration file: what an operator writes, checked whole before anything starts.
 *
 * Parsing is libConfuse's; this module owns the schema, the ranges, the texts of errors and the
 * printed form.  It opens the file, and looks whether each source exists; it starts nothing.
 */
#ifndef STK_CONFIG_H
#define STK_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/recipe.h"
#include "proto/status.h"

enum {
    CONFIG_LISTEN_MAX = 16,   /* endpoints */
    CONFIG_STREAMS_MAX = 256, /* streams */
    CONFIG_WORKERS_MAX = 1024,
    CONFIG_READERS_MAX = 256,
    CONFIG_CONNECTIONS_MAX = 60000,
    CONFIG_CLIENTS_MAX = 4096,
    CONFIG_ERROR_BYTES = 512, /* storage for a message, its end mark included */
};

enum config_log_level {
    CONFIG_LOG_ERROR,
    CONFIG_LOG_WARN,
    CONFIG_LOG_NOTICE,
    CONFIG_LOG_INFO,
    CONFIG_LOG_DEBUG
};

struct config_stream {
    char *name;         /* [A-Za-z0-9._-]{1,STK_NAME_BYTES_MAX}; unique */
    char *source;       /* as config_source_parse reads it */
    char *root;         /* where a CSV's paths start; empty: its own folder */
    char *list;         /* a file that lists the samples to keep; empty: all are */
    char *index;        /* "auto", "off", or a file */
    double corrupt_max; /* share of the pool that may be bad before the stream stops; 0: any */
    unsigned line;      /* where the section starts, for messages */
    struct recipe recipe;
};

struct config {
    char *listen[CONFIG_LISTEN_MAX]; /* endpoints, tcp:// or ipc:// */
    size_t listen_count;             /* >= 1 */
    char *server_key;                /* a file with the daemon's secret key; empty: none */
    char *client_keys;               /* a folder of the clients' public keys; empty: none */
    char *client_addresses;          /* networks whose clients are admitted with any key */
    uint32_t workers;                /* 0 = one a core that this process may run on */
    uint32_t readers;                /* 1 .. CONFIG_READERS_MAX */
    uint64_t memory_bytes_max;       /* 0 = 1 GiB and 256 MiB a worker */
    uint32_t clients_max;            /* that speak; connections are another matter */
    uint32_t requests_max;           /* unanswered, of all clients together; one each is free */
    uint64_t client_timeout_ms;      /* a client that reads nothing is dropped; 0 = never */
    uint64_t image_pixels_max;       /* a picture with more is treated as corrupt */
    uint64_t image_bytes_max;        /* encoded; likewise */
    uint32_t connections_max;        /* 0 = what the limit of descriptors allows, in reason */
    uint32_t connections_per_second; /* new ones of an address, strangers' too; 0 = any number */
    enum config_log_level log_level;
    char *http;                    /* ADDRESS:PORT for metrics and health; empty: none */
    char *http_token;              /* the file of a token that is wanted there; empty: none is */
    struct config_stream *streams; /* sorted by name */
    size_t stream_count;           /* >= 1 */
};

/**
 * Read and check a configuration file.
 *
 *   path     the file
 *   config   set on success, NULL otherwise
 *   error    CONFIG_ERROR_BYTES of storage: "FILE:LINE: what is wrong; what to do", without a line
 *            where none is to blame; empty on success
 *
 * Owns:    the caller owns *config and gives it to config_close.
 * Returns: STK_OK
 *          STK_CONFIG   the file cannot be read or is wrong; error says where and why
 *          STK_MEMORY   no memory; error is set
 * Threads: one at a time (libConfuse's scanner has static state).  Blocks: on the file.
 */
STK_MUST_CHECK enum stk_status config_open(const char *path, struct config **config, char *error);

/** Give a configuration back; *config becomes NULL.  NULL is fine.  Threads: the owner's. */
void config_close(struct config **config);

/**
 * Print the whole configuration with every default filled in, as a file that config_open reads to
 * an equal configuration.
 *
 * Owns: nothing.  Threads: any.  Blocks: on the output.
 */
void config_print(const struct config *config, FILE *out);

#endif
