/*
 * The log: one logfmt line an event, to stderr.
 *
 *     warn image.corrupt stream=train path=n01/x.jpg index=81322 reason="premature end"
 *
 * Where JOURNAL_STREAM names our stderr when the first line is written, a line starts with
 * sd-daemon's priority, or goes to the journal itself with a field for each pair.  The sink is the
 * process's one global.  A value with a blank, a quote, an equals sign or a control character is
 * quoted and escaped, so that a file's name cannot forge a line.
 */
#ifndef STK_LOG_H
#define STK_LOG_H

#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR,  /* a person must act */
    LOG_LEVEL_WARN,   /* something was lost or replaced */
    LOG_LEVEL_NOTICE, /* life cycle */
    LOG_LEVEL_INFO,   /* an epoch or a client */
    LOG_LEVEL_DEBUG,  /* a batch */
};

/* One key=value pair of a line. */
struct log_field {
    const char *key;
    const char *text; /* NULL: the number is the value */
    uint64_t number;
};

#define LOG_TEXT(key_, value_) ((struct log_field){.key = (key_), .text = (value_)})
#define LOG_NUMBER(key_, value_) ((struct log_field){.key = (key_), .number = (uint64_t)(value_)})

/**
 * Send events to the journal, where our stderr is its stream; an event that it does not take is a
 * line all the same.
 *
 *   path   of the journal's own socket; borrowed for the call
 *
 * Threads: one, before others log.  Blocks: no.
 */
void log_to_journal(const char *path);

/** Set what is written: this level and those above.  Threads: any. */
void log_set_level(enum log_level level);

/**
 * Write one line.  Use the LOG macro.
 *
 *   event    a stable id, e.g. "image.corrupt"
 *   fields   count pairs, in order
 *
 * Owns: nothing.  Threads: any; lines do not mix.  Blocks: on stderr.  Allocates: no; a line is cut
 * at 2,048 bytes, its end included, behind a whole character.
 */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               unsigned count);

/** LOG(WARN, "image.corrupt", LOG_TEXT("path", p), LOG_NUMBER("index", i)): at least one field. */
#define LOG(level, event, ...)                                                                     \
    log_write(                                                                                     \
        LOG_LEVEL_##level, event, (const struct log_field[]){__VA_ARGS__},                         \
        (unsigned)(sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)))

#endif
