/*
 * The rows of a CSV: arrays that grow together, and classes that get their numbers in the end.
 */
#include "daemon/source/csv_rows.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/source/csv_classes.h"
#include "daemon/source/csv_columns.h"
#include "daemon/source/csv_reader.h"
#include "daemon/source/fault.h"
#include "proto/message.h"

/* A mixture of two numbers up to here is still a finite float. */
#define NUMBER_MAX 1e38

/* Rows under construction. */
struct reading {
    struct csv_rows *rows;
    const struct text *text;
    struct csv_reader reader;
    struct csv_columns columns;
    struct csv_classes classes;
    size_t member_capacity;
    bool several; /* a row has another number of classes than one */
    char *error;
};

void csv_rows_release(struct csv_rows *rows)
{
    free(rows->paths);
    free(rows->lines);
    labels_release(&rows->labels);
    names_release(&rows->classes);
    *rows = (struct csv_rows){0};
}

static enum stk_status out_of_memory(const struct reading *reading)
{
    return text_fail(reading->text, 0, reading->error, STK_MEMORY, "no memory for its rows");
}

static enum stk_status refuse(const struct reading *reading, const char *what, const char *field)
{
    return text_fail(reading->text, reading->reader.record_line, reading->error, STK_INVALID,
                     "%s %s", fault_quote(field, "").text, what);
}

/* Make *array have room for count elements; false where there is no memory. */
static bool resize(void *array, size_t count, size_t element_bytes)
{
    void *data;
    memcpy(&data, array, sizeof data);
    data = reallocarray(data, count > 0 ? count : 1, element_bytes);
    if (data != NULL)
        memcpy(array, &data, sizeof data);
    return data != NULL;
}

/* Room for one row more. */
static enum stk_status grow(struct reading *reading)
{
    struct csv_rows *rows = reading->rows;
    struct labels *labels = &rows->labels;
    if (rows->count < rows->capacity)
        return STK_OK;
    size_t capacity = rows->capacity > 0 ? 2 * rows->capacity : 1024;
    bool grown = resize(&rows->paths, capacity, sizeof *rows->paths) &&
                 resize(&rows->lines, capacity, sizeof *rows->lines);
    if (reading->columns.naming != CSV_NUMBERS)
        grown = grown && resize(&labels->first, capacity + 1, sizeof *labels->first);
    else
        grown = grown && resize(&labels->numbers, capacity * labels->width, sizeof(float));
    if (reading->columns.weight != CSV_NO_COLUMN)
        grown = grown && resize(&labels->weights, capacity, sizeof *labels->weights);
    if (grown)
        rows->capacity = capacity;
    return grown ? STK_OK : out_of_memory(reading);
}

static enum stk_status read_path(struct reading *reading)
{
    struct csv_rows *rows = reading->rows;
    char *path = reading->reader.fields[reading->columns.path];
    if (path[0] == '\0')
        return text_fail(reading->text, reading->reader.record_line, reading->error, STK_INVALID,
                         "no path; name the picture");
    if (strlen(path) >= PATH_MAX)
        return refuse(reading, "is a path of more than 4095 bytes", path);
    rows->paths[rows->count] = path;
    rows->lines[rows->count] = reading->reader.record_line;
    return STK_OK;
}

/* Decimal only: strtod would take hexadecimal, infinity and "nan" as well. */
static enum stk_status read_number(const struct reading *reading, uint32_t column, double *number)
{
    const char *field = reading->reader.fields[column];
    char *end;
    *number = strtod(field, &end) + 0.0; /* no minus zero */
    if (field[0] == '\0' || *end != '\0' || field[strspn(field, "0123456789+-.eE")] != '\0')
        return text_fail(reading->text, reading->reader.record_line, reading->error, STK_INVALID,
                         "%s in column %u is no number; write decimal digits",
                         fault_quote(field, "").text, column + 1);
    if (fabs(*number) > NUMBER_MAX)
        return refuse(reading, "is too large; numbers end at 1e38", field);
    return STK_OK;
}

static enum stk_status read_numbers(struct reading *reading)
{
    struct csv_rows *rows = reading->rows;
    const struct names *names = &reading->columns.numbers;
    float *row = rows->labels.numbers + rows->count * rows->labels.width;
    enum stk_status status = STK_OK;
    for (size_t i = 0; i < names->count && status == STK_OK; i++) {
        double number;
        status = read_number(reading, (uint32_t)names->items[i].bytes, &number);
        row[i] = (float)number + 0.0f;
    }
    return status;
}

