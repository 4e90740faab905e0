/*
 * The sampler: which sample stands at a place of an epoch.
 *
 * A stream serves a pool of its source's samples: all of them, or a subset that is the same in
 * every epoch.  An epoch has places 0 .. length - 1; the sampler gives each a sample of the pool:
 * every one once (all), or drawn with replacement, by weight or by class.  Any place of any epoch
 * is computed by itself, in O(1), by weight in O(log pool); nothing is kept of an epoch.
 *
 * Made before the threads start, read-only afterwards; any thread reads.
 */
#ifndef STK_SAMPLER_H
#define STK_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/recipe.h"
#include "daemon/plan/permute.h"
#include "proto/status.h"

enum {
    SAMPLER_ERROR_BYTES = 256, /* storage for a message, its end mark included */
};

/* Samples of a pool that has tables: SAMPLER_WEIGHTED and SAMPLER_BALANCED. */
#define SAMPLER_TABLE_MAX (UINT64_C(1) << 31)

/* The largest weight of a pool in whole units: weights are summed as integers, so that every
 * machine draws the same. */
#define SAMPLER_WEIGHT_UNITS (UINT64_C(1) << 32)

/* What a sampler asks of the samples while it is made; nothing is kept of it. */
struct sampler_samples {
    uint64_t count;   /* >= 1 */
    uint32_t classes; /* labels are below it */
    const void *context;
    int32_t (*label)(const void *context, uint64_t index); /* of a class; below 0: it has none */
    double (*weight)(const void *context, uint64_t index); /* >= 0, finite */
};

struct sampler {
    enum sampler_law law;
    enum order order;
    uint64_t seed;
    uint64_t samples;      /* of the source */
    uint64_t pool;         /* served ones, 1 .. samples */
    uint64_t length;       /* places of an epoch; the pool's with SAMPLER_ALL */
    bool whole;            /* the pool is the source, in its order */
    struct permute subset; /* unless whole: the pool is where 0 .. pool - 1 go */
    uint64_t *sums;        /* SAMPLER_WEIGHTED, owned: units of pool[0 .. i] together */
    uint32_t *members;     /* SAMPLER_BALANCED, owned: the pool's places, class by class */
    uint64_t *starts;      /* owned: where a class begins in members; class_count + 1 of them */
    uint32_t class_count;  /* classes that the pool has a sample of */
};

/* One epoch's view of a sampler; plain data that borrows the sampler. */
struct sampler_epoch {
    const struct sampler *sampler;
    uint32_t epoch;
    struct permute shuffle; /* SAMPLER_ALL, shuffled */
};

/**
 * Make a sampler.
 *
 *   recipe    its seed, order, sampler, epoch_samples and subset are read
 *   samples   borrowed for the call; label is asked with SAMPLER_BALANCED, weight with
 *             SAMPLER_WEIGHTED
 *   sampler   the caller's storage; zero where it fails
 *   error     SAMPLER_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller gives *sampler to sampler_release.
 * Returns: STK_OK
 *          STK_CONFIG   the subset has no sample, no weight is above 0, one is no number that a
 *                       weight can be, a sample has no class, or there are more than
 *                       SAMPLER_TABLE_MAX to draw from
 *          STK_MEMORY
 * Threads: any.  Blocks: no.  Allocates: 8 bytes a sample of the pool by weight, 4 by class.
 * Source:  PROTOCOL.md, "Samples".
 */
STK_MUST_CHECK enum stk_status sampler_init(struct sampler *sampler, const struct recipe *recipe,
                                            const struct sampler_samples *samples, char *error);

/** Give the tables back; a zero sampler is fine. */
void sampler_release(struct sampler *sampler);

/** Memory of the tables, for the memory plan. */
size_t sampler_bytes(const struct sampler *sampler);

/** Look at an epoch.  Threads: any.  Blocks: no.  Allocates: no. */
void sampler_epoch_init(struct sampler_epoch *epoch, const struct sampler *sampler,
                        uint32_t number);

/** The sample at a place of the epoch, 0 .. sampler->length - 1.  Threads: any.  Blocks: no. */
uint64_t sampler_index(const struct sampler_epoch *epoch, uint64_t place);

/**
 * A sample drawn by the sampler's law from four random words: what stands in for a corrupt one, for
 * instance.  With SAMPLER_ALL any of the pool.  Threads: any.  Blocks: no.
 */
uint64_t sampler_draw(const struct sampler *sampler, const uint32_t words[4]);

/** Whether there is one sample alone that a draw can be.  Threads: any.  Blocks: no. */
bool sampler_is_single(const struct sampler *sampler);

#endif
