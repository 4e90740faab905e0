/*
 * Lines for a person: texts that go on below, indented, where a terminal of 80 columns ends.
 */
#ifndef STK_LINES_H
#define STK_LINES_H

#include <stddef.h>
#include <stdio.h>

#include "proto/message.h"

enum { LINES_COLUMNS = 80 };

struct lines {
    FILE *out;
    unsigned indent; /* blanks in front of every line */
    size_t column;   /* 0: the line is not begun */
};

/**
 * Put a text behind those on the line, or on a new line where it does not fit.
 *
 *   gap    blanks between it and what stands on the line
 *   text   as text_print prints it; one that fits no line is longer than a line
 */
void lines_put(struct lines *lines, unsigned gap, struct stk_text text);

/** The words of a text, one blank between them. */
void lines_put_words(struct lines *lines, struct stk_text text);

/** End the line, if one is begun. */
void lines_end(struct lines *lines);

#endif