static enum stk_status read_weight(struct reading *reading)
{
    struct csv_rows *rows = reading->rows;
    uint32_t column = reading->columns.weight;
    if (column == CSV_NO_COLUMN)
        return STK_OK;
    double *weight = &rows->labels.weights[rows->count];
    enum stk_status status = read_number(reading, column, weight);
    if (status == STK_OK && *weight < 0)
        status = refuse(reading, "is a weight below 0", reading->reader.fields[column]);
    return status;
}

/* Members are places among the names met, until all are numbered. */
static enum stk_status add_member(struct reading *reading, const char *name, uint64_t *end)
{
    struct labels *labels = &reading->rows->labels;
    if (strlen(name) > STK_TEXT_BYTES_MAX)
        return refuse(reading, "is a class of more than 512 bytes", name);
    if (*end == reading->member_capacity) {
        size_t capacity = *end > 0 ? 2 * (size_t)*end : 1024;
        if (!resize(&labels->members, capacity, sizeof *labels->members))
            return out_of_memory(reading);
        reading->member_capacity = capacity;
    }
    uint32_t place;
    enum stk_status status =
        csv_classes_add(&reading->classes, name, reading->reader.record_line, &place);
    if (status != STK_OK)
        return status == STK_LIMIT ? refuse(reading, "is a class too many", name)
                                   : out_of_memory(reading);
    labels->members[(*end)++] = (int32_t)place;
    return STK_OK;
}

/* Guessing that commas separate would make classes of "tench, Tinca tinca"; keeping them, "b,". */
static enum stk_status check_commas(const struct reading *reading, const char *field)
{
    if (strchr(field, ',') == NULL)
        return STK_OK;
    return refuse(reading,
                  "has a comma; blanks separate classes, or call the column \"class\" where each "
                  "field is one name",
                  field);
}

static enum stk_status read_classes(struct reading *reading)
{
    static const char blanks[] = " \t";
    struct csv_rows *rows = reading->rows;
    enum csv_naming naming = reading->columns.naming;
    char *field = reading->reader.fields[reading->columns.classes];
    uint64_t first = rows->labels.first[rows->count];
    uint64_t end = first;
    enum stk_status status = naming != CSV_CLASS ? check_commas(reading, field) : STK_OK;
    if (naming == CSV_CLASS && field[0] != '\0')
        status = add_member(reading, field, &end);
    char *rest = NULL;
    char *name = naming != CSV_CLASS ? strtok_r(field, blanks, &rest) : NULL;
    for (; name != NULL && status == STK_OK; name = strtok_r(NULL, blanks, &rest))
        status = add_member(reading, name, &end);
    if (status == STK_OK && end == first && naming != CSV_LABELS)
        return text_fail(reading->text, reading->reader.record_line, reading->error, STK_INVALID,
                         "no class; name it, or call the column \"labels\" where a picture may "
                         "have none");
    reading->several = reading->several || end != first + 1 || naming == CSV_LABELS;
    rows->labels.first[rows->count + 1] = end;
    return status;
}

static enum stk_status check_fields(const struct reading *reading)
{
    const struct csv_reader *reader = &reading->reader;
    uint32_t wanted = reading->columns.count;
    if (reader->count == wanted)
        return STK_OK;
    return text_fail(reading->text, reader->record_line, reading->error, STK_INVALID,
                     "%u field%s where the first line has %u; %s", reader->count,
                     reader->count == 1 ? "" : "s", wanted,
                     reader->count < wanted ? "an empty one needs its comma, too"
                                            : "put a field that holds a comma into quotes");
}

static enum stk_status read_row(struct reading *reading)
{
    enum stk_status status = check_fields(reading);
    if (status == STK_OK)
        status = grow(reading);
    if (status == STK_OK)
        status = read_path(reading);
    if (status == STK_OK)
        status = read_weight(reading);
    if (status == STK_OK)
        status =
            reading->columns.naming == CSV_NUMBERS ? read_numbers(reading) : read_classes(reading);
    reading->rows->count += status == STK_OK;
    return status;
}

/* The next record; STK_END behind the last one. */
static enum stk_status next(struct reading *reading)
{
    enum stk_status status = csv_reader_next(&reading->reader);
    if (status == STK_INVALID)
        return text_fail(reading->text, reading->reader.record_line, reading->error, status, "%s",
                         reading->reader.problem);
    return status == STK_MEMORY ? out_of_memory(reading) : status;
}

