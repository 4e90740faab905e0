/*
 * libFuzzer target: a stranger's bytes as a CSV.
 *
 * No crash, no byte outside of the text; what a reader accepts reads back the same when every field
 * is written in quotes; and rows keep what their header promises.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/source/csv_reader.h"
#include "daemon/source/csv_rows.h"

enum { LEN_MAX = 1 << 14 };

static size_t put_quoted(char *out, const char *field)
{
    char *at = out;
    *at++ = '"';
    for (; *field != '\0'; field++) {
        if (*field == '"')
            *at++ = '"';
        *at++ = *field;
    }
    *at++ = '"';
    return (size_t)(at - out);
}

/* Every record that can be read, each field in quotes; returns the length. */
static size_t write_again(const char *bytes, size_t len, char *out)
{
    static char text[LEN_MAX + 1];
    struct csv_reader reader;
    size_t written = 0;
    memcpy(text, bytes, len + 1);
    csv_reader_init(&reader, text, len);
    uint64_t line = 0;
    while (csv_reader_next(&reader) == STK_OK) {
        CHECK(reader.record_line > line && reader.count > 0);
        line = reader.record_line;
        for (uint32_t i = 0; i < reader.count; i++) {
            const char *field = reader.fields[i];
            CHECK(field >= text && field + strlen(field) <= text + len);
            if (i > 0)
                out[written++] = ',';
            written += put_quoted(out + written, field);
        }
        out[written++] = '\n';
    }
    csv_reader_release(&reader);
    out[written] = '\0';
    return written;
}

/* Quoting doubles a field's bytes at most, and adds three to it. */
static void check_reader(const char *bytes, size_t len)
{
    static char first[5 * LEN_MAX], again[5 * LEN_MAX];
    size_t first_len = write_again(bytes, len, first);
    if (first_len > LEN_MAX)
        return;
    CHECK(write_again(first, first_len, again) == first_len);
    CHECK(memcmp(first, again, first_len) == 0);
}

static void check_labels(const struct csv_rows *rows)
{
    const struct labels *labels = &rows->labels;
    CHECK(rows->count > 0 && labels->count == rows->count);
    CHECK(labels->width == rows->classes.count && labels->width > 0);
    uint64_t members = labels->first != NULL ? labels->first[rows->count] : rows->count;
    for (uint64_t i = 0; i < members && labels->members != NULL; i++)
        CHECK(labels->members[i] >= 0 && (uint32_t)labels->members[i] < labels->width);
    for (uint64_t i = 0; i < rows->count && labels->weights != NULL; i++)
        CHECK(labels->weights[i] >= 0 && labels->weights[i] <= 1e38);
    for (uint64_t i = 0; i < rows->count; i++)
        CHECK(rows->paths[i][0] != '\0' && (i == 0 || rows->lines[i] > rows->lines[i - 1]));
}

static void check_rows(const char *bytes, size_t len)
{
    static char storage[LEN_MAX + 1];
    memcpy(storage, bytes, len + 1);
    struct text text = {.path = "fuzz.csv", .bytes = storage, .len = len};
    char error[SOURCE_ERROR_BYTES] = "";
    struct csv_rows rows;
    if (csv_rows_read(&rows, &text, error) != STK_OK) {
        CHECK(strncmp(error, "fuzz.csv:", 9) == 0);
        return;
    }
    check_labels(&rows);
    csv_rows_release(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static char text[LEN_MAX + 1];
    if (len > LEN_MAX || memchr(bytes, '\0', len) != NULL)
        return 0; /* text_read lets none through */
    memcpy(text, bytes, len);
    text[len] = '\0';
    check_reader(text, len);
    check_rows(text, len);
    return 0;
}
