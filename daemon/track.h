/*
 * Track: what a stream did lately, second by second.
 *
 * Its rates within the last ten seconds and the verdict over them, and ten minutes of points for
 * whoever draws them.  Fixed memory.  The loop's thread alone; the clock is handed in.
 */
#ifndef STK_TRACK_H
#define STK_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/verdict.h"
#include "daemon/flow.h"
#include "proto/message.h"

enum {
    TRACK_TICK_MS = 1000,
    TRACK_POINT_TICKS = 5,
    TRACK_POINTS = 120, /* ten minutes */
};

/* What grows, of a stream and of the threads that work for all of them. */
struct track_counts {
    uint64_t images; /* sent */
    uint64_t bytes;  /* likewise */
    uint64_t read_ns;
    uint64_t work_ns;
};

/* A few seconds. */
struct track_point {
    uint32_t images_per_second;
    uint32_t trainers;
    uint64_t bytes_per_second;
    enum verdict_limit limit;
};

struct track {
    struct track_counts ticks[FLOW_SPAN];
    uint64_t tick_ns[FLOW_SPAN];
    uint64_t tick_count;
    struct track_counts point_counts; /* where the next point begins */
    uint64_t point_ns;
    struct track_point points[TRACK_POINTS];
    uint64_t point_count; /* ever made; the last TRACK_POINTS of them are kept */
    struct verdict verdict;
    bool sent; /* a batch was sent, and the last one has this address: */
    struct stk_address newest;
    struct flow_sums flows; /* of the trainers lately, while a tick is gathered */
    uint32_t trainers;
};

/* What a tick is told. */
struct track_look {
    uint64_t now_ns;
    struct track_counts counts;
    struct flow_sums flows; /* of the stream's trainers that asked for something lately, together */
    uint32_t trainers;      /* how many these are */
    uint32_t readers;
    uint32_t workers;
};

/** Begin.  Threads: the loop, here and below.  Allocates: no. */
void track_init(struct track *track, const struct track_look *look);

/** Once every TRACK_TICK_MS: the verdict anew, and now and then a point. */
void track_tick(struct track *track, const struct track_look *look);

/** The points that are kept, the oldest first, into storage for TRACK_POINTS; returns how many. */
uint32_t track_points(const struct track *track, struct track_point *points);

#endif
