/*
 * Measuring: one piece of work, done again and again by a number of threads.
 *
 * CPU time and not wall time is what is looked at first: it is what the work costs wherever else
 * the cores are wanted.  The threads start together, and count what they do until the time is
 * over, which they look at only between two epochs: so every measurement has the same pictures.
 */
#ifndef STK_BENCH_MEASURE_H
#define STK_BENCH_MEASURE_H

#include "tests/bench/data.h"

/* A row of the tables below. */
struct work {
    const char *name;
    bool batches; /* an item is a batch, not a picture */
    bool maps;    /* the pictures' maps are looked at: data_map comes first */
    bool process; /* others than the calling thread work too: all of the process counts */

    /** A thread's state; ends the process where it cannot be made. */
    void *(*open)(const struct data *data);
    void (*close)(void *state);

    /** What must be done before an item and does not count; NULL: nothing. */
    bool (*prepare)(void *state, uint64_t item);

    /** An item, from 0 up; false where it failed. */
    bool (*run)(void *state, uint64_t item);
};

struct result {
    uint64_t pictures;
    uint64_t failed; /* of the pictures; or all of a batch */
    uint64_t cpu_ns; /* of all threads together */
    uint64_t wall_ns;
};

/**
 * Measure.
 *
 *   threads   that work at once, 1 or more
 *   seconds   at least, and at least one epoch
 *
 * Owns: nothing.  Ends the process where a thread cannot be started.  Blocks: for that time.
 */
struct result measure(const struct work *work, const struct data *data, uint32_t threads,
                      double seconds);

/* The tables, each ended by a row without a name. */
extern const struct work bound_works[];    /* libjpeg-turbo and memory, bare */
extern const struct work loopback_works[]; /* libzmq, bare */
extern const struct work batch_works[];    /* stages of a batch of ours, each alone */
extern const struct work image_works[];    /* stages of a picture of ours, likewise */
extern const struct work jpeg_works[];     /* stages of our own JPEG decoder, likewise */

#endif
