/*
 * The model: see top_model.h.
 */
#include "client/command/top_model.h"

#include <string.h>

#include "client/command/figures.h"

static const uint64_t second_ns = 1000000000;

static const char *const stream_counters[TOP_STREAM_COUNTERS] = {
    [TOP_REQUESTS] = "requests",         [TOP_HITS] = "cache_hits",
    [TOP_DECODED] = "images_decoded",    [TOP_READ_NS] = "read_ns_total",
    [TOP_DECODE_NS] = "decode_ns_total", [TOP_MIX_NS] = "mix_ns_total",
};

static bool went_back(const struct top_mark *mark, const struct top_mark *before)
{
    for (unsigned i = 0; i < TOP_COUNTERS_MAX; i++) {
        if (mark->counters[i] < before->counters[i])
            return true;
    }
    return false;
}

static void forget_first(struct top_marks *marks)
{
    memmove(marks->marks, marks->marks + 1, --marks->count * sizeof marks->marks[0]);
}

/* The last mark moves with the looks until it is a second from the one before. */
static void add_mark(struct top_marks *marks, const struct top_mark *mark)
{
    struct top_mark *last = marks->marks + marks->count;
    if (marks->count > 0 && went_back(mark, last - 1))
        marks->count = 0;
    bool near = marks->count > 1 && last[-1].ns - last[-2].ns < second_ns;
    if (near)
        marks->count--;
    while (marks->count == TOP_MARKS ||
           (marks->count > 1 && mark->ns - marks->marks[1].ns >= TOP_SPAN_S * second_ns))
        forget_first(marks);
    marks->marks[marks->count++] = *mark;
}

uint64_t top_marks_grown(const struct top_marks *marks, unsigned counter, uint64_t *span_ns)
{
    *span_ns = 0;
    if (marks->count < 2)
        return 0;
    const struct top_mark *first = &marks->marks[0], *last = &marks->marks[marks->count - 1];
    *span_ns = last->ns - first->ns;
    return last->counters[counter] - first->counters[counter];
}

static void push_point(struct top_curve *curve, uint32_t value)
{
    if (curve->count == TOP_POINTS)
        memmove(curve->points, curve->points + 1, --curve->count * sizeof curve->points[0]);
    curve->points[curve->count++] = value;
}

/* Begin the point of a moment; those that nobody looked at in between stay empty. */
static void begin_point(struct top_curve *curve, uint64_t now_ns)
{
    const uint64_t point_ns = TOP_POINT_S * second_ns;
    uint64_t passed = curve->count == 0 ? 0 : (now_ns - curve->begin_ns) / point_ns;
    for (uint64_t i = 1; i < passed && i <= TOP_POINTS; i++)
        push_point(curve, UINT32_MAX);
    curve->begin_ns = curve->count == 0 ? now_ns : curve->begin_ns + passed * point_ns;
    curve->sum = curve->looks = 0;
    push_point(curve, 0);
}

static void add_rate(struct top_curve *curve, uint64_t rate, uint64_t now_ns)
{
    if (curve->count == 0 || now_ns - curve->begin_ns >= TOP_POINT_S * second_ns)
        begin_point(curve, now_ns);
    curve->sum += rate < UINT32_MAX ? rate : UINT32_MAX - 1;
    curve->looks++;
    curve->points[curve->count - 1] = (uint32_t)(curve->sum / curve->looks);
}

static struct top_stream *find(struct top_model *model, struct stk_text name)
{
    for (uint32_t i = 0; i < model->stream_count; i++) {
        if (stk_text_is(name, model->streams[i].name))
            return &model->streams[i];
    }
    return NULL;
}

static bool is_listed(const struct stk_stats *stats, const char *name)
{
    for (uint32_t i = 0; i < stats->stream_count; i++) {
        if (stk_text_is(stats->streams[i].stream, name))
            return true;
    }
    return false;
}

/* The streams of a look are as many as there is room for, once those that are gone are. */
static struct top_stream *find_or_add(struct top_model *model, const struct stk_stats *stats,
                                      struct stk_text name)
{
    struct top_stream *stream = find(model, name);
    for (uint32_t i = 0; stream == NULL && i < model->stream_count; i++) {
        if (!is_listed(stats, model->streams[i].name))
            stream = &model->streams[i];
    }
    if (stream == NULL && model->stream_count < STK_STREAMS_MAX)
        stream = &model->streams[model->stream_count++];
    if (stream != NULL && !stk_text_is(name, stream->name)) {
        *stream = (struct top_stream){.name = ""};
        memcpy(stream->name, name.data, name.len < sizeof stream->name ? name.len : 0);
    }
    return stream;
}

static void look_at_stream(struct top_model *model, const struct stk_stats *stats,
                           const struct stk_figure_row *row, uint64_t now_ns)
{
    struct top_stream *stream = find_or_add(model, stats, row->stream);
    if (stream == NULL)
        return;
    struct top_mark mark = {.ns = now_ns};
    for (unsigned i = 0; i < TOP_STREAM_COUNTERS; i++)
        mark.counters[i] = figures_value(row, stream_counters[i]);
    add_mark(&stream->marks, &mark);
    add_rate(&stream->curve, figures_value(row, "images_per_second"), now_ns);
}

void top_model_look(struct top_model *model, const struct stk_stats *stats, uint64_t now_ns)
{
    struct top_mark mark = {.ns = now_ns};
    mark.counters[TOP_DAEMON_BYTES] = figures_daemon_value(stats, "bytes_sent");
    mark.counters[TOP_DAEMON_WORK_NS] = figures_daemon_value(stats, "decode_ns_total") +
                                        figures_daemon_value(stats, "mix_ns_total");
    add_mark(&model->marks, &mark);
    for (uint32_t i = 0; i < stats->stream_count; i++)
        look_at_stream(model, stats, &stats->streams[i], now_ns);
    model->stats = stats;
}

const struct top_stream *top_model_stream(const struct top_model *model, struct stk_text name)
{
    for (uint32_t i = 0; i < model->stream_count; i++) {
        if (stk_text_is(name, model->streams[i].name))
            return &model->streams[i];
    }
    return NULL;
}
