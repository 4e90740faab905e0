/*
 * Data: the pictures of a stream in memory, and what the plan does with each of them.
 *
 * Made by one thread before the measurements, and only read by them.
 */
#ifndef STK_BENCH_DATA_H
#define STK_BENCH_DATA_H

#include "config/config.h"
#include "daemon/image/image.h"
#include "daemon/image/jpeg_map.h"
#include "daemon/plan/plan.h"
#include "daemon/stream.h"

enum {
    DATA_PICTURES_MAX = 2048, /* held in memory, taken evenly from a larger source */
    DATA_EPOCHS = 8,          /* planned; a longer measurement begins again with the first */
};

/* What the daemon grants a decoder, but for the pixels, which the configuration says. */
#define DATA_LIMITS(data)                                                                          \
    ((struct image_limits){.pixels_max = (data)->config->image_pixels_max,                         \
                           .decoder_bytes_max = 96 << 20,                                          \
                           .scan_pixels_max = 1 << 30})

struct data_picture {
    uint64_t index; /* in the source */
    uint8_t *bytes; /* the file, owned */
    size_t len;
    uint32_t height;
    uint32_t width;
    struct jpeg_map map; /* its entry points are owned; see data_map */
};

/* A slot of a planned batch. */
struct data_sample {
    const struct data_picture *picture;
    struct view view;
    bool flip;
};

struct data {
    struct config *config;            /* owned */
    struct stream *stream;            /* owned; the first of the configuration */
    const struct stream_phase *phase; /* the only one of the stream */
    struct sampler sampler;           /* owned; the stream's, over the pictures held */
    struct data_picture *pictures;
    uint64_t picture_count;
    bool mapped;
    uint64_t steps; /* of an epoch over the pictures held */
    uint32_t epoch; /* the first one planned */
    uint32_t batch; /* samples */
    struct data_sample *samples;
    struct plan_slot *slots; /* [sample_count], of the same samples */
    uint64_t sample_count;   /* DATA_EPOCHS * steps * batch */
};

/**
 * Read a stream's pictures and plan some epochs of them.  Where the source has no more pictures
 * than are held, these are the boxes and the order that the daemon serves from that epoch on.
 * Pictures whose header cannot be read are left out.
 *
 *   path       a configuration; its first stream must have "last = wrap", "sampler = all" and no
 *              phases
 *   epoch      the first one to plan
 *   sampling   hold pictures of that sampling alone, e.g. "2x2"; NULL: of any
 *
 * Owns: data owns everything in it; data_release gives it back.
 * Ends the process with a sentence where something fails.  Threads: the main one.
 */
void data_init(struct data *data, const char *path, uint32_t epoch, const char *sampling);

/** Make the maps of the pictures as an index has them; once is enough.  Threads: the main one. */
void data_map(struct data *data);

/** Give everything back. */
void data_release(struct data *data);

/** A sampler of so many samples by the stream's recipe; the caller gives it to sampler_release. */
struct sampler data_sampler(const struct data *data, uint64_t samples);

/** The sample of an item of work: they follow one another as planned, and then begin again. */
const struct data_sample *data_sample(const struct data *data, uint64_t item);

/** End the process: print "measure: what failed" and exit with 1. */
_Noreturn void data_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Whole files, into room from malloc, which encoded keeps. */
extern const struct source_reading data_reading;

#endif