static enum stk_status begin(struct reading *reading)
{
    enum stk_status status = next(reading);
    if (status == STK_END)
        return text_fail(reading->text, 1, reading->error, STK_INVALID,
                         "is empty; its first line names the columns, as in path,label");
    if (status == STK_OK)
        status =
            csv_columns_init(&reading->columns, &reading->reader, reading->text, reading->error);
    if (status != STK_OK)
        return status;
    reading->rows->labels.width = (uint32_t)reading->columns.numbers.count;
    status = grow(reading);
    if (status == STK_OK && reading->rows->labels.first != NULL)
        reading->rows->labels.first[0] = 0;
    return status;
}

static enum stk_status read_rows(struct reading *reading)
{
    enum stk_status status = begin(reading);
    while (status == STK_OK && (status = next(reading)) == STK_OK)
        status = read_row(reading);
    if (status == STK_END && reading->rows->count == 0)
        return text_fail(reading->text, reading->reader.line, reading->error, STK_INVALID,
                         "no row behind the first line");
    return status == STK_END ? STK_OK : status;
}

static int compare(const void *left, const void *right)
{
    int32_t a = *(const int32_t *)left;
    int32_t b = *(const int32_t *)right;
    return (a > b) - (a < b);
}

/* A row's places become class numbers, rising. */
static enum stk_status number_row(const struct reading *reading, size_t row, const int32_t *numbers)
{
    const struct csv_rows *rows = reading->rows;
    uint64_t first = rows->labels.first[row];
    uint64_t count = rows->labels.first[row + 1] - first;
    int32_t *members = rows->labels.members + first;
    for (uint64_t i = 0; i < count; i++)
        members[i] = numbers[members[i]];
    if (count > 1)
        qsort(members, count, sizeof *members, compare);
    for (uint64_t i = 1; i < count; i++) {
        if (members[i] == members[i - 1])
            return text_fail(reading->text, rows->lines[row], reading->error, STK_INVALID,
                             "%s stands twice in one row",
                             fault_quote(names_get(&rows->classes, (size_t)members[i]), "").text);
    }
    return STK_OK;
}

static enum stk_status number_classes(struct reading *reading)
{
    struct csv_rows *rows = reading->rows;
    const struct names *met = &reading->classes.names;
    int32_t *numbers;
    uint32_t refused;
    const char *problem;
    if (met->count == 0)
        return text_fail(reading->text, rows->lines[0], reading->error, STK_INVALID,
                         "no row names a class");
    enum stk_status status =
        csv_classes_number(&reading->classes, &numbers, &rows->classes, &refused, &problem);
    if (status == STK_INVALID)
        return text_fail(reading->text, met->items[refused].bytes, reading->error, status,
                         "class %s: %s", fault_quote(names_get(met, refused), "").text, problem);
    if (status != STK_OK)
        status = out_of_memory(reading);
    for (size_t i = 0; i < rows->count && status == STK_OK; i++)
        status = number_row(reading, i, numbers);
    free(numbers);
    return status;
}

static enum stk_status finish(struct reading *reading)
{
    struct csv_rows *rows = reading->rows;
    struct labels *labels = &rows->labels;
    labels->count = rows->count;
    if (reading->columns.naming == CSV_NUMBERS) {
        labels->kind = STK_LABEL_NUMBERS;
        rows->classes = reading->columns.numbers;
        reading->columns.numbers = (struct names){0};
        return STK_OK;
    }
    enum stk_status status = number_classes(reading);
    if (status != STK_OK)
        return status;
    labels->width = (uint32_t)rows->classes.count;
    labels->kind = reading->several ? STK_LABEL_CLASSES : STK_LABEL_CLASS;
    if (!reading->several) { /* a row's member stands at its place */
        free(labels->first);
        labels->first = NULL;
    }
    return STK_OK;
}

enum stk_status csv_rows_read(struct csv_rows *rows, const struct text *text, char *error)
{
    *rows = (struct csv_rows){0};
    struct reading reading = {.rows = rows, .text = text, .error = error};
    csv_reader_init(&reading.reader, text->bytes, text->len);
    enum stk_status status = read_rows(&reading);
    if (status == STK_OK)
        status = finish(&reading);
    if (status == STK_OK)
        labels_trim(&rows->labels); /* the arrays grew by doubling */
    csv_reader_release(&reading.reader);
    csv_columns_release(&reading.columns);
    csv_classes_release(&reading.classes);
    if (status != STK_OK)
        csv_rows_release(rows);
    return status;
}
