/*
 * Rows: samples of which something is to be said, listed up to a number and all counted.
 *
 * Any thread adds; the rest is for one, once the others have ended.
 */
#ifndef STK_ROWS_H
#define STK_ROWS_H

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

#include "daemon/image/image.h"
#include "proto/status.h"

enum { ROWS_MAX = 4096 }; /* that are listed */

/* The index of a sample that is not in the source. */
#define ROWS_NO_INDEX UINT64_MAX

struct row {
    uint64_t index;
    char *path;       /* owned */
    const char *what; /* a constant word: "bad", "stale", ... */
    char reason[IMAGE_REASON_BYTES + 16];
};

struct rows {
    pthread_mutex_t lock;
    struct row *row; /* [ROWS_MAX] */
    uint64_t count;
};

struct doctor;

/** Make an empty list; STK_OK or STK_MEMORY. */
STK_MUST_CHECK enum stk_status rows_init(struct rows *rows);

/** Give the storage back. */
void rows_release(struct rows *rows);

/** Add a row; path and reason are copied. */
void rows_add(struct rows *rows, uint64_t index, const char *path, const char *what,
              const char *reason);

/**
 * Tell a person the first rows by index, "what: path (reason)", and how many more there are; with
 * --json set a key of an object to all that are listed.
 *
 *   object   NULL without --json
 */
void rows_tell(struct doctor *doctor, struct rows *rows, json_t *object, const char *key);

#endif
