/*
 * Track: rings.
 */
#include "daemon/track.h"

static void note(struct track *track, const struct track_look *look)
{
    track->ticks[track->tick_count % FLOW_SPAN] = look->counts;
    track->tick_ns[track->tick_count % FLOW_SPAN] = look->now_ns;
    track->tick_count++;
}

void track_init(struct track *track, const struct track_look *look)
{
    *track = (struct track){.point_counts = look->counts, .point_ns = look->now_ns};
    note(track, look);
}

static void judge(struct track *track, const struct track_look *look)
{
    uint64_t first = track->tick_count < FLOW_SPAN ? 0 : track->tick_count - FLOW_SPAN;
    const struct track_counts *before = &track->ticks[first % FLOW_SPAN];
    const struct verdict_span span = {
        .span_ns = look->now_ns - track->tick_ns[first % FLOW_SPAN],
        .images = look->counts.images - before->images,
        .asked_ns = look->flows.asked_ns,
        .sent_ns = look->flows.sent_ns,
        .held_ns = look->flows.held_ns,
        .trainer_ns = look->flows.active_ns,
        .sending_ns = look->flows.sending_ns,
        .ready_ns = look->flows.ready_ns,
        .read_ns = look->counts.read_ns - before->read_ns,
        .work_ns = look->counts.work_ns - before->work_ns,
        .readers = look->readers,
        .workers = look->workers,
    };
    track->verdict = verdict_of(&span);
}

static void add_point(struct track *track, const struct track_look *look)
{
    double seconds = (double)(look->now_ns - track->point_ns) / 1e9;
    double images = (double)(look->counts.images - track->point_counts.images);
    double bytes = (double)(look->counts.bytes - track->point_counts.bytes);
    track->points[track->point_count % TRACK_POINTS] = (struct track_point){
        .images_per_second = seconds > 0 ? (uint32_t)(images / seconds + 0.5) : 0,
        .bytes_per_second = seconds > 0 ? (uint64_t)(bytes / seconds + 0.5) : 0,
        .trainers = look->trainers,
        .limit = track->verdict.limit,
    };
    track->point_count++;
    track->point_counts = look->counts;
    track->point_ns = look->now_ns;
}

void track_tick(struct track *track, const struct track_look *look)
{
    judge(track, look);
    if (track->tick_count % TRACK_POINT_TICKS == 0)
        add_point(track, look);
    note(track, look);
}

uint32_t track_points(const struct track *track, struct track_point *points)
{
    uint64_t kept = track->point_count < TRACK_POINTS ? track->point_count : TRACK_POINTS;
    for (uint64_t i = 0; i < kept; i++)
        points[i] = track->points[(track->point_count - kept + i) % TRACK_POINTS];
    return (uint32_t)kept;
}
