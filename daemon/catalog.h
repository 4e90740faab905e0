/*
 * The catalog: a configuration and its streams, listed.  What the daemon serves at a time.
 *
 * A reload makes another one beside it, on a thread of its own.  A stream that is listed as before
 * is the same object in both, with its fingerprint and all that refers to it.
 */
#ifndef STK_CATALOG_H
#define STK_CATALOG_H

#include <stdatomic.h>

#include "config/config.h"
#include "daemon/keys.h"
#include "daemon/stream.h"

struct catalog {
    struct config *config;   /* owned */
    struct stream **streams; /* stream_count of them, by name; a reference each */
    size_t stream_count;
    unsigned threads;    /* that listed them */
    struct atlas *atlas; /* borrowed: where they have their maps */
    struct keys *keys;   /* owned; of the clients */
};

enum catalog_change {
    CATALOG_SAME,    /* one object */
    CATALOG_RENEWED, /* equal bytes: of another place, with another corrupt_max, or well again */
    CATALOG_CHANGED, /* another fingerprint */
    CATALOG_ADDED,
    CATALOG_REMOVED,
};

enum {
    CATALOG_CHANGES = CATALOG_REMOVED + 1, /* kinds of them */
    CATALOG_ROWS_MAX = 2 * CONFIG_STREAMS_MAX,
};

/* What became of a stream; both are borrowed from the catalogs. */
struct catalog_row {
    enum catalog_change change;
    struct stream *before; /* NULL where it was added */
    struct stream *after;  /* NULL where it was removed */
};

/**
 * List the streams of a configuration, and read the keys that it names.
 *
 *   config    moves to the catalog; stays the caller's on failure
 *   listing   borrowed for the call
 *   before    streams that are listed as they are in here are taken from it; NULL: there is none
 *   catalog   set on success, NULL otherwise
 *   error     CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller owns *catalog and gives it to catalog_close.
 * Returns: STK_OK, STK_CLOSED where it was stopped, or what stream_open or keys_open
 *          returns.
 * Threads: any, while nobody changes before.  Blocks: on directories.
 */
STK_MUST_CHECK enum stk_status catalog_open(struct config **config,
                                            const struct stream_listing *listing,
                                            const struct catalog *before, struct catalog **catalog,
                                            char *error);

/** Give the configuration and the references to streams back; *catalog becomes NULL.  NULL is
 *  fine. */
void catalog_close(struct catalog **catalog);

/**
 * Hold two catalogs against each other.
 *
 *   rows   set to one for each stream of either, by name
 *
 * Owns: nothing.  Returns: how many.  Threads: any.  Blocks: no.
 */
size_t catalog_compare(const struct catalog *before, const struct catalog *after,
                       struct catalog_row rows[CATALOG_ROWS_MAX]);

#endif
