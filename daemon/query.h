/*
 * Queries: what a browser asks of a batch, told pair by pair.
 *
 *     /api/batch     stream, epoch and step (or neither: the newest), slots=FIRST-COUNT
 *     /api/picture   stream, epoch, step, slot, show, fp
 *
 * A query is made of a stranger's bytes.  What is taken is within bounds; whether a stream has it
 * is the caller's to say.  No state; any thread.
 */
#ifndef STK_QUERY_H
#define STK_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/peek.h"
#include "proto/message.h"
#include "proto/status.h"

enum query_kind { QUERY_BATCH, QUERY_PICTURE };

enum { QUERY_SLOTS_MAX = 16 }; /* in one answer about a batch */

struct query {
    enum query_kind kind;
    unsigned told; /* bits of the keys that were */
    char stream[STK_NAME_BYTES_MAX + 1];
    struct stk_address address;
    uint32_t slot; /* the first one */
    uint32_t slot_count;
    enum peek_show show;
    struct stk_fingerprint fingerprint;
};

/** An empty query.  Threads: any. */
struct query query_of(enum query_kind kind);

/**
 * Take a pair.
 *
 *   key        len bytes of value belong to it, which may hold anything
 *   sentence   set to a constant text that says what is wrong
 *
 * Owns:    nothing; all is copied.
 * Returns: STK_OK, or STK_INVALID where the key is unknown or told twice, or its value is not
 *          within bounds.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status query_take(struct query *query, const char *key, const char *value,
                                          size_t len, const char **sentence);

/**
 * After the last pair: whether everything was told.
 *
 * Returns: STK_OK, or STK_INVALID and a sentence as above.
 */
STK_MUST_CHECK enum stk_status query_check(const struct query *query, const char **sentence);

/** Whether an epoch and a step were told; else the newest are meant. */
bool query_is_addressed(const struct query *query);

#endif
