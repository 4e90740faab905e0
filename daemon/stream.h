/*
 * A stream: a recipe over a source, ready to be planned.
 *
 * Everything that is constant while the daemon runs: the listing, the fingerprint, how pictures
 * stand in a slot, how tensors stand in a slab; and its health, which has a lock of its own.  Made
 * before the threads start; any thread reads.
 */
#ifndef STK_STREAM_H
#define STK_STREAM_H

#include "config/config.h"
#include "daemon/batch/layout.h"
#include "daemon/health.h"
#include "daemon/image/image.h"
#include "daemon/plan/sampler.h"
#include "daemon/source/source.h"

/* Epochs whose batches are alike. */
struct stream_phase {
    uint32_t from_epoch;
    struct recipe recipe; /* with this phase's batch, height and width */
    uint64_t steps;       /* of an epoch, >= 1 */
    struct image_format format;
    struct layout layout;
};

struct stream {
    const char *name;       /* borrowed from the configuration */
    struct source *source;  /* owned */
    uint64_t samples;       /* in the source */
    struct sampler sampler; /* owned tables; of all phases */
    struct stk_fingerprint fingerprint;
    struct stream_phase *phases; /* owned, phase_count of them, the first one from epoch 0 */
    uint32_t phase_count;
    char mix[RECIPE_MIX_TEXT_BYTES]; /* what the welcome says of it */
    struct health *health;           /* owned; of its samples */
};

/**
 * List a stream's source and prepare everything else.
 *
 *   config           its name is borrowed and must outlive the stream
 *   threads          that list in parallel
 *   text_bytes_max   as of struct source_place
 *   stream           set on success, NULL otherwise
 *   error            CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller owns *stream and gives it to stream_close.
 * Returns: STK_OK; STK_CONFIG where an epoch would have no step, smoothing has no meaning, the
 *          sampler has no weights, or one sample has no partner; what source_open returns.
 * Threads: any.  Blocks: on directories.
 */
STK_MUST_CHECK enum stk_status stream_open(const struct config_stream *config, unsigned threads,
                                           uint64_t text_bytes_max, struct stream **stream,
                                           char *error);

/** Give a stream back; *stream becomes NULL.  NULL is fine. */
void stream_close(struct stream **stream);

/** The phase that holds in an epoch: its recipe, steps, format and layout.  Threads: any. */
const struct stream_phase *stream_phase(const struct stream *stream, uint32_t epoch);

/** What a welcome says of the stream; texts are borrowed from it.  Threads: any. */
struct stk_stream_info stream_info(const struct stream *stream);

/** Memory of the listing, the sampler's tables and the health, for the memory plan. */
size_t stream_listing_bytes(const struct stream *stream);

#endif
