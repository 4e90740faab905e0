/*
 * A reader of comma-separated values: a field's quotes are taken off by moving its bytes down.
 */
#include "daemon/source/csv_reader.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void csv_reader_init(struct csv_reader *reader, char *bytes, size_t len)
{
    *reader = (struct csv_reader){.at = bytes, .end = bytes + len, .line = 1};
}

void csv_reader_release(struct csv_reader *reader)
{
    free(reader->fields);
    *reader = (struct csv_reader){0};
}

static enum stk_status refuse(struct csv_reader *reader, uint64_t line, const char *problem)
{
    reader->record_line = line;
    reader->problem = problem;
    return STK_INVALID;
}

static enum stk_status add_field(struct csv_reader *reader, char *field)
{
    if (reader->count == CSV_FIELDS_MAX)
        return refuse(reader, reader->record_line, "more than 4096 fields");
    if (reader->count == reader->capacity) {
        uint32_t capacity = reader->capacity > 0 ? 2 * reader->capacity : 16;
        char **fields = reallocarray(reader->fields, capacity, sizeof *fields);
        if (fields == NULL)
            return STK_MEMORY;
        reader->fields = fields;
        reader->capacity = capacity;
    }
    reader->fields[reader->count++] = field;
    return STK_OK;
}

/* Bytes of the line's end that at points to; 0 where it is none. */
static size_t line_end(const struct csv_reader *reader)
{
    if (reader->at[0] == '\n')
        return 1;
    return reader->at[0] == '\r' && reader->at[1] == '\n' ? 2 : 0;
}

/* Go on behind the field that ends at *end, and terminate it; *last says that its record ends. */
static enum stk_status finish_field(struct csv_reader *reader, char *end, bool *last)
{
    size_t bytes = line_end(reader);
    *last = bytes > 0 || reader->at == reader->end;
    if (!*last && *reader->at != ',')
        return refuse(reader, reader->line,
                      *reader->at == '\r' ? "a carriage return without a line feed"
                      : *reader->at == '"'
                          ? "a quote inside of a field; put the field into quotes and write \"\""
                          : "text behind a closing quote; a quote inside of quotes is \"\"");
    reader->line += bytes > 0;
    reader->at += *last ? bytes : 1;
    *end = '\0';
    return STK_OK;
}

static enum stk_status quoted_field(struct csv_reader *reader, bool *last)
{
    uint64_t opened = reader->line;
    char *out = ++reader->at;
    enum stk_status status = add_field(reader, out);
    if (status != STK_OK)
        return status;
    while (*reader->at != '"' || reader->at[1] == '"') {
        if (reader->at == reader->end)
            return refuse(reader, opened, "a quote that is never closed");
        reader->line += *reader->at == '\n';
        reader->at += *reader->at == '"';
        *out++ = *reader->at++;
    }
    reader->at++;
    return finish_field(reader, out, last);
}

static enum stk_status plain_field(struct csv_reader *reader, bool *last)
{
    enum stk_status status = add_field(reader, reader->at);
    if (status != STK_OK)
        return status;
    reader->at += strcspn(reader->at, ",\"\r\n");
    return finish_field(reader, reader->at, last);
}

static void skip_empty_lines(struct csv_reader *reader)
{
    for (size_t bytes; (bytes = line_end(reader)) > 0; reader->line++)
        reader->at += bytes;
}

enum stk_status csv_reader_next(struct csv_reader *reader)
{
    skip_empty_lines(reader);
    reader->record_line = reader->line;
    reader->count = 0;
    if (reader->at == reader->end)
        return STK_END;
    enum stk_status status = STK_OK;
    for (bool last = false; !last && status == STK_OK;)
        status = *reader->at == '"' ? quoted_field(reader, &last) : plain_field(reader, &last);
    return status;
}
