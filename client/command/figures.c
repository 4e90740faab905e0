/*
 * Figures: see figures.h.
 */
#include "client/command/figures.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/command/json.h"

static uint64_t value_of(const struct stk_figure *figures, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (stk_text_is(figures[i].name, name))
            return figures[i].value;
    }
    return 0;
}

uint64_t figures_value(const struct stk_figure_row *row, const char *name)
{
    return value_of(row->figures, row->count, name);
}

uint64_t figures_daemon_value(const struct stk_stats *stats, const char *name)
{
    return value_of(stats->figures, stats->count, name);
}

uint64_t figures_percent(const struct stk_figure_row *row, const char *name)
{
    return (figures_value(row, name) + 5) / 10;
}

bool figures_idle(const struct stk_figure_row *row)
{
    return stk_text_is(row->limit, "idle");
}

void figures_limit_words(const struct stk_figure_row *row, char words[FIGURES_WORDS_BYTES])
{
    if (figures_idle(row))
        snprintf(words, FIGURES_WORDS_BYTES, "idle, nobody asks for a batch");
    else
        snprintf(words, FIGURES_WORDS_BYTES,
                 "limited by %.*s, where %" PRIu64 " %% of its batches are", (int)row->limit.len,
                 row->limit.data, figures_percent(row, "limit_permille"));
}

void figures_rate_words(const struct stk_figure_row *row, char words[FIGURES_WORDS_BYTES])
{
    uint64_t rate = figures_value(row, "images_per_second");
    if (stk_text_is(row->limit, "decode"))
        snprintf(words, FIGURES_WORDS_BYTES,
                 "%" PRIu64 " images/s, up to %" PRIu64 " with 2 more cores", rate,
                 figures_value(row, "images_per_second_more_cores"));
    else
        snprintf(words, FIGURES_WORDS_BYTES, "%" PRIu64 " images/s", rate);
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

json_t *figures_json(const struct stk_stats *stats)
{
    json_t *object = json_object();
    set_figures(object, stats->figures, stats->count);
    if (stats->version.len > 0)
        json_set_text(object, "version", stats->version);
    json_t *streams = json_array();
    for (uint32_t i = 0; i < stats->stream_count; i++)
        json_array_append_new(streams, stream_json(&stats->streams[i]));
    json_t *trainers = json_array();
    for (uint32_t i = 0; i < stats->trainer_count; i++)
        json_array_append_new(trainers, trainer_json(&stats->trainers[i]));
    json_object_set_new(object, "streams", streams);
    json_object_set_new(object, "trainers", trainers);
    return object;
}
