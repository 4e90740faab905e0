/*
 * stoker stats: a daemon's figures, in readable units or as JSON.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/json.h"
#include "client/command/replaced.h"

/* Whether a figure's name has a word in it, between underscores: the unit, or what it counts. */
static bool has_word(struct stk_text name, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= name.len; i++) {
        bool begins = i == 0 || name.data[i - 1] == '_';
        bool ends = i + len == name.len || name.data[i + len] == '_';
        if (begins && ends && memcmp(name.data + i, word, len) == 0)
            return true;
    }
    return false;
}

/* A figure of a row by its name; 0 where the daemon does not tell it. */
static uint64_t figure_of(const struct stk_figure_row *row, const char *name)
{
    for (uint32_t i = 0; i < row->count; i++) {
        if (stk_text_is(row->figures[i].name, name))
            return row->figures[i].value;
    }
    return 0;
}

static uint64_t percent_of(const struct stk_figure_row *row, const char *name)
{
    return (figure_of(row, name) + 5) / 10;
}

static void print_stream(const struct stk_figure_row *row)
{
    text_print(stdout, row->stream);
    if (stk_text_is(row->limit, "idle")) {
        puts(": idle, nobody asks for a batch");
        return;
    }
    printf(": limited by ");
    text_print(stdout, row->limit);
    printf(", where %" PRIu64 " %% of its batches are; %" PRIu64 " images/s",
           percent_of(row, "limit_permille"), figure_of(row, "images_per_second"));
    if (stk_text_is(row->limit, "decode"))
        printf(", up to %" PRIu64 " with 2 more cores",
               figure_of(row, "images_per_second_more_cores"));
    putchar('\n');
}

static void print_trainer(const struct stk_figure_row *row)
{
    text_print(stdout, row->stream);
    printf(" to ");
    text_print(stdout, row->name);
    printf(" %" PRIu32 ", ", row->number);
    text_print(stdout, row->transport);
    printf(": %" PRIu64 " images/s, data ready %" PRIu64 " %% of the time, epoch %" PRIu64
           " step %" PRIu64 "\n",
           figure_of(row, "images_per_second"), percent_of(row, "readiness_permille"),
           figure_of(row, "epoch"), figure_of(row, "step"));
}

/* Behind the figures: what limits each stream, in words, and how its trainers fare. */
static void print_words(const struct stk_stats *stats)
{
    if (stats->stream_count > 0)
        putchar('\n');
    for (uint32_t i = 0; i < stats->stream_count; i++)
        print_stream(&stats->streams[i]);
    for (uint32_t i = 0; i < stats->trainer_count; i++) {
        if (stats->trainers[i].stream.len > 0)
            print_trainer(&stats->trainers[i]);
    }
}

static void print_table(const struct stk_stats *stats)
{
    int width = 0;
    for (uint32_t i = 0; i < stats->count; i++) {
        int len = (int)stats->figures[i].name.len;
        width = len > width ? len : width;
    }
    for (uint32_t i = 0; i < stats->count; i++) {
        const struct stk_figure *figure = &stats->figures[i];
        text_print(stdout, figure->name);
        printf("%*s  ", width - (int)figure->name.len, "");
        if (has_word(figure->name, "bytes"))
            printf("%14.1f MiB\n", (double)figure->value / (1 << 20));
        else if (has_word(figure->name, "ns"))
            printf("%14.3f s\n", (double)figure->value / 1e9);
        else
            printf("%14" PRIu64 "\n", figure->value);
    }
    print_words(stats);
}

static void set_figures(json_t *object, const struct stk_figure *figures, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char key[STK_NAME_BYTES_MAX + 1];
        snprintf(key, sizeof key, "%.*s", (int)figures[i].name.len, figures[i].name.data);
        json_set_number(object, key, figures[i].value);
    }
}

static json_t *stream_json(const struct stk_figure_row *row)
{
    json_t *object = json_object();
    json_set_text(object, "stream", row->stream);
    json_set_text(object, "limit", row->limit);
    set_figures(object, row->figures, row->count);
    return object;
}

static json_t *trainer_json(const struct stk_figure_row *row)
{
    json_t *object = json_object();
    json_set_text(object, "name", row->name);
    json_set_number(object, "number", row->number);
    json_set_text(object, "stream", row->stream);
    json_set_text(object, "transport", row->transport);
    set_figures(object, row->figures, row->count);
    return object;
}

/* A daemon that tells no rows has none here. */
static int print_json(const struct stk_stats *stats)
{
    json_t *object = json_object();
    set_figures(object, stats->figures, stats->count);
    json_t *streams = json_array();
    for (uint32_t i = 0; i < stats->stream_count; i++)
        json_array_append_new(streams, stream_json(&stats->streams[i]));
    json_t *trainers = json_array();
    for (uint32_t i = 0; i < stats->trainer_count; i++)
        json_array_append_new(trainers, trainer_json(&stats->trainers[i]));
    json_object_set_new(object, "streams", streams);
    json_object_set_new(object, "trainers", trainers);
    return json_print(object);
}

int stats_command(char **words)
{
    bool json = false;
    bool replaced = false;
    uint32_t timeout_s = TIMEOUT_SECONDS_DEFAULT;
    const struct flag flags[] = {
        {"json", FLAG_SWITCH, &json, NULL, 0, 0,
         "print one JSON object, in the units of the names"},
        {"replaced", FLAG_SWITCH, &replaced, NULL, 0, 0,
         "list the samples that could not be decoded"},
        TIMEOUT_FLAG(&timeout_s),
    };
    const struct arguments arguments = {"stats",
                                        "Show a daemon's counters and gauges, or what it replaced.",
                                        "URL[/STREAM]",
                                        flags,
                                        sizeof flags / sizeof *flags,
                                        false};
    const char *url;
    int code;
    if (!arguments_read(&arguments, words, &url, &code))
        return code;
    if (replaced)
        return replaced_show(url, timeout_s, json);
    char endpoint[FETCH_ENDPOINT_BYTES];
    struct stk_answer *answer;
    code = fetch_answer(url, STK_KIND_STATS, timeout_s, endpoint, &answer);
    if (code != COMMAND_DONE)
        return code;
    if (json)
        code = print_json(stk_answer_stats(answer));
    else
        print_table(stk_answer_stats(answer));
    stk_answer_close(&answer);
    return code;
}
