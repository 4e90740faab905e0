/*
 * The log: the sink behind log.h.  A line is made in the caller's stack and written whole.
 */
#include "daemon/base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

struct line {
    char bytes[LINE_BYTES];
    size_t len;
};

/* Relaxed: a line more or less while the level changes does not matter. */
static _Atomic int level_shown = LOG_LEVEL_INFO;

static const struct {
    const char *word;
    int priority; /* syslog's, as sd-daemon reads it */
} levels[] = {{"error", 3}, {"warn", 4}, {"notice", 5}, {"info", 6}, {"debug", 7}};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_shown, (int)level, memory_order_relaxed);
}

/* Room is always left for the line's end. */
static void put_char(struct line *line, char c)
{
    if (line->len < LINE_BYTES - 1)
        line->bytes[line->len++] = c;
}

static void put_text(struct line *line, const char *text)
{
    for (; *text != '\0'; text++)
        put_char(line, *text);
}

static bool needs_quotes(const char *text)
{
    if (*text == '\0')
        return true;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c >= 0x7f)
            return true;
    }
    return false;
}

static void put_value(struct line *line, const char *text)
{
    if (!needs_quotes(text)) {
        put_text(line, text);
        return;
    }
    put_char(line, '"');
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        char escape[8];
        if (*c == '"' || *c == '\\')
            snprintf(escape, sizeof escape, "\\%c", *c);
        else if (*c < ' ' || *c >= 0x7f)
            snprintf(escape, sizeof escape, "\\x%02x", *c);
        else
            snprintf(escape, sizeof escape, "%c", *c);
        put_text(line, escape);
    }
    put_char(line, '"');
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               unsigned count)
{
    if ((int)level > atomic_load_explicit(&level_shown, memory_order_relaxed))
        return;
    struct line line = {.len = 0};
    if (getenv("JOURNAL_STREAM") != NULL) {
        char priority[8];
        snprintf(priority, sizeof priority, "<%d>", levels[level].priority);
        put_text(&line, priority);
    }
    put_text(&line, levels[level].word);
    put_char(&line, ' ');
    put_text(&line, event);
    for (unsigned i = 0; i < count; i++) {
        put_char(&line, ' ');
        put_text(&line, fields[i].key);
        put_char(&line, '=');
        if (fields[i].text != NULL) {
            put_value(&line, fields[i].text);
        } else {
            char number[24];
            snprintf(number, sizeof number, "%llu", (unsigned long long)fields[i].number);
            put_value(&line, number);
        }
    }
    line.bytes[line.len++] = '\n';
    /* One write a line: the kernel keeps lines of threads apart.  A log that cannot be written is
     * no reason to stop serving. */
    ssize_t written = write(STDERR_FILENO, line.bytes, line.len);
    (void)written;
}
