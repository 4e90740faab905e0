/*
 * A source: where samples come from.  A sample is an index, a label and, when read, encoded bytes.
 * A label is a class, any number of classes, or a row of numbers; one kind in a source.
 *
 * A source lists itself once when it is opened and does not change until it is closed; its listing
 * goes into the stream's fingerprint.  Kinds of sources are rows of a table (source.c), one each of
 * config/source_kind.h's.  After open, everything here may be called from any thread.
 */
#ifndef STK_SOURCE_H
#define STK_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"
#include "proto/status.h"

struct source;

enum {
    SOURCE_ERROR_BYTES = 512, /* storage for a message, its end mark included */
    SOURCE_THREADS_MAX = 256, /* that list in parallel */
};

/* Who waits for a listing, and may end it.  Relaxed: both are looked at now and then. */
struct source_watch {
    atomic_bool stop;       /* set once the listing is not wanted any more */
    _Atomic uint64_t steps; /* grows while the listing moves */
};

/* What an operator gives. */
struct source_place {
    const char *url;         /* "folder:PATH", "csv:PATH", or a path alone, which means a folder */
    const char *root;        /* where the paths of a CSV start; empty: its own folder */
    const char *list;        /* a file that names the samples to keep; empty: all are kept */
    uint64_t text_bytes_max; /* of a CSV, and of the list; 0: what text_file.h allows */
    struct source_watch *watch; /* of the listing; NULL: nobody does */
};

/**
 * How many threads should list, on a machine of so many cores (0 counts as 1).
 *
 * Two a core, 8 .. 64: a listing waits for the file system more than it computes, a network's most
 * of all; more threads than cores cost nothing where all is in memory.
 *
 * Threads: any.  Blocks: no.
 */
unsigned source_threads(unsigned cores);

/**
 * List a source.
 *
 *   place    borrowed for the call
 *   threads  that list in parallel, 1 .. SOURCE_THREADS_MAX; the listing does not depend on it
 *   source   set on success, NULL otherwise
 *   error    SOURCE_ERROR_BYTES of storage for a sentence: what is wrong, with which path
 *
 * Owns:    the caller owns *source and gives it to source_close.
 * Returns: STK_OK
 *          STK_UNREADABLE  a directory or a file cannot be read, or does not exist
 *          STK_INVALID     no sample was found, the url names no kind of source, or a file does not
 *                          say what it must; error has file and line
 *          STK_LIMIT       more than 2^31-1 classes or 2^40 samples, 4 GiB of names in one
 *                          directory, or a path of more than 4,095 bytes below the root
 *          STK_SYSTEM      out of descriptors, or no thread can be started
 *          STK_CLOSED      it was stopped
 *          STK_MEMORY
 * Threads: any.  Blocks: on directories; logs its progress every second.
 */
STK_MUST_CHECK enum stk_status source_open(const struct source_place *place, unsigned threads,
                                           struct source **source, char *error);

/** Give a source back; *source becomes NULL.  No read may be under way.  NULL is fine. */
void source_close(struct source **source);

/** Whether two sources read from one directory: not from another one that came to its path, nor
 *  from another mount of it.  Threads: any.  Blocks: no. */
bool source_is_beside(const struct source *one, const struct source *other);

/** The directory that samples are read from, as it was given, borrowed.  Threads: any. */
const char *source_root(const struct source *source);

/** Samples listed, >= 1.  Threads: any. */
uint64_t source_count(const struct source *source);

/** What labels are.  Threads: any. */
enum stk_label_kind source_labels(const struct source *source);

/** Classes listed, or numbers a sample, >= 1.  Threads: any. */
uint32_t source_classes(const struct source *source);

/** The name of a class or a number, borrowed from the source; class < source_classes.  It is UTF-8:
 *  a byte of the name that is none stands as "?".  Threads: any. */
const char *source_class_name(const struct source *source, uint32_t class);

/** Samples of a class; of a number, all samples.  class < source_classes.  Threads: any. */
uint64_t source_class_count(const struct source *source, uint32_t class);

/** The class number of a sample, 0 .. source_classes - 1, or -1 where labels are not
 *  STK_LABEL_CLASS; index < source_count.  Threads: any. */
