/*
 * Lines: where texts go on below.
 */
#include "client/command/lines.h"

#include <string.h>

#include "tests/suite.h"

static char *written;
static size_t written_len;

static struct lines begin(unsigned indent)
{
    FILE *out = open_memstream(&written, &written_len);
    ck_assert_ptr_nonnull(out);
    return (struct lines){out, indent, 0};
}

static void ends_as(struct lines *lines, const char *expected)
{
    lines_end(lines);
    fclose(lines->out);
    ck_assert_str_eq(written, expected);
    free(written);
}

START_TEST(texts_share_a_line_up_to_its_80th_column)
{
    char text[41];
    memset(text, 'x', 40);
    text[40] = '\0';
    char expected[256];
    struct lines lines = begin(0);
    lines_put(&lines, 2, stk_text_of(text));
    lines_put(&lines, 2, stk_text_of(text + 2)); /* 40 + 2 + 38 */
    lines_put(&lines, 2, stk_text_of("y"));
    snprintf(expected, sizeof expected, "%s  %s\ny\n", text, text + 2);
    ends_as(&lines, expected);
    lines = begin(1);
    lines_put(&lines, 2, stk_text_of(text));
    lines_put(&lines, 2, stk_text_of(text + 2));
    snprintf(expected, sizeof expected, " %s\n %s\n", text, text + 2);
    ends_as(&lines, expected);
}
END_TEST

START_TEST(a_text_longer_than_a_line_stands_alone)
{
    char text[101], expected[256];
    memset(text, 'x', 100);
    text[100] = '\0';
    struct lines lines = begin(2);
    lines_put(&lines, 1, stk_text_of("a"));
    lines_put(&lines, 1, stk_text_of(text));
    lines_put(&lines, 1, stk_text_of("b"));
    snprintf(expected, sizeof expected, "  a\n  %s\n  b\n", text);
    ends_as(&lines, expected);
}
END_TEST

START_TEST(words_are_told_apart_by_one_blank)
{
    struct lines lines = begin(0);
    lines_put_words(&lines, stk_text_of("  mixup   fastai alpha=0.4 "));
    ends_as(&lines, "mixup fastai alpha=0.4\n");
    lines = begin(3);
    lines_put_words(&lines, stk_text_of("   "));
    ends_as(&lines, "");
}
END_TEST

START_TEST(characters_are_counted_not_bytes_and_controls_are_tamed)
{
    char text[161] = "", expected[256];
    for (int i = 0; i < 38; i++)
        strcat(text, "\xc3\xa9");
    struct lines lines = begin(0);
    lines_put(&lines, 1, stk_text_of(text));
    lines_put(&lines, 1,
              stk_text_of("a\x1b"
                          "b"));
    snprintf(expected, sizeof expected, "%s a?b\n", text);
    ends_as(&lines, expected);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("lines");
    tcase_add_test(tests, texts_share_a_line_up_to_its_80th_column);
    tcase_add_test(tests, a_text_longer_than_a_line_stands_alone);
    tcase_add_test(tests, words_are_told_apart_by_one_blank);
    tcase_add_test(tests, characters_are_counted_not_bytes_and_controls_are_tamed);
    return suite_run("lines", tests);
}
