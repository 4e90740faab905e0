/*
 * What the http listener tells: metrics, and the last minutes as JSON.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/metrics.h"
#include "daemon/server/http.h"
#include "daemon/stream.h"

/* Figures of a table, in its order; a row's values are an array of as many. */
struct table_row {
    const char *name;
    enum metrics_kind kind;
    const char *help;
};

#define COUNTER METRICS_COUNTER
#define GAUGE METRICS_GAUGE
#define TABLE_ROW(name, kind, help) {#name, kind, help},
static const struct table_row daemon_table[] = {FIGURE_LIST(TABLE_ROW)};
static const struct table_row stream_table[] = {STREAM_COUNTER_LIST(TABLE_ROW)
                                                    STREAM_GAUGE_LIST(TABLE_ROW)};
static const struct table_row trainer_table[] = {TRAINER_FIGURE_LIST(TABLE_ROW)};

enum {
    DAEMON_FIGURES = sizeof daemon_table / sizeof daemon_table[0],
    STREAM_FIGURES = sizeof stream_table / sizeof stream_table[0],
    TRAINER_FIGURES = sizeof trainer_table / sizeof trainer_table[0],
};

_Static_assert(sizeof(struct stream_values) == STREAM_FIGURES * sizeof(uint64_t), "in order");
_Static_assert(sizeof(struct trainer_values) == TRAINER_FIGURES * sizeof(uint64_t), "in order");

/* Whose samples they are. */
struct series {
    struct metrics_label labels[METRICS_LABELS_MAX];
    char number[12];
    const uint64_t *values;
};

static void print_table(struct buffer *buffer, const char *prefix, const struct table_row *table,
                        size_t rows, const struct series *series, size_t count)
{
    for (size_t i = 0; i < rows && count > 0; i++) {
        metrics_head(buffer, prefix, table[i].name, table[i].kind, table[i].help);
        for (size_t k = 0; k < count; k++)
            metrics_sample(buffer, prefix, table[i].name, table[i].kind, series[k].labels,
                           series[k].values[i]);
    }
}

static void print_daemon(struct server *server, struct buffer *buffer)
{
#define VALUE_OF_DAEMON(name, kind, help) figure_get(&server->figures.name),
    server_figures_refresh(server);
    const uint64_t values[] = {FIGURE_LIST(VALUE_OF_DAEMON)};
    const struct series whole = {.values = values};
    const struct series build = {.labels = {{"version", STOKER_VERSION}}};
    print_table(buffer, "stoker_", daemon_table, DAEMON_FIGURES, &whole, 1);
    metrics_head(buffer, "stoker_", "build_info", GAUGE, "1, of the version that runs");
    metrics_sample(buffer, "stoker_", "build_info", GAUGE, build.labels, 1);
}

static void print_limits(const struct server *server, struct buffer *buffer)
{
    metrics_head(buffer, "stoker_stream_", "limit", GAUGE, "1 for what limits the stream, else 0");
    for (size_t i = 0; i < server->stream_count; i++) {
        const struct stream *stream = server->streams[i];
        for (int limit = 0; limit < VERDICT_COUNT; limit++) {
            const struct metrics_label labels[METRICS_LABELS_MAX] = {
                {"stream", stream->name}, {"limit", verdict_word((enum verdict_limit)limit)}};
            metrics_sample(buffer, "stoker_stream_", "limit", GAUGE, labels,
                           stream->track->verdict.limit == (enum verdict_limit)limit);
        }
    }
}

static void print_streams(const struct server *server, struct buffer *buffer)
{
    struct stream_values *values = calloc(server->stream_count, sizeof *values);
    struct series *series = calloc(server->stream_count, sizeof *series);
    buffer->failed |= values == NULL || series == NULL;
    for (size_t i = 0; i < server->stream_count && !buffer->failed; i++) {
        values[i] = server_stream_values(server->streams[i]);
        series[i].labels[0] = (struct metrics_label){"stream", server->streams[i]->name};
        series[i].values = (const uint64_t *)&values[i];
    }
    if (!buffer->failed)
        print_table(buffer, "stoker_stream_", stream_table, STREAM_FIGURES, series,
                    server->stream_count);
    free(series);
    free(values);
}

/* Names are the trainers' own choice: with their numbers they are as many as are connected, and of
 * these no more than STK_TRAINERS_MAX are told. */
static void print_trainers(const struct server *server, struct buffer *buffer)
{
    size_t count = 0;
    struct trainer_values *values = calloc(STK_TRAINERS_MAX, sizeof *values);
    struct series *series = calloc(STK_TRAINERS_MAX, sizeof *series);
    buffer->failed |= values == NULL || series == NULL;
    const struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (buffer->failed || count == STK_TRAINERS_MAX)
            break;
        struct series *one = &series[count];
        values[count] = server_trainer_values(client);
        one->values = (const uint64_t *)&values[count];
        snprintf(one->number, sizeof one->number, "%" PRIu32, client->number);
        one->labels[0] = (struct metrics_label){"trainer", client->name};
        one->labels[1] = (struct metrics_label){"number", one->number};
        one->labels[2] =
            (struct metrics_label){"stream", client->stream == NULL ? "" : client->stream->name};
        one->labels[3] = (struct metrics_label){"transport", server_transport(server, client)};
        count++;
    }
    if (!buffer->failed)
        print_table(buffer, "stoker_trainer_", trainer_table, TRAINER_FIGURES, series, count);
    free(series);
    free(values);
}

void server_metrics_print(struct server *server, struct buffer *buffer)
{
    print_daemon(server, buffer);
    print_streams(server, buffer);
    print_limits(server, buffer);
    print_trainers(server, buffer);
}

static void print_points(const struct track *track, struct buffer *buffer)
{
    static struct track_point points[TRACK_POINTS]; /* the loop's */
    uint32_t count = track_points(track, points);
    for (uint32_t i = 0; i < count; i++)
        buffer_print(buffer,
                     "%s{\"images_per_second\":%" PRIu32 ",\"bytes_per_second\":%" PRIu64
                     ",\"trainers\":%" PRIu32 ",\"limit\":\"%s\"}",
                     i == 0 ? "" : ",", points[i].images_per_second, points[i].bytes_per_second,
                     points[i].trainers, verdict_word(points[i].limit));
}

/* A stream's name has nothing that JSON would have to escape. */
void server_history_print(const struct server *server, struct buffer *buffer)
{
    buffer_print(buffer, "{\"point_ms\":%d,\"streams\":[", TRACK_TICK_MS * TRACK_POINT_TICKS);
    for (size_t i = 0; i < server->stream_count; i++) {
        const struct stream *stream = server->streams[i];
        buffer_print(buffer, "%s{\"stream\":\"%s\",\"points\":[", i == 0 ? "" : ",", stream->name);
        print_points(stream->track, buffer);
        buffer_print(buffer, "]}");
    }
    buffer_print(buffer, "]}\n");
}
