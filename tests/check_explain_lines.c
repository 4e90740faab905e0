/*
 * The words of an explained slot: every line of a known batch, letter by letter.
 */
#include "client/command/explain_lines.h"

#include <string.h>

#include "tests/suite.h"

static char *names[] = {"circle", "star", "square"};
static uint64_t counts[] = {5, 5, 5};
static const struct class_names classes = {.count = 3, .names = names, .counts = counts};

/* Slot 0 is cut and erased, 1 blended with slot 2, 2 kept and only filling, 3 its own partner. */
static const int32_t label[] = {0, 1, 2, 2};
static const int32_t partner_label[] = {1, 2, 2, 2};
static const float lambda[] = {0.75f, 0.5f, 1, 0.25f};
static const uint64_t index_of[] = {7, 8, 9, 10};
static const uint64_t partner_index[] = {8, 9, 9, 10};
static const int32_t crop[16] = {0};
static const uint8_t flip[] = {0, 1, 1, 0};
static const int32_t cut[16] = {10, 20, 30, 40};
static const int32_t erase[16] = {1, 2, 3, 4, 0, 0, 0, 0, 50, 60, 70, 80};
static const uint8_t valid[] = {1, 1, 0, 1};
static const float target[] = {0.7f, 0.2f, 0.1f, 0, 0.5f, 0.5f, 0, 0, 1, 0, 0, 0};

static const struct slots batch = {
    .count = 4,
    .label = label,
    .partner_label = partner_label,
    .lambda = lambda,
    .index = index_of,
    .partner_index = partner_index,
    .crop = crop,
    .flip = flip,
    .cut = cut,
    .erase = erase,
    .valid = valid,
};

static struct explain_panel panel;
static struct explain_texts texts;

static void describe(const struct slots *slots, uint32_t slot, int64_t partner_slot)
{
    memset(&panel, 0x55, sizeof panel); /* nothing is left of another slot */
    explain_describe(slots, &classes, slot, partner_slot, &panel, &texts);
}

/* The panel's lines are those up to NULL. */
static void expect(const char *const *lines)
{
    uint32_t count = 0;
    for (; lines[count] != NULL; count++) {
        ck_assert_uint_lt(count, panel.line_count);
        ck_assert_str_eq(panel.lines[count].text, lines[count]);
    }
    ck_assert_uint_eq(panel.line_count, count);
}

#define EXPECT(...) expect((const char *const[]){__VA_ARGS__, NULL})

START_TEST(a_cut_slot_tells_lambda_boxes_and_both_labels)
{
    describe(&batch, 0, 1);
    EXPECT("slot 0", "CutMix, lambda 0.7500", "cut 40x30 at 20,10", "erased 4x3 at 2,1",
           "soft label, not smoothed", "0.7500  circle", "0.2500  star");
    ck_assert_str_eq(panel.label, "circle");
    ck_assert_str_eq(panel.partner_label, "star");
    ck_assert_str_eq(panel.sample, "sample 7");
    ck_assert_str_eq(panel.partner_sample, "sample 8, mirrored");
    ck_assert_mem_eq(panel.cut, cut, sizeof panel.cut);
    ck_assert_mem_eq(panel.erased, erase, sizeof panel.erased);
    ck_assert_double_eq(panel.share, 0.75);
    ck_assert(panel.lines[0].bold && !panel.lines[1].bold);
    ck_assert_int_eq(panel.lines[2].ink, INK_PARTNER);
    ck_assert_int_eq(panel.lines[3].ink, INK_ALERT);
}
END_TEST

START_TEST(a_blended_slot_has_its_partners_box_from_the_partners_slot)
{
    describe(&batch, 1, 2);
    EXPECT("slot 1", "mixup, lambda 0.5000", "partner erased 80x70 at 60,50",
           "soft label, not smoothed", "0.5000  star", "0.5000  square");
    ck_assert_str_eq(panel.sample, "sample 8, mirrored");
    ck_assert_str_eq(panel.partner_sample, "sample 9, mirrored");
    ck_assert_mem_eq(panel.partner_erased, &erase[8], sizeof panel.partner_erased);
    ck_assert_int_eq(panel.cut[2], 0);
    describe(&batch, 1, -1); /* not known: nothing is told that may be wrong */
    EXPECT("slot 1", "mixup, lambda 0.5000", "soft label, not smoothed", "0.5000  star",
           "0.5000  square");
    ck_assert_str_eq(panel.partner_sample, "sample 9");
}
END_TEST

