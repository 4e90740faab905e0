/*
 * What the page shows of the daemon, its streams and its trainers, as JSON.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/json_text.h"
#include "daemon/server/http.h"
#include "daemon/stream.h"

enum { REPLACED_MAX = 100, HOST_BYTES = 256 };

/* Every figure of a table, behind what is there. */
#define PRINT_FIGURE(name, kind, help) buffer_print(buffer, ",\"" #name "\":%" PRIu64, values.name);

static const char *word_of(bool yes)
{
    return yes ? "true" : "false";
}

static void print_pair(struct buffer *buffer, const char *key, const char *text)
{
    buffer_print(buffer, ",\"%s\":", key);
    json_text(buffer, text);
}

static void print_daemon(const struct server *server, struct buffer *buffer)
{
    char host[HOST_BYTES] = "";
    (void)gethostname(host, sizeof host - 1);
    uint64_t rate = 0;
    for (size_t i = 0; i < server->stream_count; i++)
        rate += server->streams[i]->track->verdict.images_per_second;
    buffer_print(buffer, "\"daemon\":{\"version\":\"%s\",\"uptime_ms\":%" PRIu64, STOKER_VERSION,
                 (clock_now_ns() - server->start_ns) / 1000000);
    print_pair(buffer, "name", host);
    buffer_print(buffer,
                 ",\"draining\":%s,\"workers\":%" PRIu64 ",\"trainers\":%" PRIu32
                 ",\"images_per_second\":%" PRIu64 "}",
                 word_of(server->draining), figure_get(&server->figures.workers),
                 server->client_count, rate);
}

/* Streams. */

static void print_replaced_row(const struct stream *stream, const struct health_row *row,
                               struct buffer *buffer)
{
    buffer_print(buffer,
                 "{\"index\":%" PRIu64 ",\"epoch\":%" PRIu32 ",\"step\":%" PRIu64
                 ",\"slots\":%" PRIu64,
                 row->index, row->address.epoch, row->address.step, row->slots);
    print_pair(buffer, "path", source_name(stream->source, row->index));
    print_pair(buffer, "reason", row->reason);
    print_pair(buffer, "replaced_by",
               row->replaced ? source_name(stream->source, row->stand_in) : NULL);
    buffer_print(buffer, "}");
}

/* The last ones of the list, the newest first. */
static void print_replaced(const struct stream *stream, struct buffer *buffer)
{
    static struct health_row rows[REPLACED_MAX]; /* the loop's */
    uint64_t bad = health_bad_count(stream->health);
    uint32_t listed = bad < HEALTH_ROWS_MAX ? (uint32_t)bad : HEALTH_ROWS_MAX;
    uint32_t first = listed < REPLACED_MAX ? 0 : listed - REPLACED_MAX;
    uint32_t count = health_list(stream->health, first, rows, REPLACED_MAX);
    buffer_print(buffer, ",\"replaced_total\":%" PRIu64 ",\"replaced\":[", bad);
    for (uint32_t i = count; i-- > 0;) {
        print_replaced_row(stream, &rows[i], buffer);
        buffer_print(buffer, i == 0 ? "" : ",");
    }
    buffer_print(buffer, "]");
}

static void print_newest(const struct track *track, struct buffer *buffer)
{
    if (track->sent)
        buffer_print(buffer, ",\"newest\":{\"epoch\":%" PRIu32 ",\"step\":%" PRIu64 "}",
                     track->newest.epoch, track->newest.step);
    else
        buffer_print(buffer, ",\"newest\":null");
}

