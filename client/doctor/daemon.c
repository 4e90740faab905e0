/*
 * A running daemon: whether it answers, what it serves, and what its figures tell.
 */
#include <inttypes.h>
#include <string.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/json.h"
#include "client/doctor/doctor.h"
#include "client/stoker.h"

/* A figure that should be 0, and what it means where it is not. */
struct symptom {
    const char *figure;
    const char *advice;
};

static const struct symptom symptoms[] = {
    {"images_replaced", "slots were filled by other samples, because theirs cannot be read or "
                        "decoded: \"stoker stats --replaced URL\" lists these"},
    {"faults", "reads failed for a fault that may pass: look at the disk or the network, and at "
               "image.fault in the log"},
    {"batches_failed", "batches could not be made: look at the log"},
    {"batches_evicted_wanted", "finished batches made room for others before every trainer had "
                               "them, and were made again: raise memory_max"},
    {"overloaded", "requests were put off: raise clients_max or requests_max, or start another "
                   "daemon"},
    {"connections_refused", "connections were closed at once: raise connections_max and the limit "
                            "of descriptors"},
    {"connections_throttled", "connections came too fast and were closed at once: see "
                              "connections.throttled in the log; raise connections_per_second if "
                              "they are trainers'"},
    {"clients_cut", "trainers were dropped for leaving their batches untaken: see client.cut in "
                    "the log"},
    {"reloads_refused", "changed configurations were refused: see reload.refused in the log"},
};

/* What limits a stream, as stokerd(8) lists it, and what helps. */
static const struct symptom limits[] = {
    {"disk", "reading limits it: raise readers, or use a faster disk"},
    {"decode", "decoding limits it: give the daemon more cores, or start another one"},
    {"network", "the network limits it: serve u8, use ipc on the same host, or a faster link"},
};

static void check_figures(struct doctor *doctor, const struct stk_stats *stats)
{
    for (uint32_t i = 0; i < stats->count; i++) {
        const struct stk_figure *figure = &stats->figures[i];
        for (size_t k = 0; k < sizeof symptoms / sizeof *symptoms; k++) {
            if (figure->value > 0 && stk_text_is(figure->name, symptoms[k].figure))
                doctor_found(doctor, "%s is %" PRIu64 ": %s", symptoms[k].figure, figure->value,
                             symptoms[k].advice);
        }
    }
}

/* Beside what is told of the stream already.  A name that is not UTF-8 is not in the JSON. */
static void set_limit(const struct doctor *doctor, const struct stk_figure_row *row)
{
    size_t index;
    json_t *stream;
    json_array_foreach(json_object_get(doctor->object, "streams"), index, stream)
    {
        const char *name = json_string_value(json_object_get(stream, "stream"));
        if (name != NULL && stk_text_is(row->stream, name))
            json_set_text(stream, "limit", row->limit);
    }
}

static void check_limits(struct doctor *doctor, const struct stk_stats *stats)
{
    for (uint32_t i = 0; i < stats->stream_count; i++) {
        const struct stk_figure_row *row = &stats->streams[i];
        doctor_tell(doctor, "stream %.*s: limited by %.*s", (int)row->stream.len, row->stream.data,
                    (int)row->limit.len, row->limit.data);
        set_limit(doctor, row);
        for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
            if (stk_text_is(row->limit, limits[k].figure))
                doctor_found(doctor, "stream \"%.*s\": %s", (int)row->stream.len, row->stream.data,
                             limits[k].advice);
        }
    }
}

static int check_stats(struct doctor *doctor, const char *url)
{
    char endpoint[FETCH_ENDPOINT_BYTES];
    struct stk_answer *answer;
    int code = fetch_answer(url, STK_KIND_STATS, doctor->timeout_s, endpoint, &answer);
    if (code != COMMAND_DONE)
        return code;
    const struct stk_stats *stats = stk_answer_stats(answer);
    if (stats->version.len > 0)
        doctor_tell(doctor, "stokerd %.*s", (int)stats->version.len, stats->version.data);
    if (stats->version.len > 0 && doctor->object != NULL)
        json_set_text(doctor->object, "version", stats->version);
    check_figures(doctor, stats);
    check_limits(doctor, stats);
    stk_answer_close(&answer);
    return COMMAND_DONE;
}

