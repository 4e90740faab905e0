/*
 * Lines: see lines.h.
 */
#include "client/command/lines.h"

#include <string.h>

#include "client/command/command.h"
#include "proto/utf8.h"

/* Columns that a text takes, a character each; as text_print prints it. */
static size_t columns_of(struct stk_text text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.len; columns++) {
        size_t shown = stk_utf8_shown_len(text.data + i, text.len - i);
        i += shown > 0 ? shown : 1;
    }
    return columns;
}

void lines_put(struct lines *lines, unsigned gap, struct stk_text text)
{
    size_t columns = columns_of(text);
    if (lines->column > 0 && lines->column + gap + columns > LINES_COLUMNS)
        lines_end(lines);
    unsigned blanks = lines->column > 0 ? gap : lines->indent;
    fprintf(lines->out, "%*s", (int)blanks, "");
    text_print(lines->out, text);
    lines->column += blanks + columns;
}

void lines_put_words(struct lines *lines, struct stk_text text)
{
    while (text.len > 0) {
        const char *blank = memchr(text.data, ' ', text.len);
        size_t len = blank == NULL ? text.len : (size_t)(blank - text.data);
        if (len > 0)
            lines_put(lines, 1, (struct stk_text){text.data, len});
        len += blank != NULL;
        text.data += len;
        text.len -= len;
    }
}

void lines_end(struct lines *lines)
{
    if (lines->column > 0)
        putc('\n', lines->out);
    lines->column = 0;
}
