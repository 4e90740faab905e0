/*
 * The columns of a CSV: names to places.
 */
#include "daemon/source/csv_columns.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/source/fault.h"
#include "proto/message.h"

void csv_columns_release(struct csv_columns *columns)
{
    names_release(&columns->numbers);
    *columns = (struct csv_columns){0};
}

/* Columns under construction. */
struct reading {
    struct csv_columns *columns;
    const struct csv_reader *header;
    const struct text *text;
    char *error;
};

static bool is_path(const char *name)
{
    return strcmp(name, "path") == 0 || strcmp(name, "filename") == 0 || strcmp(name, "image") == 0;
}

static enum csv_naming naming_of(const char *name)
{
    static const char *const words[] = {
        [CSV_CLASS] = "class", [CSV_LABEL] = "label", [CSV_LABELS] = "labels"};
    for (unsigned i = CSV_CLASS; i <= CSV_LABELS; i++) {
        if (strcmp(words[i], name) == 0)
            return (enum csv_naming)i;
    }
    return CSV_NUMBERS;
}

static enum stk_status refuse_two(const struct reading *reading, uint32_t first, uint32_t second)
{
    char *const *names = reading->header->fields;
    if (strcmp(names[first], names[second]) == 0)
        return text_fail(reading->text, reading->header->record_line, reading->error, STK_INVALID,
                         "column %s stands twice; remove one", fault_quote(names[first], "").text);
    return text_fail(reading->text, reading->header->record_line, reading->error, STK_INVALID,
                     "columns \"%s\" and \"%s\" say the same; remove one", names[first],
                     names[second]);
}

/* A column that there is one of. */
static enum stk_status set_place(const struct reading *reading, uint32_t *place, uint32_t column)
{
    if (*place != CSV_NO_COLUMN)
        return refuse_two(reading, *place, column);
    *place = column;
    return STK_OK;
}

/* "path, label": the blank belongs to the name, and the name means nothing. */
static enum stk_status refuse_blank(const struct reading *reading, uint32_t column)
{
    return text_fail(reading->text, reading->header->record_line, reading->error, STK_INVALID,
                     "column %s has a blank beside its comma; remove it",
                     fault_quote(reading->header->fields[column], "").text);
}

static bool has_blank(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && (strchr(" \t", name[0]) != NULL || strchr(" \t", name[len - 1]) != NULL);
}

static enum stk_status add_number(const struct reading *reading, uint32_t column)
{
    struct names *numbers = &reading->columns->numbers;
    const char *name = reading->header->fields[column];
    uint64_t line = reading->header->record_line;
    if (name[0] == '\0')
        return text_fail(reading->text, line, reading->error, STK_INVALID,
                         "column %u has no name; pandas leaves its index out with index=False",
                         column + 1);
    if (strlen(name) > STK_TEXT_BYTES_MAX)
        return text_fail(reading->text, line, reading->error, STK_LIMIT,
                         "column %u has a name of more than %d bytes", column + 1,
                         STK_TEXT_BYTES_MAX);
    for (size_t i = 0; i < numbers->count; i++) {
        if (strcmp(names_get(numbers, i), name) == 0)
            return refuse_two(reading, (uint32_t)numbers->items[i].bytes, column);
    }
    if (names_add(numbers, name, column) != STK_OK)
        return text_fail(reading->text, 0, reading->error, STK_MEMORY, "no memory for its columns");
    return STK_OK;
}

static enum stk_status read_column(const struct reading *reading, uint32_t column)
{
    struct csv_columns *columns = reading->columns;
    const char *name = reading->header->fields[column];
    enum csv_naming naming = naming_of(name);
    if (has_blank(name))
        return refuse_blank(reading, column);
    if (is_path(name))
        return set_place(reading, &columns->path, column);
    if (strcmp(name, "weight") == 0)
        return set_place(reading, &columns->weight, column);
    if (naming == CSV_NUMBERS)
        return add_number(reading, column);
    columns->naming = naming;
    return set_place(reading, &columns->classes, column);
}

/* What must be there, and what must not be beside it. */
static enum stk_status check(const struct reading *reading)
{
    const struct csv_columns *columns = reading->columns;
    uint64_t line = reading->header->record_line;
    if (columns->path == CSV_NO_COLUMN)
        return text_fail(reading->text, line, reading->error, STK_INVALID,
                         "no column \"path\" (or \"filename\", \"image\"); the first line names "
                         "the columns, separated by commas");
    if (columns->classes == CSV_NO_COLUMN && columns->numbers.count == 0)
        return text_fail(reading->text, line, reading->error, STK_INVALID,
                         "no column of labels; add \"label\", \"class\" or \"labels\", or columns "
                         "of numbers");
    if (columns->classes != CSV_NO_COLUMN && columns->numbers.count > 0)
        return text_fail(reading->text, line, reading->error, STK_INVALID,
                         "unknown column %s beside \"%s\"; known are path, label and weight, "
                         "remove it",
                         fault_quote(names_get(&columns->numbers, 0), "").text,
                         reading->header->fields[columns->classes]);
    return STK_OK;
}

enum stk_status csv_columns_init(struct csv_columns *columns, const struct csv_reader *header,
                                 const struct text *text, char *error)
{
    *columns = (struct csv_columns){.count = header->count,
                                    .path = CSV_NO_COLUMN,
                                    .weight = CSV_NO_COLUMN,
                                    .classes = CSV_NO_COLUMN};
    const struct reading reading = {columns, header, text, error};
    enum stk_status status = STK_OK;
    for (uint32_t i = 0; i < header->count && status == STK_OK; i++)
        status = read_column(&reading, i);
    if (status == STK_OK)
        status = check(&reading);
    if (status != STK_OK)
        csv_columns_release(columns);
    return status;
}
