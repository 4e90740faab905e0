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
}

static int print_json(const struct stk_stats *stats)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < stats->count; i++) {
        struct stk_text name = stats->figures[i].name;
        char key[STK_NAME_BYTES_MAX + 1];
        snprintf(key, sizeof key, "%.*s", (int)name.len, name.data);
        json_set_number(object, key, stats->figures[i].value);
    }
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
                                        "URL[/STREAM]", flags, sizeof flags / sizeof *flags};
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