int32_t source_label(const struct source *source, uint64_t index);

/**
 * Add share times a sample's target to a row.
 *
 *   index   < source_count
 *   row     source_classes floats, each becomes row[k] + share * target[k]: the product rounded to
 *           binary32, and the sum; target is 1 at the sample's classes and 0 elsewhere, or its
 *           numbers
 *
 * Threads: any.  Blocks: no.  Allocates: no.
 */
void source_add_target(const struct source *source, uint64_t index, float share, float *row);

/** Whether the source says how often samples are drawn: its file has a column `weight`. */
bool source_has_weights(const struct source *source);

/** How often a sample is drawn beside the others, >= 0 and finite; 1 where the source does not say.
 *  Threads: any. */
double source_weight(const struct source *source, uint64_t index);

/** What to call a sample in a log line (its path below the root), borrowed.  Threads: any. */
const char *source_name(const struct source *source, uint64_t index);

/** Memory that the listing holds, for the memory plan.  Threads: any. */
size_t source_listing_bytes(const struct source *source);

/* What a file was when it was opened to be read; of another time it is another file. */
struct source_state {
    uint64_t bytes;
    int64_t mtime_ns; /* when its bytes were last changed, since 1970 */
};

/* A part of a file, inside it and not empty. */
struct source_range {
    uint64_t from;
    size_t len;
};

/* Storage for a sample's encoded bytes; whoever reserves it decides where it comes from. */
struct encoded {
    uint8_t *data; /* capacity bytes; NULL while capacity is 0 */
    size_t capacity;
    size_t len;    /* bytes of the sample in data */
    uint64_t from; /* where they stand in its file */
    struct source_state file;
};

/**
 * Make encoded->capacity at least bytes; what data held may be lost.  Handed in by the caller of
 * source_read, so that memory is bounded where it is planned.
 *
 * Returns: STK_OK, STK_LIMIT where bytes is more than a sample may have, STK_MEMORY, STK_CLOSED.
 * Threads: as source_read.  Blocks: it may wait for memory.
 */
typedef enum stk_status source_reserve(void *context, struct encoded *encoded, size_t bytes);

/** Say which part of an open file to read.  Threads: as source_read. */
typedef struct source_range source_choose(void *context, const struct source_state *file);

/* Who reads, and how. */
struct source_reading {
    source_reserve *reserve;
    source_choose *choose; /* NULL: all of the file is read */
    void *context;         /* handed to both */
};

/**
 * Read a sample's encoded bytes, or a part of them.
 *
 *   index      < source_count
 *   reading    its choose is called when the file is open and known to be the one that was listed,
 *              then its reserve with the bytes that will be read; both again where a read that
 *              failed is tried once more
 *   encoded    len, from and file are set on success, len is 0 otherwise
 *   reason     SOURCE_ERROR_BYTES of storage: why it failed, for the log and the batch header
 *
 * Owns:    nothing; encoded stays the caller's.
 * Returns: STK_OK
 *          STK_UNREADABLE  it vanished, shrank, has another size than when it was listed (the
 *                          fingerprint promises that one), is empty or no regular file
 *          STK_SYSTEM      not the sample's fault and perhaps over soon: this process is out of
 *                          descriptors, the disk or the network failed, or the whole folder that
 *                          the sample is in is gone or empty
 *          what reserve returned, where that is not STK_OK
 * Threads: any number in parallel.  Blocks: on the file system, in choose and in reserve.
 * Allocates: only on the way to a failure.
 */
STK_MUST_CHECK enum stk_status source_read(const struct source *source, uint64_t index,
                                           const struct source_reading *reading,
                                           struct encoded *encoded, char *reason);

/**
 * Feed the listing to a hash, as PROTOCOL.md's "Fingerprint" says: every sample in order, then what
 * labels are and the names of the classes.
 *
 *   feed   called with pieces in order; context is handed through
 *
 * Threads: any.  Blocks: no.
 */
void source_feed_listing(const struct source *source,
                         void (*feed)(void *context, const void *bytes, size_t len), void *context);

#endif
