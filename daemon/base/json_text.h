/*
 * Texts in JSON.
 *
 * Names of files, classes and trainers are strangers' own choice, and what is written here may end
 * in a browser.  No state; any thread.
 */
#ifndef STK_JSON_TEXT_H
#define STK_JSON_TEXT_H

#include "daemon/base/buffer.h"

/**
 * Print a text as a JSON string, quotes included.
 *
 *   text   to its end mark; NULL becomes null.  A byte that is no UTF-8 becomes "?".  Escaped is
 *          what JSON must escape, what no terminal should see, and what would begin markup: a page
 *          that took the string for HTML would find no tag in it.
 *
 * Owns: nothing.  Threads: the buffer's.  Blocks: no.  Allocates: as buffer_print.
 */
void json_text(struct buffer *buffer, const char *text);

#endif
