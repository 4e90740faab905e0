/*
 * stoker stats: a daemon's figures, in readable units or as JSON.
 */
#include <inttypes.h>
#include <string.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/figures.h"
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

static void print_stream(const struct stk_figure_row *row)
{
    char words[FIGURES_WORDS_BYTES];
    text_print(stdout, row->stream);
    printf(": ");
    figures_limit_words(row, words);
    text_print(stdout, stk_text_of(words));
    if (!figures_idle(row)) {
        figures_rate_words(row, words);
        printf("; %s", words);
    }
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
           figures_value(row, "images_per_second"), figures_percent(row, "readiness_permille"),
           figures_value(row, "epoch"), figures_value(row, "step"));
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
        code = json_print(figures_json(stk_answer_stats(answer)));
    else
        print_table(stk_answer_stats(answer));
    stk_answer_close(&answer);
    return code;
}
