/*
 * Status codes: words are unique and read back.
 */
#include "proto/status.h"

#include <string.h>

#include "tests/suite.h"

START_TEST(every_word_reads_back_as_its_status)
{
    for (int i = 0; i < STK_STATUS_COUNT; i++) {
        const char *word = stk_status_word((enum stk_status)i);
        ck_assert_int_eq(stk_status_of_word(word, strlen(word)), i);
    }
}
END_TEST

START_TEST(an_unknown_word_is_invalid)
{
    ck_assert_int_eq(stk_status_of_word("teapot", 6), STK_INVALID);
    ck_assert_int_eq(stk_status_of_word("", 0), STK_INVALID);
    ck_assert_int_eq(stk_status_of_word("okay", 4), STK_INVALID);
}
END_TEST

START_TEST(a_status_out_of_range_has_a_text)
{
    ck_assert_str_eq(stk_status_word((enum stk_status)999), "invalid");
    ck_assert_ptr_nonnull(stk_status_text((enum stk_status)999));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("status");
    tcase_add_test(tests, every_word_reads_back_as_its_status);
    tcase_add_test(tests, an_unknown_word_is_invalid);
    tcase_add_test(tests, a_status_out_of_range_has_a_text);
    return suite_run("status", tests);
}
