/*
 * A page of text for stoker top: rows of columns, with what is to be set off in them.
 *
 * Words go on in the next row where one ends; cells of a table are cut.  What a stranger wrote is
 * shown harmless, in columns as a terminal counts them.  No terminal is needed, and none is known:
 * top_screen.h draws a page, and a file gets its text.
 */
#ifndef STK_TOP_PAGE_H
#define STK_TOP_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/stoker.h"

enum {
    TOP_COLUMNS_MAX = 240,
    TOP_ROWS_MAX = 2048,                      /* what comes behind is not shown */
    TOP_ROW_BYTES = 4 * TOP_COLUMNS_MAX + 64, /* and some for marks over letters */
    TOP_SPANS_MAX = 12,
};

/* How a span is set off, as far as a terminal can. */
enum top_style { TOP_PLAIN, TOP_STRONG, TOP_WEAK, TOP_HEAD, TOP_GOOD, TOP_SLOW, TOP_BAD };

struct top_span {
    uint16_t bytes; /* of the row's text, behind the span before */
    enum top_style style;
};

struct top_row {
    char text[TOP_ROW_BYTES]; /* UTF-8, ended by a zero */
    uint32_t bytes;
    uint32_t columns;
    uint32_t span_count; /* they cover the text */
    struct top_span spans[TOP_SPANS_MAX];
};

struct top_page {
    uint32_t columns; /* of a row, 1 .. TOP_COLUMNS_MAX */
    bool utf8;        /* else ASCII alone */
    uint32_t indent;  /* of the rows that words go on in */
    bool begun;       /* the row has words */
    uint32_t count;
    uint32_t head; /* rows at the top that stay where they are when the others are scrolled */
    struct top_row rows[TOP_ROWS_MAX];
};

/** Empty a page.  columns is brought between its bounds. */
void top_page_begin(struct top_page *page, uint32_t columns, bool utf8);

/** Begin a row; first blanks stand in front of it, and indent of those that its words go on in. */
void top_page_row(struct top_page *page, uint32_t first, uint32_t indent);

/** Put words of ours, in ASCII, behind those in the row; they go on in the next one. */
__attribute__((format(printf, 3, 4))) void top_page_say(struct top_page *page, enum top_style style,
                                                        const char *format, ...);

/** The same of a text of whoever it be. */
void top_page_text(struct top_page *page, enum top_style style, struct stk_text text);

/**
 * Put a cell of a table into the row: cut where it is wider than its columns, filled up with blanks
 * where it is narrower.
 */
void top_page_cell(struct top_page *page, enum top_style style, struct stk_text text,
                   uint32_t columns);

/** The same, its text at the right end; one that is wider takes what it needs. */
__attribute__((format(printf, 4, 5))) void top_page_right(struct top_page *page,
                                                          enum top_style style, uint32_t columns,
                                                          const char *format, ...);

/** Put a curve of count values into the row, a column each; UINT32_MAX stands for none. */
void top_page_curve(struct top_page *page, const uint32_t *values, uint32_t count);

/** Write the rows as text, without blanks at their ends. */
void top_page_print(const struct top_page *page, FILE *out);

#endif