/* As the batch has it that was sent last. */
static void print_shape(const struct stream *stream, struct buffer *buffer)
{
    const struct stream_phase *phase = stream_phase(stream, stream->track->newest.epoch);
    const struct recipe *recipe = &phase->recipe;
    char hex[STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&stream->fingerprint, hex);
    buffer_print(buffer,
                 ",\"fingerprint\":\"%s\",\"samples\":%" PRIu64 ",\"classes\":%" PRIu32
                 ",\"labels\":\"%s\",\"steps\":%" PRIu64 ",\"batch\":%" PRIu32
                 ",\"height\":%" PRIu32 ",\"width\":%" PRIu32 ",\"dtype\":\"%s\"",
                 hex, stream->samples, source_classes(stream->source),
                 stk_label_kind_word(source_labels(stream->source)), phase->steps, recipe->batch,
                 recipe->height, recipe->width, stk_dtype_word(recipe->dtype));
    print_pair(buffer, "mix", stream->mix);
}

static void print_phases(const struct stream *stream, struct buffer *buffer)
{
    buffer_print(buffer, ",\"phases\":[");
    for (uint32_t i = 0; i < stream->phase_count; i++) {
        const struct stream_phase *phase = &stream->phases[i];
        buffer_print(buffer,
                     "%s{\"epoch\":%" PRIu32 ",\"steps\":%" PRIu64 ",\"batch\":%" PRIu32
                     ",\"height\":%" PRIu32 ",\"width\":%" PRIu32 "}",
                     i == 0 ? "" : ",", phase->from_epoch, phase->steps, phase->recipe.batch,
                     phase->recipe.height, phase->recipe.width);
    }
    buffer_print(buffer, "]");
}

static void print_verdict(const struct stream *stream, struct buffer *buffer)
{
    char sentence[VERDICT_SENTENCE_BYTES];
    char fault[HEALTH_SENTENCE_BYTES];
    verdict_sentence(&stream->track->verdict, sentence);
    print_pair(buffer, "limit", verdict_word(stream->track->verdict.limit));
    print_pair(buffer, "sentence", sentence);
    bool ill = health_is_stopped(stream->health, fault) || health_is_faulty(stream->health, fault);
    print_pair(buffer, "fault", ill ? fault : NULL);
}

static void print_stream(const struct stream *stream, struct buffer *buffer)
{
    const struct stream_values values = server_stream_values(stream);
    buffer_print(buffer, "{\"stream\":\"%s\"", stream->name);
    print_shape(stream, buffer);
    print_phases(stream, buffer);
    print_verdict(stream, buffer);
    STREAM_COUNTER_LIST(PRINT_FIGURE)
    STREAM_GAUGE_LIST(PRINT_FIGURE)
    print_newest(stream->track, buffer);
    print_replaced(stream, buffer);
    buffer_print(buffer, "}");
}

/* Trainers. */

static void print_trainer(const struct server *server, const struct client *client,
                          struct buffer *buffer)
{
    const struct trainer_values values = server_trainer_values(client);
    buffer_print(buffer, "{\"number\":%" PRIu32, client->number);
    print_pair(buffer, "name", client->name);
    print_pair(buffer, "stream", client->stream == NULL ? NULL : client->stream->name);
    print_pair(buffer, "transport", server_transport(server, client));
    TRAINER_FIGURE_LIST(PRINT_FIGURE)
    buffer_print(buffer, "}");
}

/* As many as the metrics tell. */
static void print_trainers(const struct server *server, struct buffer *buffer)
{
    size_t count = 0;
    const struct client *client;
    TAILQ_FOREACH (client, &server->clients, entry) {
        if (count == STK_TRAINERS_MAX)
            break;
        buffer_print(buffer, count++ == 0 ? "" : ",");
        print_trainer(server, client, buffer);
    }
}

void server_state_print(const struct server *server, struct buffer *buffer)
{
    buffer_print(buffer, "{");
    print_daemon(server, buffer);
    buffer_print(buffer, ",\"streams\":[");
    for (size_t i = 0; i < server->stream_count; i++) {
        buffer_print(buffer, i == 0 ? "" : ",");
        print_stream(server->streams[i], buffer);
    }
    buffer_print(buffer, "],\"trainers\":[");
    print_trainers(server, buffer);
    buffer_print(buffer, "]}\n");
}
