/*
 * A listing: every sample's path, bytes and label, in the order of their indices.
 *
 * Samples come in runs: neighbours with one label, as a directory gives them.  A run is one
 * allocation, made by the thread that listed the directory and never copied, so that a listing of
 * a million files peaks at what it keeps: 12 bytes and its path a sample.  A kind of source builds
 * one while it opens; afterwards it does not change, and any thread reads it.
 */
#ifndef STK_LISTING_H
#define STK_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/source/labels.h"
#include "daemon/source/names.h"
#include "proto/status.h"

/* The size of a sample that was not looked at yet, or is gone. */
#define LISTING_BYTES_UNKNOWN UINT64_MAX

struct listing_run {
    uint64_t first;    /* index of its first sample */
    uint32_t count;    /* samples */
    int32_t label;     /* of each of them */
    uint64_t *bytes;   /* [count], the start of the allocation */
    uint32_t *offsets; /* [count], of a terminated path in paths */
    char *paths;
    size_t run_bytes; /* of the allocation */
};

/* All zero is an empty listing. */
struct listing {
    struct listing_run *runs; /* by first; none is empty */
    size_t run_count;
    uint64_t count; /* samples */
    char **class_names;
    uint32_t classes;
    struct labels labels; /* what the runs do not tell */
    size_t listing_bytes; /* of every allocation */
};

struct listing_sample {
    const char *path; /* borrowed from the listing */
    uint64_t bytes;
    int32_t label; /* -1 where it has not one class */
};

/**
 * Reserve a run's storage.
 *
 *   run           overwritten; count is set, the rest is the caller's to fill
 *   paths_bytes   of all paths with their end marks, < 2^32
 *
 * Owns:    the caller owns the run's storage until listing_add_run takes it.
 * Returns: STK_OK or STK_MEMORY, where the run is all zero.
 */
STK_MUST_CHECK enum stk_status listing_run_init(struct listing_run *run, uint32_t count,
                                                size_t paths_bytes);

/** Give a run's storage back.  All zero is fine. */
void listing_run_release(struct listing_run *run);

/** Reserve room for runs and set the classes' names, in the order of their labels.
 *  Returns: STK_OK or STK_MEMORY, where the listing is empty. */
STK_MUST_CHECK enum stk_status listing_init(struct listing *listing, size_t run_capacity,
                                            const struct names *classes);

/** Give everything back and become empty. */
void listing_release(struct listing *listing);

/** Append a run, whose storage moves to the listing; the caller's becomes zero.  Samples of unknown
 *  size are left out, and a run without samples is dropped.  No more than run_capacity calls. */
void listing_add_run(struct listing *listing, struct listing_run *run);

/** Set the labels, which move to the listing; the caller's become zero. */
void listing_set_labels(struct listing *listing, struct labels *labels);

/** Keep the samples whose bit is set, in order; at least one is.  Classes keep their numbers. */
void listing_keep(struct listing *listing, const uint64_t *bits);

/** The first bytes of a number, least first; bytes <= 8. */
void listing_put_little_endian(uint64_t value, size_t bytes, uint8_t *out);

/** A sample; index < count.  Threads: any. */
struct listing_sample listing_get(const struct listing *listing, uint64_t index);

#endif
