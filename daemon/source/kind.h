/*
 * Kinds of sources: what a new one implements, and a row of the table in source.c.
 */
#ifndef STK_KIND_H
#define STK_KIND_H

#include "daemon/source/listing.h"
#include "daemon/source/source.h"
#include "daemon/source/tree.h"
#include "proto/status.h"

struct source_ops {
    /**
     * List what a path names; as source_open.
     *
     *   path      behind the colon
     *   place     the whole url, for the log, and what else the operator gave; watch
     *   listing   all zero; on success filled, with at least one sample
     *   state     set on success to what read and close are given
     */
    enum stk_status (*open)(const char *path, const struct source_place *place, unsigned threads,
                            struct listing *listing, void **state, char *error);

    /** Read one sample; as source_read.  Any number of threads. */
    enum stk_status (*read)(const void *state, const struct listing_sample *sample,
                            const struct source_reading *reading, struct encoded *encoded,
                            char *reason);

    /** The directory that samples are read from. */
    const struct tree *(*tree)(const void *state);

    /** Give state back.  The listing is source.c's to release. */
    void (*close)(void *state);
};

extern const struct source_ops source_folder;
extern const struct source_ops source_csv;

#endif
