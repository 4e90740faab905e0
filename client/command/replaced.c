/*
 * Replaced samples: asked for page by page, printed as they come.
 */
#include "client/command/replaced.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/json.h"

enum { STREAM_COLUMNS = 10 };

/* What is printed, and to where. */
struct listing {
    const char *endpoint;
    uint32_t timeout_s;
    json_t *streams; /* NULL: a table */
    bool headed;     /* the table is */
};

static void print_row(struct stk_text stream, const struct stk_replaced_sample *row)
{
    text_print(stdout, stream);
    printf("%*s", stream.len < STREAM_COLUMNS ? STREAM_COLUMNS - (int)stream.len : 0, "");
    printf("  %10" PRIu64 "  %8" PRIu64 "  %6" PRIu32 "  %8" PRIu64 "  ", row->index, row->slots,
           row->address.epoch, row->address.step);
    text_print(stdout, row->path);
    printf("  (");
    text_print(stdout, row->reason);
    printf(")\n");
}

static void print_head(struct listing *listing)
{
    if (listing->headed)
        return;
    listing->headed = true;
    printf("%-*s  %10s  %8s  %6s  %8s  %s\n", STREAM_COLUMNS, "STREAM", "INDEX", "SLOTS", "EPOCH",
           "STEP", "PATH (REASON)");
}

static void append_row(json_t *rows, const struct stk_replaced_sample *row)
{
    json_t *object = json_object();
    json_set_number(object, "index", row->index);
    json_set_text(object, "path", row->path);
    json_set_text(object, "reason", row->reason);
    json_set_number(object, "slots", row->slots);
    json_set_number(object, "epoch", row->address.epoch);
    json_set_number(object, "step", row->address.step);
    json_array_append_new(rows, object);
}

/* One page of a stream; *samples and *count say what it had. */
static int show_page(struct listing *listing, struct stk_text stream, uint32_t first, json_t *rows,
                     uint64_t *samples, uint32_t *count)
{
    const struct stk_request request = {
        .kind = STK_KIND_REPLACED, .stream = stream, .first = first};
    char error[STK_ERROR_BYTES];
    struct stk_answer *answer;
    if (stk_ask(listing->endpoint, &request, listing->timeout_s * 1000, &answer, error) != STK_OK)
        return command_fail("%s", error);
    const struct stk_replaced_list *list = stk_answer_replaced(answer);
    *samples = list->samples;
    *count = list->count;
    print_head(listing);
    for (uint32_t i = 0; i < list->count; i++) {
        if (rows == NULL)
            print_row(stream, &list->rows[i]);
        else
            append_row(rows, &list->rows[i]);
    }
    stk_answer_close(&answer);
    return COMMAND_DONE;
}

static int show_stream(struct listing *listing, struct stk_text stream)
{
    json_t *rows = listing->streams == NULL ? NULL : json_array();
    uint64_t samples = 0;
    uint32_t first = 0, count = 1;
    int code = COMMAND_DONE;
    for (; code == COMMAND_DONE && count > 0; first += count)
        code = show_page(listing, stream, first, rows, &samples, &count);
    if (rows != NULL) {
        json_t *object = json_object();
        json_set_text(object, "stream", stream);
        json_set_number(object, "samples", samples);
        json_object_set_new(object, "replaced", rows);
        json_array_append_new(listing->streams, object);
    } else if (samples > first) {
        text_print(stdout, stream);
        printf("  and %" PRIu64 " more, which the daemon's log names\n", samples - first);
    }
    return code;
}

static int show_streams(struct listing *listing)
{
    char endpoint[FETCH_ENDPOINT_BYTES];
    struct stk_answer *answer;
    int code =
        fetch_answer(listing->endpoint, STK_KIND_STREAMS, listing->timeout_s, endpoint, &answer);
    if (code != COMMAND_DONE)
        return code;
    const struct stk_streams *streams = stk_answer_streams(answer);
    for (uint32_t i = 0; code == COMMAND_DONE && i < streams->count; i++)
        code = show_stream(listing, streams->rows[i].stream);
    stk_answer_close(&answer);
    return code;
}

int replaced_show(const char *url, uint32_t timeout_s, bool json)
{
    char endpoint[FETCH_ENDPOINT_BYTES];
    int code = endpoint_of_url(url, endpoint, sizeof endpoint);
    if (code != COMMAND_DONE)
        return code;
    const char *stream = stream_of_url(url, endpoint);
    if (strlen(stream) > STK_NAME_BYTES_MAX)
        return command_misuse("'%s' is too long for a stream's name", stream);
    struct listing listing = {endpoint, timeout_s, json ? json_array() : NULL, json};
    code = *stream != '\0' ? show_stream(&listing, stk_text_of(stream)) : show_streams(&listing);
    if (!json)
        return code;
    if (code != COMMAND_DONE) {
        json_decref(listing.streams);
        return code;
    }
    json_t *object = json_object();
    json_object_set_new(object, "streams", listing.streams);
    return json_print(object);
}
