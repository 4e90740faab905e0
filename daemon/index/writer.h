/*
 * An index under construction: records in NAME.part, which becomes NAME when it is finished.
 *
 * The part is locked: one writer at a time.  What a writer left that was stopped or killed is gone
 * on with, up to its first damage.  What was added can be found at once.
 */
#ifndef STK_INDEX_WRITER_H
#define STK_INDEX_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/index/index.h"
#include "proto/status.h"

struct index_writer;

/**
 * Begin, or go on.
 *
 *   path     of the finished index
 *   writer   set on success, NULL otherwise
 *   error    INDEX_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller owns *writer and gives it to index_writer_finish or index_writer_close.
 * Returns: STK_OK
 *          STK_IN_USE      another writer is at it
 *          STK_UNREADABLE  the part cannot be made or read here
 *          STK_SYSTEM      the disk is full, or failed
 *          STK_MEMORY
 * Threads: any.  Blocks: on the file system.
 */
STK_MUST_CHECK enum stk_status index_writer_open(const char *path, struct index_writer **writer,
                                                 char *error);

/** Stop and leave the part for who goes on; *writer becomes NULL.  NULL is fine. */
void index_writer_close(struct index_writer **writer);

/**
 * Add a sample; it takes the place of an earlier record of its path.
 *
 *   sample   borrowed; entry points that would take too much are thinned out, or left out
 *   error    as above
 *
 * Returns: STK_OK; STK_SYSTEM where the disk is full or failed, and the part is as before;
 *          STK_LIMIT where the path is too long; STK_MEMORY.
 * Threads: any number.  Blocks: on the file system and on each other.
 */
STK_MUST_CHECK enum stk_status index_writer_add(struct index_writer *writer,
                                                const struct index_sample *sample, char *error);

/**
 * Add every whole record of another index, but for those of paths that are there already.
 *
 *   stop   ends it within a record once it is set
 *
 * Returns: as index_writer_add; a record that is damaged is left out; STK_CLOSED where it was
 *          stopped.
 * Threads: any.  Blocks: on both files.
 */
STK_MUST_CHECK enum stk_status index_writer_add_all(struct index_writer *writer,
                                                    const struct index *index,
                                                    const atomic_bool *stop, char *error);

/** Find what was added; as index_find.  Threads: any number. */
STK_MUST_CHECK enum index_found index_writer_find(struct index_writer *writer, const char *path,
                                                  uint64_t bytes, int64_t mtime_ns,
                                                  struct index_buffer *buffer,
                                                  struct index_sample *sample);

/** Whether there is a record of a path, fresh or not.  Threads: any number. */
bool index_writer_has(struct index_writer *writer, const char *path);

/* What a writer holds. */
struct index_writer_counts {
    uint64_t samples;
    uint64_t with_entries;
    uint64_t bytes; /* of the file so far, records that were replaced among them */
};

/** Threads: any. */
struct index_writer_counts index_writer_counts(struct index_writer *writer);

/**
 * Finish: write the directory, make sure that all is on the disk, give the file its name.
 *
 * Owns:    *writer becomes NULL in any case; on failure the part is left.
 * Returns: STK_OK, STK_SYSTEM or STK_MEMORY.
 * Threads: one, and no other one at it.  Blocks: on the disk.
 */
STK_MUST_CHECK enum stk_status index_writer_finish(struct index_writer **writer, char *error);

#endif
