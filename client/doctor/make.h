/*
 * Making an index: every file of a source read once and decoded in passing, by a crew.
 */
#ifndef STK_MAKE_H
#define STK_MAKE_H

#include <stdint.h>

#include "client/doctor/rows.h"
#include "daemon/index/index.h"
#include "daemon/index/writer.h"
#include "daemon/source/source.h"

struct making {
    const struct source *source; /* these four are set by the caller */
    const struct index *base;    /* what is there already; NULL: nothing */
    struct index_writer *writer;
    uint32_t threads; /* 0: one a core */

    struct rows bad; /* files that cannot be read or decoded */
    pthread_mutex_t lock;
    uint64_t contents[INDEX_CONTENTS_COUNT]; /* samples with each; from here under lock */
    uint64_t unreadable;                     /* samples without a record */
    uint64_t kept;                           /* fresh ones that were not read again */
    uint64_t data_bytes;                     /* of the samples with a record */
    enum stk_status status;                  /* why the crew was stopped */
    char error[INDEX_ERROR_BYTES];
};

/**
 * Make or complete an index's records, up to its finish.
 *
 *   making   the caller's part is set, all else zero
 *
 * Owns:    the caller gives making to making_release, also after a failure.
 * Returns: STK_OK, else making->error is set: STK_SYSTEM where the index cannot be written, and
 *          STK_MEMORY.
 * Threads: main's; starts others and joins them.  Blocks: on files.
 */
STK_MUST_CHECK enum stk_status making_run(struct making *making);

/** Give the storage back. */
void making_release(struct making *making);

#endif