/* Classes without a sample, a page of names at a time. */
static int check_labels(struct doctor *doctor, const char *endpoint,
                        const struct stk_stream_info *stream)
{
    uint64_t empty = 0;
    for (uint32_t first = 0, count = 1; count > 0; first += count) {
        const struct stk_request request = {
            .kind = STK_KIND_LABELS, .stream = stream->stream, .first = first};
        char error[STK_ERROR_BYTES];
        struct stk_answer *answer;
        if (stk_ask(endpoint, &request, doctor->timeout_s * 1000, &answer, error) != STK_OK)
            return command_fail("%s", error);
        const struct stk_labels *labels = stk_answer_labels(answer);
        count = labels->count;
        for (uint32_t i = 0; i < count; i++)
            empty += labels->counts[i] == 0;
        stk_answer_close(&answer);
    }
    if (empty > 0)
        doctor_found(doctor,
                     "stream \"%.*s\": %" PRIu64 " of %u classes have no sample: \"stoker labels\" "
                     "lists them",
                     (int)stream->stream.len, stream->stream.data, empty, stream->classes);
    return COMMAND_DONE;
}

static void tell_stream(struct doctor *doctor, json_t *rows, const struct stk_stream_info *stream)
{
    doctor_tell(doctor, "stream %.*s: %" PRIu64 " samples of %u classes, batches of %u",
                (int)stream->stream.len, stream->stream.data, stream->samples, stream->classes,
                stream->batch);
    json_t *row = json_object();
    json_set_text(row, "stream", stream->stream);
    json_set_number(row, "samples", stream->samples);
    json_set_number(row, "classes", stream->classes);
    json_array_append_new(rows, row);
}

/* A daemon of another major version says so when it is greeted. */
static void check_version(struct doctor *doctor, const char *endpoint, struct stk_text stream)
{
    const struct stk_request request = {.kind = STK_KIND_HELLO,
                                        .version = STK_PROTOCOL_VERSION,
                                        .window = 1,
                                        .stream = stream,
                                        .name = stk_text_of("stoker doctor")};
    char error[STK_ERROR_BYTES];
    struct stk_answer *answer;
    if (stk_ask(endpoint, &request, doctor->timeout_s * 1000, &answer, error) != STK_OK) {
        doctor_found(doctor, "%s", error);
        return;
    }
    const struct stk_welcome *welcome = stk_answer_welcome(answer);
    doctor_tell(doctor, "protocol %u, plan %u", welcome->version, welcome->plan);
    if (doctor->object != NULL) {
        json_set_number(doctor->object, "protocol", welcome->version);
        json_set_number(doctor->object, "plan", welcome->plan);
    }
    stk_answer_close(&answer);
}

static int check_streams(struct doctor *doctor, const char *endpoint,
                         const struct stk_streams *streams)
{
    json_t *rows = json_array();
    int code = COMMAND_DONE;
    for (uint32_t i = 0; code == COMMAND_DONE && i < streams->count; i++) {
        tell_stream(doctor, rows, &streams->rows[i]);
        code = check_labels(doctor, endpoint, &streams->rows[i]);
    }
    if (doctor->object != NULL)
        json_object_set(doctor->object, "streams", rows);
    json_decref(rows);
    return code;
}

int doctor_check_daemon(struct doctor *doctor, const char *url)
{
    char endpoint[FETCH_ENDPOINT_BYTES], error[STK_ERROR_BYTES];
    int code = endpoint_of_url(url, endpoint, sizeof endpoint);
    if (code != COMMAND_DONE)
        return code;
    const struct stk_request request = {.kind = STK_KIND_STREAMS};
    struct stk_answer *answer;
    enum stk_status status = stk_ask(endpoint, &request, doctor->timeout_s * 1000, &answer, error);
    if (status != STK_OK) {
        doctor_found(doctor, "%s", error);
        return COMMAND_DONE;
    }
    const struct stk_streams *streams = stk_answer_streams(answer);
    doctor_tell(doctor, "%s answers", endpoint);
    if (streams->count > 0)
        check_version(doctor, endpoint, streams->rows[0].stream);
    code = check_streams(doctor, endpoint, streams);
    stk_answer_close(&answer);
    return code == COMMAND_DONE ? check_stats(doctor, url) : code;
}
