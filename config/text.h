/*
 * The text of a configuration file, made ready for libConfuse's scanner.
 *
 * libConfuse 3.3 accepts a section that is never closed, drops '*' and '+' outside of quotes
 * without a word, cuts an unquoted value at '#', refuses comments inside lists, counts comments as
 * two lines, keeps no line where a section starts, puts an empty text for a variable that is not
 * set, and exits the process where a read fails.  So the file is read here, its comments become
 * blanks, and what the scanner would misread is refused with its line.  Everything else (keys,
 * values, lists, sections) is left to libConfuse.
 *
 * Internal to config/; the caller's thread.
 */
#ifndef STK_CONFIG_TEXT_H
#define STK_CONFIG_TEXT_H

#include <stddef.h>

#include "config/config.h"
#include "config/report.h"
#include "proto/status.h"

enum {
    CONFIG_FILE_BYTES_MAX = 1 << 20,
    /* Every stream with its mix, its phases and all its transforms. */
    CONFIG_SECTIONS_MAX = (2 + RECIPE_PHASES_MAX + TRANSFORM_COUNT) * CONFIG_STREAMS_MAX,
};

struct config_text {
    char *bytes;        /* terminated; no comments, nothing blank behind the last word */
    unsigned last_line; /* the line of the last word, for what is missing in the whole file */
    unsigned section_count;
    unsigned section_lines[CONFIG_SECTIONS_MAX]; /* where each section opens, in the file's order */
};

/**
 * Read a file and make it ready.
 *
 *   report   names the file; told what is wrong
 *   text     set on success, zero otherwise
 *
 * Owns:    the caller owns text->bytes and gives it back with config_text_release.
 * Returns: STK_OK, STK_CONFIG (reported) or STK_MEMORY.
 * Threads: the caller's.  Blocks: on the file.
 */
STK_MUST_CHECK enum stk_status config_text_init(const struct config_report *report,
                                                struct config_text *text);

/** Give the bytes back; a zero text is fine. */
void config_text_release(struct config_text *text);

#endif
