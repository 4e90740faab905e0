/*
 * What stoker top knows: the figures of the last look, and of each stream what they were before.
 *
 * Times come from the caller.  A daemon that was started again, or a stream that was listed anew,
 * counts from 0: what was counted before is then forgotten, and the curve goes on.
 */
#ifndef STK_TOP_MODEL_H
#define STK_TOP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "client/stoker.h"

enum {
    TOP_MARKS = 12,       /* looks that are remembered, a second apart at least */
    TOP_SPAN_S = 10,      /* over which times and shares are told */
    TOP_POINTS = 60,      /* of a curve */
    TOP_POINT_S = 5,      /* that a point stands for */
    TOP_COUNTERS_MAX = 8, /* that are remembered of a stream, or of the daemon */
};

/* Counters at some moments, the oldest first. */
struct top_marks {
    uint32_t count;
    struct top_mark {
        uint64_t ns;
        uint64_t counters[TOP_COUNTERS_MAX];
    } marks[TOP_MARKS];
};

/* Rates over the last minutes; the last point is still in the making. */
struct top_curve {
    uint32_t count;
    uint32_t points[TOP_POINTS]; /* pictures/s; UINT32_MAX where nobody looked */
    uint64_t begin_ns;           /* of the last point */
    uint64_t sum;                /* of the looks in it */
    uint32_t looks;
};

/* Of the daemon, in the order of their names in top_model.c. */
enum top_daemon_counter { TOP_DAEMON_BYTES, TOP_DAEMON_WORK_NS, TOP_DAEMON_COUNTERS };

enum top_stream_counter {
    TOP_REQUESTS,
    TOP_HITS,
    TOP_DECODED,
    TOP_READ_NS,
    TOP_DECODE_NS,
    TOP_MIX_NS,
    TOP_STREAM_COUNTERS
};

/* One that was seen, by its name. */
struct top_stream {
    char name[STK_NAME_BYTES_MAX + 1];
    struct top_marks marks;
    struct top_curve curve;
};

struct top_model {
    const struct stk_stats *stats; /* of the last look; NULL before the first */
    struct top_marks marks;
    uint32_t stream_count;
    struct top_stream streams[STK_STREAMS_MAX];
};

/**
 * Take a look's figures.
 *
 *   stats    borrowed until the next look
 *   now_ns   when they came; later than those before
 *
 * Owns: nothing.  Threads: one.  Blocks: no.  Allocates: no.
 */
void top_model_look(struct top_model *model, const struct stk_stats *stats, uint64_t now_ns);

/** What is remembered of a stream of the last look; NULL where there was no room for it. */
const struct top_stream *top_model_stream(const struct top_model *model, struct stk_text name);

/** How much a counter has grown over the last seconds, and over how many ns; 0 both, where there
 *  was one look only. */
uint64_t top_marks_grown(const struct top_marks *marks, unsigned counter, uint64_t *span_ns);

#endif
