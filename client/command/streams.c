/*
 * stoker streams: the streams that a daemon serves, as a table or as JSON.
 */
#include <inttypes.h>
#include <jansson.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/json.h"
#include "client/command/lines.h"

enum { SHAPE_BYTES = 40 };

static void make_shape(const uint32_t shape[3], char text[SHAPE_BYTES])
{
    snprintf(text, SHAPE_BYTES, "%" PRIu32 "x%" PRIu32 "x%" PRIu32, shape[0], shape[1], shape[2]);
}

/* A line for every later phase, below its stream's. */
static void print_phases(const struct stk_stream_info *row, int name_width)
{
    for (uint32_t i = 0; i < row->phase_count; i++) {
        const struct stk_phase *phase = &row->phases[i];
        char shape[SHAPE_BYTES];
        make_shape(phase->shape, shape);
        printf("%-*s  %10s  %8" PRIu64 "  %5" PRIu32 "  %-11s  from epoch %" PRIu32 "\n",
               name_width, "", "", phase->steps, phase->batch, shape, phase->epoch);
    }
}

/* What is too long for a column, on lines of its own. */
static void print_recipe(const struct stk_stream_info *row)
{
    char hex[STK_FINGERPRINT_HEX_BYTES];
    struct lines lines = {stdout, 2, 0};
    stk_fingerprint_hex(&row->fingerprint, hex);
    lines_put(&lines, 1, stk_text_of("mix"));
    lines_put_words(&lines, row->mix);
    lines_end(&lines);
    lines_put(&lines, 1, stk_text_of("fingerprint"));
    lines_put(&lines, 1, stk_text_of(hex));
    lines_end(&lines);
}

static void print_table(const struct stk_streams *streams)
{
    int name_width = (int)sizeof "STREAM" - 1;
    for (uint32_t i = 0; i < streams->count; i++) {
        int len = (int)streams->rows[i].stream.len;
        name_width = len > name_width ? len : name_width;
    }
    printf("%-*s  %10s  %8s  %5s  %-11s  %-5s  %-7s  %7s\n", name_width, "STREAM", "SAMPLES",
           "STEPS", "BATCH", "SHAPE", "DTYPE", "LAST", "CLASSES");
    for (uint32_t i = 0; i < streams->count; i++) {
        const struct stk_stream_info *row = &streams->rows[i];
        char shape[SHAPE_BYTES];
        make_shape(row->shape, shape);
        text_print(stdout, row->stream);
        printf("%*s  %10" PRIu64 "  %8" PRIu64 "  %5" PRIu32 "  %-11s  %-5s  %-7s  %7" PRIu32 "\n",
               name_width - (int)row->stream.len, "", row->epoch_samples, row->steps, row->batch,
               shape, stk_dtype_word(row->dtype), stk_last_word(row->last), row->classes);
        print_phases(row, name_width);
        print_recipe(row);
    }
}

static json_t *phases_json(const struct stk_stream_info *row)
{
    json_t *phases = json_array();
    for (uint32_t i = 0; i < row->phase_count; i++) {
        json_t *phase = json_object();
        json_set_number(phase, "epoch", row->phases[i].epoch);
        json_set_number(phase, "steps", row->phases[i].steps);
        json_set_number(phase, "batch", row->phases[i].batch);
        json_object_set_new(phase, "shape", json_numbers(row->phases[i].shape, 3));
        json_array_append_new(phases, phase);
    }
    return phases;
}

static json_t *stream_json(const struct stk_stream_info *row)
{
    char hex[STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&row->fingerprint, hex);
    json_t *object = json_object();
    json_set_text(object, "stream", row->stream);
    json_object_set_new(object, "fingerprint", json_string(hex));
    json_set_number(object, "samples", row->samples);
    json_set_number(object, "epoch_samples", row->epoch_samples);
    json_set_number(object, "steps", row->steps);
    json_set_number(object, "batch", row->batch);
    json_object_set_new(object, "shape", json_numbers(row->shape, 3));
    json_object_set_new(object, "dtype", json_string(stk_dtype_word(row->dtype)));
    json_object_set_new(object, "layout", json_string(stk_layout_word(row->layout)));
    json_object_set_new(object, "last", json_string(stk_last_word(row->last)));
    json_object_set_new(object, "labels", json_string(stk_label_kind_word(row->labels)));
    json_set_number(object, "classes", row->classes);
    json_set_text(object, "mix", row->mix);
    json_set_text(object, "decoder", row->decoder);
    json_object_set_new(object, "phases", phases_json(row));
    return object;
}

static int print_json(const char *endpoint, const struct stk_streams *streams)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < streams->count; i++)
        json_array_append_new(rows, stream_json(&streams->rows[i]));
    json_t *object = json_object();
    json_object_set_new(object, "endpoint", json_string(endpoint));
    json_object_set_new(object, "streams", rows);
    return json_print(object);
}

int streams_command(char **words)
{
    bool json = false;
    uint32_t timeout_s = TIMEOUT_SECONDS_DEFAULT;
    const struct flag flags[] = {
        {"json", FLAG_SWITCH, &json, NULL, 0, 0, "print one JSON object"},
        TIMEOUT_FLAG(&timeout_s),
    };
    const struct arguments arguments = {"streams",
                                        "List the streams that a daemon serves.",
                                        "URL",
                                        flags,
                                        sizeof flags / sizeof *flags,
                                        false};
    const char *url;
    int code;
    if (!arguments_read(&arguments, words, &url, &code))
        return code;
    char endpoint[FETCH_ENDPOINT_BYTES];
    struct stk_answer *answer;
    code = fetch_answer(url, STK_KIND_STREAMS, timeout_s, endpoint, &answer);
    if (code != COMMAND_DONE)
        return code;
    if (json)
        code = print_json(endpoint, stk_answer_streams(answer));
    else
        print_table(stk_answer_streams(answer));
    stk_answer_close(&answer);
    return code;
}
