/*
 * Lookup: from a record's place in a file to a sample, checked on the way.
 */
#ifndef STK_INDEX_LOOKUP_H
#define STK_INDEX_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/index/index.h"
#include "daemon/index/layout.h"

/* A file's records, and how their places are found. */
struct lookup {
    int fd;
    bool (*find)(void *context, uint64_t key, struct place *place);
    void *context;
};

/**
 * Read bytes at an offset.
 *
 * Returns: STK_OK; STK_CORRUPT where the file ends before; STK_SYSTEM with errno set.
 * Threads: any.  Blocks: on the file.
 */
STK_MUST_CHECK enum stk_status lookup_read(int fd, void *bytes, size_t len, uint64_t offset);

/** Find a sample; as index_find. */
STK_MUST_CHECK enum index_found lookup_find(const struct lookup *lookup, const char *path,
                                            uint64_t bytes, int64_t mtime_ns,
                                            struct index_buffer *buffer,
                                            struct index_sample *sample);

/** Get the sample of a place; as index_get. */
STK_MUST_CHECK enum index_found lookup_get(const struct lookup *lookup, const struct place *place,
                                           struct index_buffer *buffer,
                                           struct index_sample *sample);

#endif