START_TEST(a_kept_slot_and_one_that_only_fills_say_so)
{
    describe(&batch, 2, -1);
    EXPECT("slot 2, not valid", "not mixed, lambda 1", "erased 80x70 at 60,50",
           "soft label, not smoothed", "1.0000  square");
    describe(&batch, 3, 3);
    EXPECT("slot 3", "mixup, lambda 0.2500", "soft label, not smoothed", "1.0000  square");
}
END_TEST

START_TEST(a_partner_from_the_data_set_has_tensors_of_its_own)
{
    static const uint8_t partner_flip[] = {1, 0, 0, 0};
    static const int32_t partner_erase[16] = {5, 6, 7, 8};
    static const struct stk_replaced replaced[] = {
        {.slot = 0, .index = 70, .reason = {"corrupt: x", 10}},
        {.slot = 4, .index = 80, .reason = {"limit: y", 8}},
    };
    struct slots slots = batch;
    slots.partner_flip = partner_flip;
    slots.partner_erase = partner_erase;
    slots.replaced = replaced;
    slots.replaced_count = 2;
    describe(&slots, 0, -1);
    EXPECT("slot 0", "CutMix, lambda 0.7500", "cut 40x30 at 20,10", "erased 4x3 at 2,1",
           "partner erased 8x7 at 6,5", "sample instead of 70: corrupt: x",
           "partner instead of 80: limit: y", "soft label, not smoothed", "0.7500  circle",
           "0.2500  star");
    ck_assert_str_eq(panel.partner_sample, "sample 8, mirrored");
    ck_assert_mem_eq(panel.partner_erased, partner_erase, sizeof panel.partner_erased);
}
END_TEST

START_TEST(a_target_is_told_instead_of_the_labels)
{
    static const int32_t several[] = {-1, -1, -1, -1};
    struct slots slots = batch;
    slots.target = target;
    slots.columns = 3;
    describe(&slots, 0, 1);
    EXPECT("slot 0", "CutMix, lambda 0.7500", "cut 40x30 at 20,10", "erased 4x3 at 2,1", "target",
           "0.7000  circle", "0.2000  star", "0.1000  square");
    slots.label = slots.partner_label = several;
    describe(&slots, 3, 3);
    EXPECT("slot 3", "mixup, lambda 0.2500", "target", "0 everywhere");
    ck_assert_str_eq(panel.label, "label: see target");
}
END_TEST

START_TEST(more_entries_than_a_panel_has_room_for_are_counted)
{
    static const float wide[] = {0.1f, 0.2f, 0.3f, 0.15f, 0.05f, 0.2f};
    struct slots slots = batch;
    slots.target = wide;
    slots.columns = 6;
    describe(&slots, 0, 1);
    ck_assert_uint_eq(panel.line_count, 10);
    ck_assert_str_eq(panel.lines[5].text, "0.3000  square");
    ck_assert_str_eq(panel.lines[9].text, "and 2 more");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("explain_lines");
    tcase_add_test(tests, a_cut_slot_tells_lambda_boxes_and_both_labels);
    tcase_add_test(tests, a_blended_slot_has_its_partners_box_from_the_partners_slot);
    tcase_add_test(tests, a_kept_slot_and_one_that_only_fills_say_so);
    tcase_add_test(tests, a_partner_from_the_data_set_has_tensors_of_its_own);
    tcase_add_test(tests, a_target_is_told_instead_of_the_labels);
    tcase_add_test(tests, more_entries_than_a_panel_has_room_for_are_counted);
    return suite_run("explain_lines", tests);
}
