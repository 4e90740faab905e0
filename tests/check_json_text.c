/*
 * Texts in JSON: whatever a stranger calls a file, it stays inside of its string.
 */
#include "daemon/base/json_text.h"

#include <string.h>

#include "tests/suite.h"

static void check_text(const char *text, const char *wanted)
{
    struct buffer buffer = {0};
    json_text(&buffer, text);
    ck_assert(!buffer.failed);
    ck_assert_str_eq(buffer.bytes, wanted);
    buffer_release(&buffer);
}

START_TEST(a_text_is_a_string_and_none_is_null)
{
    check_text("n01/a b.jpg", "\"n01/a b.jpg\"");
    check_text("", "\"\"");
    check_text("V\u00f6gel \u2713 \U0001f426", "\"V\u00f6gel \u2713 \U0001f426\"");
    check_text(NULL, "null");
}
END_TEST

START_TEST(what_json_must_escape_is_escaped)
{
    check_text("a\"b\\c", "\"a\\u0022b\\u005cc\"");
    check_text("\n\t\x01\x1f", "\"\\u000a\\u0009\\u0001\\u001f\"");
}
END_TEST

START_TEST(what_begins_markup_is_escaped)
{
    check_text("</script><b a='&amp;'>", "\"\\u003c/script\\u003e\\u003cb a=\\u0027\\u0026amp;"
                                         "\\u0027\\u003e\"");
}
END_TEST

START_TEST(what_a_terminal_obeys_is_escaped)
{
    check_text("\x1b[2J\x7f", "\"\\u001b[2J\\u007f\"");
    check_text("\xc2\x85\u2028\u202e", "\"\\u0085\\u2028\\u202e\"");
}
END_TEST

START_TEST(what_is_no_utf_8_is_a_question_mark)
{
    check_text("\xff\xc3", "\"??\"");
    check_text("a\xe2\x82", "\"a??\"");
    check_text("\xc0\xaf\xed\xa0\x80", "\"?????\"");
}
END_TEST

START_TEST(no_byte_whatever_leaves_its_string)
{
    for (int byte = 1; byte < 256; byte++) {
        const char text[] = {'a', (char)byte, 'b', '\0'};
        struct buffer buffer = {0};
        json_text(&buffer, text);
        ck_assert(buffer.bytes[0] == '"' && buffer.bytes[buffer.len - 1] == '"');
        ck_assert(memchr(buffer.bytes + 1, '"', buffer.len - 2) == NULL);
        ck_assert(memchr(buffer.bytes, '<', buffer.len) == NULL);
        for (size_t i = 0; i < buffer.len; i++)
            ck_assert(buffer.bytes[i] >= ' ' && buffer.bytes[i] < 0x7f);
        buffer_release(&buffer);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("json_text");
    tcase_add_test(tests, a_text_is_a_string_and_none_is_null);
    tcase_add_test(tests, what_json_must_escape_is_escaped);
    tcase_add_test(tests, what_begins_markup_is_escaped);
    tcase_add_test(tests, what_a_terminal_obeys_is_escaped);
    tcase_add_test(tests, what_is_no_utf_8_is_a_question_mark);
    tcase_add_test(tests, no_byte_whatever_leaves_its_string);
    return suite_run("json_text", tests);
}
