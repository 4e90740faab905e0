/*
 * A stream: a recipe over a source, ready to be planned.
 *
 * Constant from its opening to its end: the listing, the fingerprint, how pictures stand in a slot,
 * how tensors stand in a slab; any thread reads.  Its health has a lock of its own, and its figures
 * are counted by whoever works for it.  A reload puts
 * another stream in its place.  So it is counted who refers to it: who opened it, each request, and
 * each batch that is made or sent.
 */
#ifndef STK_STREAM_H
#define STK_STREAM_H

#include "config/config.h"
#include "daemon/atlas.h"
#include "daemon/base/figures.h"
#include "daemon/batch/layout.h"
#include "daemon/health.h"
#include "daemon/image/image.h"
#include "daemon/plan/sampler.h"
#include "daemon/source/source.h"
#include "daemon/track.h"

/* Epochs whose batches are alike. */
struct stream_phase {
    uint32_t from_epoch;
    struct recipe recipe; /* with this phase's batch, height and width */
    uint64_t steps;       /* of an epoch, >= 1 */
    struct image_format format;
    struct layout layout;
};

struct stream {
    char *name;             /* owned */
    struct source *source;  /* owned */
    uint64_t samples;       /* in the source */
    struct sampler sampler; /* owned tables; of all phases */
    struct stk_fingerprint fingerprint;
    struct stream_phase *phases; /* owned, phase_count of them, the first one from epoch 0 */
    uint32_t phase_count;
    char mix[RECIPE_MIX_TEXT_BYTES]; /* what the welcome says of it */
    double corrupt_max;              /* as configured */
    struct health *health;           /* owned; of its samples */
    struct maps *maps;               /* owned reference; NULL: it has no index */
    struct stream_figures *figures;  /* owned; any thread adds to them */
    struct track *track;             /* owned; the loop's: what it did lately */
    uint64_t turn;                   /* the loop's: the lowest is served next */
    bool retired;                    /* the loop's: not served any more */
    /* Relaxed where one is added; the last release acquires what the others did before theirs. */
    _Atomic uint32_t refs;
};

/* How to list. */
struct stream_listing {
    unsigned threads;           /* in parallel, 1 .. SOURCE_THREADS_MAX */
    uint64_t text_bytes_max;    /* as of struct source_place */
    struct source_watch *watch; /* likewise */
    struct atlas *atlas;        /* where it finds the maps of its files; NULL: it has none */
};

/**
 * List a stream's source and prepare everything else.
 *
 *   listing   borrowed for the call
 *   stream    set on success, NULL otherwise
 *   error     CONFIG_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller owns *stream and gives it to stream_close.
 * Returns: STK_OK; STK_CONFIG where an epoch would have no step, smoothing has no meaning, the
 *          sampler has no weights, or one sample has no partner; what source_open returns.
 * Threads: any.  Blocks: on directories.
 */
STK_MUST_CHECK enum stk_status stream_open(const struct config_stream *config,
                                           const struct stream_listing *listing,
                                           struct stream **stream, char *error);

/** Give the opener's reference back; *stream becomes NULL.  NULL is fine.  Threads: any. */
void stream_close(struct stream **stream);

/** One more reference, to be given to stream_unref; returns the stream.  Threads: any. */
const struct stream *stream_ref(const struct stream *stream);

/** One reference less; the last one frees the stream.  *stream becomes NULL.  Threads: any. */
void stream_unref(const struct stream **stream);

/** Whether a stream that is served is as good as one that was listed anew: it serves equal bytes,
 *  reads them from the same place, and was not stopped.  Threads: any. */
bool stream_is_like(const struct stream *served, const struct stream *listed);

/** The phase that holds in an epoch: its recipe, steps, format and layout.  Threads: any. */
const struct stream_phase *stream_phase(const struct stream *stream, uint32_t epoch);

/** What a welcome says of the stream; texts are borrowed from it.  Threads: any. */
struct stk_stream_info stream_info(const struct stream *stream);

/** Memory of the listing, the sampler's tables and the health, for the memory plan. */
size_t stream_listing_bytes(const struct stream *stream);

#endif
