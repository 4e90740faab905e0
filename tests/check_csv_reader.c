/*
 * The reader of comma-separated values: RFC 4180's records, and nothing that it does not allow.
 */
#include "daemon/source/csv_reader.h"

#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

enum { TEXT_BYTES = 1 << 16 };

static char text[TEXT_BYTES];

static void begin(struct csv_reader *reader, const char *bytes)
{
    ck_assert_uint_lt(strlen(bytes), sizeof text);
    strcpy(text, bytes);
    csv_reader_init(reader, text, strlen(bytes));
}

/* Fields stand between brackets, and each record's line before it. */
static const struct {
    const char *bytes;
    const char *records;
} rows[] = {
    {"", ""},
    {"\n\r\n\n", ""},
    {"a", "1[a]"},
    {"a,b\n", "1[a][b]"},
    {"a,b\r\nc,d", "1[a][b]2[c][d]"},
    {"a,b\n\n\r\nc,d\n", "1[a][b]4[c][d]"},
    {",", "1[][]"},
    {"a,\n,b\n", "1[a][]2[][b]"},
    {" a , b ", "1[ a ][ b ]"},
    {"\"a\"", "1[a]"},
    {"\"\"", "1[]"},
    {"\"\"\"\"", "1[\"]"},
    {"\"a,b\",\"c\"\"d\"\n", "1[a,b][c\"d]"},
    {"\"a\nb\r\nc\",d\ne", "1[a\nb\r\nc][d]4[e]"},
    {"\"a\"\r\n\"b\"\n", "1[a]2[b]"},
    {"a\tb;c", "1[a\tb;c]"},
    {"\xc3\xa9,\xff", "1[\xc3\xa9][\xff]"},
};

START_TEST(records_are_those_of_the_rfc)
{
    struct csv_reader reader;
    begin(&reader, rows[_i].bytes);
    char records[256] = "";
    size_t len = 0;
    enum stk_status status;
    while ((status = csv_reader_next(&reader)) == STK_OK) {
        len += (size_t)sprintf(records + len, "%u", (unsigned)reader.record_line);
        for (uint32_t i = 0; i < reader.count; i++)
            len += (size_t)sprintf(records + len, "[%s]", reader.fields[i]);
    }
    ck_assert_int_eq(status, STK_END);
    ck_assert_str_eq(records, rows[_i].records);
    ck_assert_int_eq(csv_reader_next(&reader), STK_END);
    csv_reader_release(&reader);
}
END_TEST

static const struct {
    const char *bytes;
    unsigned line;
    const char *problem;
} mistakes[] = {
    {"\"", 1, "a quote that is never closed"},
    {"a\nb,\"c\nd\n", 2, "a quote that is never closed"},
    {"\"a\"\"", 1, "a quote that is never closed"},
    {"a\n\"b\"c\n", 2, "text behind a closing quote; a quote inside of quotes is \"\""},
    {"\"a\" ,b", 1, "text behind a closing quote; a quote inside of quotes is \"\""},
    {"a\n\nb\"c\n", 3, "a quote inside of a field; put the field into quotes and write \"\""},
    {" \"a\"", 1, "a quote inside of a field; put the field into quotes and write \"\""},
    {"a\rb", 1, "a carriage return without a line feed"},
    {"a\r", 1, "a carriage return without a line feed"},
    {"\"a\"\r", 1, "a carriage return without a line feed"},
    {"\"a\nb\"c", 2, "text behind a closing quote; a quote inside of quotes is \"\""},
};

START_TEST(what_the_rfc_does_not_allow_is_refused_with_its_line)
{
    struct csv_reader reader;
    begin(&reader, mistakes[_i].bytes);
    enum stk_status status;
    while ((status = csv_reader_next(&reader)) == STK_OK)
        continue;
    ck_assert_int_eq(status, STK_INVALID);
    ck_assert_str_eq(reader.problem, mistakes[_i].problem);
    ck_assert_uint_eq(reader.record_line, mistakes[_i].line);
    csv_reader_release(&reader);
}
END_TEST

START_TEST(a_record_has_up_to_4096_fields)
{
    char commas[CSV_FIELDS_MAX + 1] = "";
    memset(commas, ',', CSV_FIELDS_MAX - 1);
    struct csv_reader reader;
    begin(&reader, commas);
    ck_assert_int_eq(csv_reader_next(&reader), STK_OK);
    ck_assert_uint_eq(reader.count, CSV_FIELDS_MAX);
    csv_reader_release(&reader);
    commas[CSV_FIELDS_MAX - 1] = ',';
    begin(&reader, commas);
    ck_assert_int_eq(csv_reader_next(&reader), STK_INVALID);
    ck_assert_str_eq(reader.problem, "more than 4096 fields");
    csv_reader_release(&reader);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("csv_reader");
    tcase_add_loop_test(tests, records_are_those_of_the_rfc, 0, sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(tests, what_the_rfc_does_not_allow_is_refused_with_its_line, 0,
                        sizeof mistakes / sizeof mistakes[0]);
    tcase_add_test(tests, a_record_has_up_to_4096_fields);
    return suite_run("csv_reader", tests);
}
