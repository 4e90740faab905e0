/*
 * Slots: what is told of a batch's pictures, from tensors that are written here.
 */
#include "client/command/slots.h"

#include <string.h>

#include "tests/suite.h"

static char *names[] = {"clear", "haze", "primary", "road", "water"};
static const struct class_names classes = {.count = 5, .names = names};

static const int32_t none[] = {-1};

/* The caption of a slot with a target of five columns. */
static void captions(const float row[5], const char *expected)
{
    struct slots slots = {.count = 1, .label = none, .target = row, .columns = 5};
    char text[SLOTS_TARGET_BYTES];
    slots_caption(&slots, &classes, STK_LABEL_CLASSES, 0, text);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_class_is_captioned_by_its_name)
{
    static const int32_t labels[] = {3, -1};
    static const float target[] = {0, 0, 0.3f, 0.7f, 0};
    struct slots slots = {.count = 2, .label = labels, .target = target, .columns = 5};
    char text[SLOTS_TARGET_BYTES];
    slots_caption(&slots, &classes, STK_LABEL_CLASS, 0, text);
    ck_assert_str_eq(text, "road");
    slots.target = NULL;
    slots_caption(&slots, &classes, STK_LABEL_CLASS, 1, text);
    ck_assert_str_eq(text, "?");
}
END_TEST

START_TEST(several_classes_are_captioned_by_the_names_of_those_above_zero)
{
    captions((const float[]){0, 0, 0, 0, 0}, "no class");
    captions((const float[]){0, 1, 0, 0, 0}, "haze");
    captions((const float[]){1, 0, 1, 0, 1}, "clear, primary, water");
    captions((const float[]){0.25f, 1, 0, 0, 0.75f}, "haze, 0.75 water, 0.25 clear");
    captions((const float[]){1, 1, 1, 1, 1}, "clear, haze, primary, road and 1 more");
}
END_TEST

START_TEST(numbers_are_captioned_as_numbers)
{
    static const struct class_names pair = {.count = 2, .names = names};
    static const float target[] = {0, 1, -28631.94f, 0.333333f};
    static const int32_t labels[] = {-1, -1};
    struct slots slots = {.count = 2, .label = labels, .target = target, .columns = 2};
    char text[SLOTS_TARGET_BYTES];
    slots_caption(&slots, &pair, STK_LABEL_NUMBERS, 0, text);
    ck_assert_str_eq(text, "clear 0, haze 1");
    slots_caption(&slots, &pair, STK_LABEL_NUMBERS, 1, text);
    ck_assert_str_eq(text, "clear -28632, haze 0.33333");
}
END_TEST

START_TEST(a_caption_that_does_not_fit_is_cut)
{
    static char longest[200];
    memset(longest, 'W', sizeof longest - 1);
    static char *long_names[] = {longest, longest};
    const struct class_names pair = {.count = 2, .names = long_names};
    const float target[] = {1, 0.5f};
    struct slots slots = {.count = 1, .label = none, .target = target, .columns = 2};
    char text[SLOTS_TARGET_BYTES];
    static const enum stk_label_kind kinds[] = {STK_LABEL_CLASSES, STK_LABEL_NUMBERS};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        slots_caption(&slots, &pair, kinds[i], 0, text);
        ck_assert_uint_eq(strlen(text), SLOTS_TARGET_BYTES - 1);
    }
}
END_TEST

START_TEST(the_largest_entries_come_first_whatever_their_sign)
{
    static const float row[] = {0, 0.1f, -3, 0.5f, 0, 2, 0.4f, -0.2f};
    static const uint32_t expected[] = {2, 5, 3, 6};
    struct slots_entry entries[SLOTS_ENTRIES_MAX];
    ck_assert_uint_eq(slots_entries(row, 8, entries), 6);
    for (uint32_t i = 0; i < SLOTS_ENTRIES_MAX; i++) {
        ck_assert_uint_eq(entries[i].column, expected[i]);
        ck_assert_float_eq(entries[i].value, row[expected[i]]);
    }
    ck_assert_uint_eq(slots_entries(row, 1, entries), 0);
}
END_TEST

START_TEST(a_target_is_told_by_its_columns)
{
    static const float target[] = {0, 0.25f, 0.75f, 0, 0, 0, 1, 2, 3, 4, 5, -28631.9f};
    struct slots slots = {.count = 2, .target = target, .columns = 6};
    char text[SLOTS_TARGET_BYTES];
    slots_target_text(&slots, 0, text);
    ck_assert_str_eq(text, "2=0.75 1=0.25");
    slots_target_text(&slots, 1, text);
    ck_assert_str_eq(text, "5=-28631.9 4=5 3=4 2=3 and 2 more");
    slots = (struct slots){.count = 1, .target = target + 3, .columns = 3};
    slots_target_text(&slots, 0, text);
    ck_assert_str_eq(text, "0");
}
END_TEST

START_TEST(a_box_is_told_by_its_sides_and_corner)
{
    char text[SLOTS_BOX_BYTES];
    slots_box_text((const int32_t[]){-10, 20, 30, 40}, text);
    ck_assert_str_eq(text, "40x30 at 20,-10");
    ck_assert(slots_is_box((const int32_t[]){0, 0, 1, 1}));
    ck_assert(!slots_is_box((const int32_t[]){5, 5, 0, 9}));
    ck_assert(!slots_is_box((const int32_t[]){5, 5, 9, 0}));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("slots");
    tcase_add_test(tests, a_class_is_captioned_by_its_name);
    tcase_add_test(tests, several_classes_are_captioned_by_the_names_of_those_above_zero);
    tcase_add_test(tests, numbers_are_captioned_as_numbers);
    tcase_add_test(tests, a_caption_that_does_not_fit_is_cut);
    tcase_add_test(tests, the_largest_entries_come_first_whatever_their_sign);
    tcase_add_test(tests, a_target_is_told_by_its_columns);
    tcase_add_test(tests, a_box_is_told_by_its_sides_and_corner);
    return suite_run("slots", tests);
}
