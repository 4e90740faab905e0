/*
 * The figures as a stats reply: the daemon's, each stream's and each trainer's.
 */
#include <string.h>

#include "daemon/server/parts.h"
#include "daemon/stream.h"

static void add(struct stk_figure_row *row, const char *name, uint64_t value)
{
    row->figures[row->count++] = (struct stk_figure){stk_text_of(name), value};
}

static void list_daemon(struct server *server, struct stk_stats *stats)
{
#define FIGURE_OF_DAEMON(name, kind, help)                                                         \
    stats->figures[stats->count++] =                                                               \
        (struct stk_figure){stk_text_of(#name), figure_get(&server->figures.name)};
    server_figures_refresh(server);
    FIGURE_LIST(FIGURE_OF_DAEMON)
}

#define FIGURE_OF_VALUES(name, kind, help) add(row, #name, values.name);

static void list_stream(const struct stream *stream, struct stk_figure_row *row)
{
    const struct stream_values values = server_stream_values(stream);
    row->stream = stk_text_of(stream->name);
    row->limit = stk_text_of(verdict_word(stream->track->verdict.limit));
    STREAM_COUNTER_LIST(FIGURE_OF_VALUES)
    STREAM_GAUGE_LIST(FIGURE_OF_VALUES)
}

static void list_trainer(const struct server *server, const struct client *client,
                         struct stk_figure_row *row)
{
    const struct trainer_values values = server_trainer_values(client);
    row->stream = stk_text_of(client->stream == NULL ? "" : client->stream->name);
    row->name = stk_text_of(client->name);
    row->number = client->number;
    row->transport = stk_text_of(server_transport(server, client));
    TRAINER_FIGURE_LIST(FIGURE_OF_VALUES)
}

static bool may_know(const struct key_client *user, const struct stream *stream)
{
    const char *name = stream == NULL ? "" : stream->name;
    return key_client_may(user, name, strlen(name));
}

enum stk_status server_stats_encode(struct server *server, uint64_t id,
                                    const struct key_client *user, size_t *len)
{
    struct stk_stats *stats = &server->answer.stats;
    stats->id = id;
    stats->count = stats->stream_count = stats->trainer_count = 0;
    list_daemon(server, stats);
    stats->version = stk_text_of(STOKER_VERSION);
    for (size_t i = 0; i < server->stream_count; i++) {
        if (!may_know(user, server->streams[i]))
            continue;
        struct stk_figure_row *row = &stats->streams[stats->stream_count++];
        *row = (struct stk_figure_row){.count = 0};
        list_stream(server->streams[i], row);
    }
    const struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (stats->trainer_count == STK_TRAINERS_MAX)
            break;
        if (!may_know(user, client->stream))
            continue;
        struct stk_figure_row *row = &stats->trainers[stats->trainer_count++];
        *row = (struct stk_figure_row){.count = 0};
        list_trainer(server, client, row);
    }
    return stk_stats_encode(stats, server->reply, sizeof server->reply, len);
}
