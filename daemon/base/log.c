/*
 * The log: the sink behind log.h.  A line is made in the caller's stack and written whole.
 */
#include "daemon/base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/journal.h"

enum { LINE_BYTES = 2048 };

struct line {
    char bytes[LINE_BYTES];
    size_t len; /* <= LINE_BYTES - 2 but for a closing quote: it and the line's end always fit */
    bool cut;   /* nothing more is put */
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

/* Set once, by the first line. */
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;
static bool stderr_is_journal;
static bool journal_is_open; /* set before there are threads */

/* sd-daemon(3): JOURNAL_STREAM is the device and inode of the journal's stream.  A service's stderr
 * may have been led elsewhere since, so the two are compared. */
static void look_for_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat file;
    uintmax_t device;
    uintmax_t inode;
    if (stream != NULL && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
        fstat(STDERR_FILENO, &file) == 0)
        stderr_is_journal = file.st_dev == device && file.st_ino == inode;
}

void log_to_journal(const char *path)
{
    pthread_once(&journal_once, look_for_journal);
    journal_is_open = stderr_is_journal && journal_open(path);
}

/* All of the text or nothing, so that no escape is cut in half. */
static void put(struct line *line, const char *text, size_t len)
{
    if (line->cut || line->len + len > LINE_BYTES - 2) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->len, text, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    for (; *text != '\0'; text++)
        put(line, text, 1);
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

static void put_escaped(struct line *line, unsigned char c)
{
    char escape[8];
    int len;
    if (c == '"' || c == '\\')
        len = snprintf(escape, sizeof escape, "\\%c", c);
    else if (c < ' ' || c >= 0x7f)
        len = snprintf(escape, sizeof escape, "\\x%02x", c);
    else
        len = snprintf(escape, sizeof escape, "%c", c);
    put(line, escape, (size_t)len);
}

/* A value that is cut is closed all the same: the line stays logfmt. */
static void put_value(struct line *line, const char *text)
{
    if (!needs_quotes(text)) {
        put_text(line, text);
        return;
    }
    put(line, "\"", 1);
    if (line->cut)
        return;
    for (; *text != '\0'; text++)
        put_escaped(line, (unsigned char)*text);
    line->bytes[line->len++] = '"';
}

static void put_field(struct line *line, const struct log_field *field)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, field->number);
    put(line, " ", 1);
    put_text(line, field->key);
    put(line, "=", 1);
    put_value(line, field->text != NULL ? field->text : number);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               unsigned count)
{
    if ((int)level > atomic_load_explicit(&level_shown, memory_order_relaxed))
        return;
    struct line line;
    line.len = 0;
    line.cut = false;
    pthread_once(&journal_once, look_for_journal);
    if (stderr_is_journal) {
        char priority[8];
        snprintf(priority, sizeof priority, "<%d>", levels[level].priority);
        put_text(&line, priority);
    }
    size_t begin = line.len;
    put_text(&line, levels[level].word);
    put(&line, " ", 1);
    put_text(&line, event);
    for (unsigned i = 0; i < count; i++)
        put_field(&line, &fields[i]);
    if (journal_is_open && journal_send(levels[level].priority, event, line.bytes + begin,
                                        line.len - begin, fields, count))
        return;
    line.bytes[line.len++] = '\n';
    /* One write a line: the kernel keeps lines of threads apart.  A log that cannot be written is
     * no reason to stop serving. */
    ssize_t written = write(STDERR_FILENO, line.bytes, line.len);
    (void)written;
}
