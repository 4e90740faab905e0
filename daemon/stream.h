/*
 * A stream: a recipe over a source, ready to be planned.
 *
 * Everything that is constant while the daemon runs: the listing, the fingerprint, how pictures
 * stand in a slot, how tensors stand in a slab.  Made before the threads start; any thread reads.
 */
#ifndef STK_STREAM_H
#define STK_STREAM_H

#include <stdatomic.h>

#include "config/config.h"
#include "daemon/batch/layout.h"
#include "daemon/image/image.h"
#include "daemon/source/source.h"

struct stream {
    const char *name;            /* borrowed from the configuration */
    const struct recipe *recipe; /* borrowed from the configuration */
    struct source *source;       /* owned */
    uint64_t samples;
    uint64_t steps;
    struct stk_fingerprint fingerprint;
    struct image_format format;
    struct layout layout;
    char mix[RECIPE_MIX_TEXT_BYTES]; /* what the welcome says of it */
    /* A bit a sample: that it cannot be decoded was logged.  Relaxed: a line too many is no harm.
     */
    _Atomic uint64_t *logged; /* owned */
};

/**
 * List a stream's source and prepare everything else.
 *
 *   config    borrowed; must outlive the stream
 *   threads   that list in parallel
 *   stream    set on success, NULL otherwise
 *   error     CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller owns *stream and gives it to stream_close.
 * Returns: STK_OK; STK_CONFIG where an epoch would have no step, or one sample has no partner; what
 *          source_open returns.
 * Threads: any.  Blocks: on directories.
 */
STK_MUST_CHECK enum stk_status stream_open(const struct config_stream *config, unsigned threads,
                                           struct stream **stream, char *error);

/** Give a stream back; *stream becomes NULL.  NULL is fine. */
void stream_close(struct stream **stream);

/** What a welcome says of the stream; texts are borrowed from it.  Threads: any. */
struct stk_stream_info stream_info(const struct stream *stream);

/** Memory of the listing, for the memory plan. */
size_t stream_listing_bytes(const struct stream *stream);

/** Whether this is the first time that this sample is reported; remembers it.  Threads: any. */
bool stream_first_report(const struct stream *stream, uint64_t index);

#endif
