/*
 * What the files of the writer share.
 */
#ifndef STK_INDEX_WRITER_PARTS_H
#define STK_INDEX_WRITER_PARTS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/index/places.h"
#include "daemon/index/writer.h"

struct index_writer {
    int fd;              /* of the part; locked */
    char *name;          /* owned: of the finished index */
    char *part;          /* owned */
    uint64_t file_bytes; /* as it was met */
    pthread_mutex_t lock;
    struct places places; /* from here under lock */
    uint64_t end;         /* where the next record goes */
    uint64_t samples;
    uint64_t with_entries; /* of them */
    int64_t credit;        /* bytes that records left of their files' share: new tables take them */
};

/** Append bytes; STK_OK, or STK_SYSTEM with errno set, and nothing of them counts.  Under lock. */
STK_MUST_CHECK enum stk_status writer_append(struct index_writer *writer, const uint8_t *bytes,
                                             size_t len);

/** Remember where a record is; its place is reserved.  Under lock. */
void writer_note(struct index_writer *writer, const struct place *place);

/** Write a sentence about a status and errno; what is what could not be done.  Returns status. */
enum stk_status writer_explain(const struct index_writer *writer, enum stk_status status,
                               const char *what, char *error);

/**
 * Take over what an earlier writer left in the part, up to its first damage, or begin it.
 *
 * Returns: STK_OK, STK_MEMORY, or STK_SYSTEM with errno set.
 */
STK_MUST_CHECK enum stk_status writer_go_on(struct index_writer *writer);

#endif
