/*
 * Metrics: names, units, escapes.
 */
#include "daemon/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proto/utf8.h"

/* Of a figure, and what it is as a metric. */
struct unit {
    const char *word;
    const char *name;
    uint64_t parts; /* of one of the metric's unit */
};

static const struct unit units[] = {
    {"ns", "seconds", 1000000000}, {"bytes", "bytes", 1}, {"permille", "ratio", 1000}};

static bool is_word(const char *word, size_t len, const char *wanted)
{
    return strlen(wanted) == len && memcmp(word, wanted, len) == 0;
}

static const struct unit *unit_of_word(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (is_word(word, len, units[i].word))
            return &units[i];
    }
    return NULL;
}

static void append(char name[METRICS_NAME_BYTES], const char *word, size_t len)
{
    size_t used = strlen(name);
    bool first = used == 0 || name[used - 1] == '_';
    snprintf(name + used, METRICS_NAME_BYTES - used, "%s%.*s", first ? "" : "_", (int)len, word);
}

/* The name, and the figure's unit; NULL where it is a plain number. */
static const struct unit *make_name(const char *prefix, const char *figure, enum metrics_kind kind,
                                    char name[METRICS_NAME_BYTES])
{
    const struct unit *unit = NULL;
    snprintf(name, METRICS_NAME_BYTES, "%s", prefix);
    for (const char *word = figure; *word != '\0';) {
        size_t len = strcspn(word, "_");
        const struct unit *found = unit_of_word(word, len);
        unit = found != NULL ? found : unit;
        if (found == NULL && !is_word(word, len, "total"))
            append(name, word, len);
        word += len + (word[len] == '_');
    }
    if (unit != NULL)
        append(name, unit->name, strlen(unit->name));
    if (kind == METRICS_COUNTER)
        append(name, "total", strlen("total"));
    return unit;
}

void metrics_name(const char *prefix, const char *figure, enum metrics_kind kind,
                  char name[METRICS_NAME_BYTES])
{
    (void)make_name(prefix, figure, kind, name);
}

void metrics_head(struct buffer *buffer, const char *prefix, const char *figure,
                  enum metrics_kind kind, const char *help)
{
    char name[METRICS_NAME_BYTES];
    metrics_name(prefix, figure, kind, name);
    buffer_print(buffer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                 kind == METRICS_COUNTER ? "counter" : "gauge");
}

/* A backslash, a quote and a line's end are escaped; what is no UTF-8 is '?'. */
static void print_value(struct buffer *buffer, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t len = stk_utf8_len(text, left);
        if (len == 0)
            buffer_print(buffer, "?");
        else if (*text == '\n')
            buffer_print(buffer, "\\n");
        else
            buffer_print(buffer, "%s%.*s", strchr("\\\"", *text) != NULL ? "\\" : "", (int)len,
                         text);
        len = len == 0 ? 1 : len;
        text += len;
        left -= len;
    }
}

void metrics_sample(struct buffer *buffer, const char *prefix, const char *figure,
                    enum metrics_kind kind, const struct metrics_label labels[METRICS_LABELS_MAX],
                    uint64_t value)
{
    char name[METRICS_NAME_BYTES];
    const struct unit *unit = make_name(prefix, figure, kind, name);
    buffer_print(buffer, "%s", name);
    for (int i = 0; i < METRICS_LABELS_MAX && labels[i].value != NULL; i++) {
        buffer_print(buffer, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        print_value(buffer, labels[i].value);
        buffer_print(buffer, "\"");
    }
    buffer_print(buffer, "%s ", labels[0].value != NULL ? "}" : "");
    if (unit == NULL || unit->parts == 1)
        buffer_print(buffer, "%" PRIu64 "\n", value);
    else
        buffer_print(buffer, "%.9g\n", (double)value / (double)unit->parts);
}
