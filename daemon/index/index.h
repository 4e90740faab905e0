/*
 * An index: beside the files of a data set, where their bits lie.
 *
 * For each sample, by its path below the root: what the file was when it was indexed (bytes, time,
 * checksum), what its picture is, and the entry points of its scan.  FORMAT.md is the file's format
 * to the byte.  An index is read with pread, never mapped: one that shrinks is a short read.  Its
 * directory is in memory, 16 bytes a record; every record is looked at and checked anew whenever it
 * is asked for, because a disk may change its bytes, and the file may be a stranger's.  What is
 * damaged, missing or stale is as good as none.
 */
#ifndef STK_INDEX_H
#define STK_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/image/jpeg_map.h"
#include "proto/status.h"

enum {
    INDEX_ERROR_BYTES = 512, /* storage for a sentence, its end mark included */
    INDEX_PATH_BYTES_MAX = 4095,
};

/* What is known of a sample beside its size. */
enum index_contents {
    INDEX_ENTRIES, /* entry points */
    INDEX_FOREIGN, /* a picture that is not for our own decoder: progressive, CMYK and the like */
    INDEX_CRAMPED, /* entry points would take too much of the file's bytes */
    INDEX_CORRUPT, /* no picture, or a damaged one: it decodes with a warning or not at all */
    INDEX_CONTENTS_COUNT
};

struct index_sample {
    const char *path;  /* below the root, as source_name has it */
    uint64_t bytes;    /* of the file */
    int64_t mtime_ns;  /* as struct source_state has it */
    uint64_t checksum; /* XXH3-64 of the file's bytes */
    enum index_contents contents;
    struct jpeg_map map; /* height, width and orientation 0 where they are not known; the rest has a
                            meaning with INDEX_ENTRIES alone */
};

/* Storage of a lookup, of at most INDEX_BUFFER_BYTES_MAX; all zero at first. */
struct index_buffer {
    uint8_t *record;
    struct jpeg_entry *entries;
    size_t entries_max;
};

enum {
    INDEX_BUFFER_BYTES_MAX = (1 << 16) + 4096 + ((1 << 16) / 6 + 1) * sizeof(struct jpeg_entry)
};

/** Give a buffer's storage back; it is all zero again. */
void index_buffer_release(struct index_buffer *buffer);

enum index_found {
    INDEX_FOUND,
    INDEX_MISSING, /* no record of this path */
    INDEX_STALE,   /* the file was another one */
    INDEX_DAMAGED, /* the record's bytes are not what was written */
    INDEX_FAULT,   /* it cannot be read now, or there is no memory */
};

struct index;

/**
 * Open an index.
 *
 *   path        of the file
 *   bytes_max   memory that its directory may take
 *   index       set on success, NULL otherwise
 *   error       INDEX_ERROR_BYTES of storage for a sentence: what is wrong with which file
 *
 * Owns:    the caller owns *index and gives it to index_close.
 * Returns: STK_OK
 *          STK_END         there is no such file
 *          STK_UNREADABLE  it cannot be read, or is no regular file
 *          STK_CORRUPT     it is not an index, or not a whole one
 *          STK_VERSION     another version wrote it
 *          STK_LIMIT       its directory takes more than bytes_max
 *          STK_MEMORY
 * Threads: any.  Blocks: on the file.
 */
STK_MUST_CHECK enum stk_status index_open(const char *path, uint64_t bytes_max,
                                          struct index **index, char *error);

/** Give an index back; *index becomes NULL.  NULL is fine. */
void index_close(struct index **index);

/** Samples in it, as the file says.  Threads: any. */
uint64_t index_count(const struct index *index);

/** Samples of them with entry points, as the file says.  Threads: any. */
uint64_t index_count_with_entries(const struct index *index);

/** Memory that it holds.  Threads: any. */
size_t index_bytes(const struct index *index);

/**
 * Find a sample whose file is as it was.
 *
 *   path              as source_name has it
 *   bytes, mtime_ns   of the file, as fstat says when it is read
 *   buffer            where what is found is kept: until the buffer's next use
 *   sample            set where INDEX_FOUND; set too where INDEX_STALE, to what the file was
 *
 * Owns:    nothing; sample borrows from buffer and path.
 * Returns: what was found.
 * Threads: any number, a buffer each.  Blocks: on the index.  Allocates: to grow the buffer.
 */
STK_MUST_CHECK enum index_found index_find(const struct index *index, const char *path,
                                           uint64_t bytes, int64_t mtime_ns,
                                           struct index_buffer *buffer,
                                           struct index_sample *sample);

/** Records, of samples and tables, for index_get. */
uint64_t index_record_count(const struct index *index);

/**
 * Get a record's sample, in no order that means anything.
 *
 *   number   < index_record_count
 *
 * Returns: INDEX_FOUND; INDEX_MISSING where the record is no sample's; INDEX_DAMAGED, INDEX_FAULT.
 * Owns, Threads, Blocks, Allocates: as index_find; sample->path is in the buffer.
 */
STK_MUST_CHECK enum index_found index_get(const struct index *index, uint64_t number,
                                          struct index_buffer *buffer, struct index_sample *sample);

/**
 * How many bytes of entry points to ask image_map or image_decoder_collect for: more than a record
 * has room for, which takes 2.5 % of the file's bytes at most; a writer chooses of them.
 */
size_t index_entry_bytes_max(uint64_t file_bytes, size_t path_len);

#endif
