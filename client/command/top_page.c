/*
 * Pages: see top_page.h.
 */
#include "client/command/top_page.h"

#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include "proto/utf8.h"

/* A character as it is shown: its bytes, and the columns that a terminal gives it. */
struct glyph {
    const char *data;
    uint32_t bytes;
    uint32_t columns;
    uint32_t source; /* bytes of the text that it stands for */
};

static struct glyph glyph_at(const struct top_page *page, struct stk_text text)
{
    uint32_t bytes = (uint32_t)stk_utf8_shown_len(text.data, text.len);
    if (bytes == 1)
        return (struct glyph){text.data, 1, 1, 1};
    if (bytes > 1 && page->utf8) {
        int columns = wcwidth((wchar_t)stk_utf8_number(text.data, bytes));
        if (columns >= 0)
            return (struct glyph){text.data, bytes, (uint32_t)columns, bytes};
    }
    return (struct glyph){"?", 1, 1, bytes > 0 ? bytes : 1};
}

static struct stk_text behind(struct stk_text text, size_t bytes)
{
    return (struct stk_text){text.data + bytes, text.len - bytes};
}

static uint32_t columns_of(const struct top_page *page, struct stk_text text)
{
    uint32_t columns = 0;
    while (text.len > 0) {
        struct glyph glyph = glyph_at(page, text);
        columns += glyph.columns;
        text = behind(text, glyph.source);
    }
    return columns;
}

static struct top_row *last_row(struct top_page *page)
{
    return &page->rows[page->count - 1];
}

/* Of as many spans as there is room for; further ones look like the last. */
static void note_span(struct top_row *row, enum top_style style, uint32_t bytes)
{
    struct top_span *last = row->span_count > 0 ? &row->spans[row->span_count - 1] : NULL;
    if (last != NULL && (last->style == style || row->span_count == TOP_SPANS_MAX))
        last->bytes = (uint16_t)(last->bytes + bytes);
    else
        row->spans[row->span_count++] = (struct top_span){(uint16_t)bytes, style};
}

/* False where the row has no room. */
static bool put(struct top_page *page, enum top_style style, struct glyph glyph)
{
    struct top_row *row = last_row(page);
    if (row->columns + glyph.columns > page->columns || row->bytes + glyph.bytes >= TOP_ROW_BYTES)
        return false;
    memcpy(row->text + row->bytes, glyph.data, glyph.bytes);
    row->bytes += glyph.bytes;
    row->columns += glyph.columns;
    row->text[row->bytes] = '\0';
    note_span(row, style, glyph.bytes);
    return true;
}

static void put_blanks(struct top_page *page, enum top_style style, uint32_t count)
{
    while (count > 0 && put(page, style, (struct glyph){" ", 1, 1, 1}))
        count--;
}

/* As much of a text as columns hold; returns how many it took. */
static uint32_t put_text(struct top_page *page, enum top_style style, struct stk_text text,
                         uint32_t columns)
{
    uint32_t used = 0;
    while (text.len > 0) {
        struct glyph glyph = glyph_at(page, text);
        if (used + glyph.columns > columns || !put(page, style, glyph))
            break;
        used += glyph.columns;
        text = behind(text, glyph.source);
    }
    return used;
}

void top_page_begin(struct top_page *page, uint32_t columns, bool utf8)
{
    page->columns = columns > TOP_COLUMNS_MAX ? TOP_COLUMNS_MAX : columns < 1 ? 1 : columns;
    page->utf8 = utf8;
    page->indent = page->count = page->head = 0;
    page->begun = false;
}

void top_page_row(struct top_page *page, uint32_t first, uint32_t indent)
{
    if (page->count < TOP_ROWS_MAX)
        page->count++;
    struct top_row *row = last_row(page);
    row->bytes = row->columns = row->span_count = 0;
    row->text[0] = '\0';
    page->indent = indent;
    page->begun = false;
    put_blanks(page, TOP_PLAIN, first);
}

/* A word that is too long for a row goes on in the next one. */
static void put_word(struct top_page *page, enum top_style style, struct stk_text word)
{
    uint32_t columns = columns_of(page, word) + page->begun;
    if (page->begun && last_row(page)->columns + columns > page->columns)
        top_page_row(page, page->indent, page->indent);
    put_blanks(page, style, page->begun);
    page->begun = true;
    while (word.len > 0 && page->count < TOP_ROWS_MAX) {
        struct glyph glyph = glyph_at(page, word);
        if (put(page, style, glyph))
            word = behind(word, glyph.source);
        else if (last_row(page)->columns > page->indent)
            top_page_row(page, page->indent, page->indent);
        else
            return; /* no row has room for it */
    }
}

void top_page_text(struct top_page *page, enum top_style style, struct stk_text text)
{
    while (text.len > 0) {
        const char *blank = memchr(text.data, ' ', text.len);
        size_t len = blank == NULL ? text.len : (size_t)(blank - text.data);
        if (len > 0)
            put_word(page, style, (struct stk_text){text.data, len});
        text = behind(text, len + (blank != NULL));
    }
}

void top_page_say(struct top_page *page, enum top_style style, const char *format, ...)
{
    char words[2 * STK_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    top_page_text(page, style, stk_text_of(words));
}

void top_page_cell(struct top_page *page, enum top_style style, struct stk_text text,
                   uint32_t columns)
{
    bool cut = columns_of(page, text) > columns;
    uint32_t used = put_text(page, style, text, columns - (cut && columns > 0));
    if (cut && columns > 0)
        used += put_text(page, style, stk_text_of("~"), 1);
    put_blanks(page, style, columns - used);
}

void top_page_right(struct top_page *page, enum top_style style, uint32_t columns,
                    const char *format, ...)
{
    char words[64];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    put_blanks(page, style, columns > (uint32_t)len ? columns - (uint32_t)len : 0);
    put_text(page, style, stk_text_of(words), UINT32_MAX);
}

static uint32_t largest(const uint32_t *values, uint32_t count)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] != UINT32_MAX && values[i] > most)
            most = values[i];
    }
    return most;
}

void top_page_curve(struct top_page *page, const uint32_t *values, uint32_t count)
{
    enum { LEVELS = 8 };
    static const char *const blocks[LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const letters[LEVELS] = {"_", ".", "-", "=", "+", "*", "%", "#"};
    uint32_t most = largest(values, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t level = most == 0 ? 0 : (uint32_t)((uint64_t)values[i] * (LEVELS - 1) / most);
        const char *data = values[i] == UINT32_MAX ? " "
                           : page->utf8            ? blocks[level]
                                                   : letters[level];
        put(page, TOP_PLAIN, (struct glyph){data, (uint32_t)strlen(data), 1, 0});
    }
}

void top_page_print(const struct top_page *page, FILE *out)
{
    for (uint32_t i = 0; i < page->count; i++) {
        const struct top_row *row = &page->rows[i];
        uint32_t bytes = row->bytes;
        while (bytes > 0 && row->text[bytes - 1] == ' ')
            bytes--;
        fwrite(row->text, 1, bytes, out);
        putc('\n', out);
    }
}
