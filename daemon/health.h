/*
 * Health: what is wrong with a stream's samples, remembered within bounds, and told.
 *
 * A sample is bad once it was replaced, or failed a batch: it is logged once, counted, and stands
 * in a list that can be asked for.  A fault is what may pass (a disk, a network, a folder that is
 * gone) and replaces nothing: it is logged once a second at most, and so is its end.
 */
#ifndef STK_HEALTH_H
#define STK_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/source/source.h"
#include "proto/message.h"
#include "proto/status.h"

enum {
    HEALTH_ROWS_MAX = 4096,    /* bad samples that are listed; all of them are counted and logged */
    HEALTH_REASON_BYTES = 128, /* the end mark included */
    HEALTH_SENTENCE_BYTES = 256,
};

struct health;

/* Whose health it is. */
struct health_options {
    const char *stream;          /* its name, for the log; borrowed */
    const struct source *source; /* borrowed */
    uint64_t pool;               /* samples that are served */
    double corrupt_max; /* share of them that may be bad before the stream is stopped; 0: any */
};

/**
 * Make the health of a stream of which nothing bad is known.
 *
 *   options   copied; what it borrows must outlive the health
 *   health    set on success, NULL otherwise
 *
 * Owns:    the caller owns *health and gives it to health_close.
 * Returns: STK_OK or STK_MEMORY.
 */
STK_MUST_CHECK enum stk_status health_open(const struct health_options *options,
                                           struct health **health);

/** Give it back; *health becomes NULL.  NULL is fine. */
void health_close(struct health **health);

/** Memory that it holds, for the memory plan; of a source with so many samples. */
size_t health_bytes(uint64_t samples);

/**
 * A sample could not be read or decoded.
 *
 *   index      < source_count
 *   address    of the batch that it should have been in
 *   stand_in   what takes its place; NULL: nothing does
 *
 * Threads: any.  Blocks: on a short lock; the first time that this sample is met, on the log.
 */
void health_bad(struct health *health, uint64_t index, struct stk_address address,
                const uint64_t *stand_in, enum stk_status status, const char *reason);

/**
 * Whether so many samples are bad that nothing more is served.  It stays so.
 *
 *   sentence   HEALTH_SENTENCE_BYTES of storage: how many, and what to do; set where that is so
 *
 * Threads: any.  Blocks: no.
 */
bool health_is_stopped(const struct health *health, char *sentence);

/** A sample could not be read for a fault that may pass.  Threads: any.  Blocks: as health_bad. */
void health_fault(struct health *health, uint64_t index, const char *reason);

/**
 * Whether samples could not be read lately for a fault that may pass.
 *
 *   sentence   HEALTH_SENTENCE_BYTES of storage: why the last one could not; set where that is so
 *
 * Threads: any.  Blocks: on a short lock.
 */
bool health_is_faulty(struct health *health, char *sentence);

/** A sample was read.  Threads: any.  Blocks: no, unless there was a fault before. */
void health_fine(struct health *health);

/** Samples known to be bad.  Threads: any.  Blocks: no. */
uint64_t health_bad_count(const struct health *health);

/* A bad sample. */
struct health_row {
    uint64_t index;
    uint64_t slots;             /* that it was met in */
    struct stk_address address; /* of the first batch */
    bool replaced;              /* there, by this sample: */
    uint64_t stand_in;
    char reason[HEALTH_REASON_BYTES];
};

/**
 * Bad samples in the order in which they were met; a row keeps its place.
 *
 *   first   the first row wanted
 *   rows    storage for count_max rows
 *
 * Returns: how many were written; 0 behind the last one.
 * Threads: any.  Blocks: on a short lock.
 */
uint32_t health_list(struct health *health, uint32_t first, struct health_row *rows,
                     uint32_t count_max);

#endif
