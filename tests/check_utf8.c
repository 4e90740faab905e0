/*
 * UTF-8: what of a stranger's text is let through to a terminal.
 */
#include "proto/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/suite.h"

static void tames_to(const char *text, const char *expected)
{
    char copy[128];
    size_t len = strlen(text);
    memcpy(copy, text, len + 1);
    stk_utf8_tame(copy, len);
    ck_assert_str_eq(copy, expected);
}

START_TEST(text_that_may_be_shown_stays_as_it_is)
{
    tames_to("", "");
    tames_to("n01440764 tench, \"Tinca\" \\ ~", "n01440764 tench, \"Tinca\" \\ ~");
    tames_to("\xc3\xa9t\xc3\xa9 \xe7\x8c\xab \xf0\x9f\x90\x88", /* two, three and four bytes */
             "\xc3\xa9t\xc3\xa9 \xe7\x8c\xab \xf0\x9f\x90\x88");
    tames_to("\xc2\xa0 \xd8\x9b \xe2\x80\x8d \xe2\x80\xa7 \xe2\x80\xaf \xe2\x81\xaa",
             "\xc2\xa0 \xd8\x9b \xe2\x80\x8d \xe2\x80\xa7 \xe2\x80\xaf \xe2\x81\xaa");
}
END_TEST

START_TEST(controls_become_question_marks)
{
    tames_to("a\x1b[2Jb\rc\nd\te\x07\x7f", "a?[2Jb?c?d?e??");
    tames_to("\xc2\x9b"
             "2J\xc2\x80\xc2\x9f",
             "??2J????");
    char zeros[] = {'a', 0, 'b'};
    stk_utf8_tame(zeros, sizeof zeros);
    ck_assert_mem_eq(zeros, "a?b", 3);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_become_question_marks)
{
    tames_to("\x9b"
             "2J\xff",
             "?2J?");                          /* C1 as eight-bit terminals know it */
    tames_to("\xc0\x9b\xe0\x82\x9b", "?????"); /* C1 written too long */
    tames_to("\xed\xa0\x80 \xf4\x90\x80\x80", "??? ????");
    tames_to("cut \xe7\x8c", "cut ??");
}
END_TEST

START_TEST(characters_that_turn_a_text_around_or_break_it_become_question_marks)
{
    static const char *const obeyed[] = {
        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\x8e", "\xe2\x80\x8f",
        "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9",
    };
    for (size_t i = 0; i < sizeof obeyed / sizeof *obeyed; i++)
        tames_to(obeyed[i], "???");
    tames_to("\xd8\x9c", "??");
}
END_TEST

/* Of any two bytes and one that may complete them, nothing that could be a control is left. */
START_TEST(no_three_bytes_leave_a_control)
{
    static const char last[] = {'\0', 'a', '\x85', '\x9b', '\xbf'};
    for (uint32_t bytes = 0; bytes < sizeof last << 16; bytes++) {
        char text[3] = {(char)(bytes >> 8), (char)bytes, last[bytes >> 16]};
        stk_utf8_tame(text, sizeof text);
        for (size_t i = 0; i < sizeof text; i++) {
            uint8_t byte = (uint8_t)text[i];
            /* A byte of C1 stands only inside a character, and there not behind 0xc2. */
            bool inside = i > 0 && (uint8_t)text[i - 1] >= 0x80 && (uint8_t)text[i - 1] != 0xc2;
            if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && byte < 0xa0 && !inside))
                ck_abort_msg("%06x leaves %02x", bytes, byte);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("utf8");
    tcase_set_timeout(tests, 60.0);
    tcase_add_test(tests, text_that_may_be_shown_stays_as_it_is);
    tcase_add_test(tests, controls_become_question_marks);
    tcase_add_test(tests, bytes_that_are_not_utf8_become_question_marks);
    tcase_add_test(tests, characters_that_turn_a_text_around_or_break_it_become_question_marks);
    tcase_add_test(tests, no_three_bytes_leave_a_control);
    return suite_run("utf8", tests);
}
