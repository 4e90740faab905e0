/*
 * Soft labels: rows are distributions, and equal to timm's mixup_target.
 */
#include "client/stoker.h"

#include <math.h>
#include <string.h>

#include "tests/suite.h"

enum { COUNT = 5, CLASSES = 10 };

static const int32_t label[COUNT] = {0, 3, 9, 4, 7};
static const int32_t partner_label[COUNT] = {1, 3, 0, 8, 7};
static const float lambda[COUNT] = {0.75f, 0.4f, 1.0f, 0.0f, 0.123f};

/* timm: one_hot(k) is off everywhere and on at k; target = one_hot(y) * l + one_hot(p) * (1 - l).
 */
static double timm(uint32_t slot, int32_t class, double smoothing)
{
    const double off = smoothing / CLASSES;
    const double on = 1 - smoothing + off;
    double own = label[slot] == class ? on : off;
    double partner = partner_label[slot] == class ? on : off;
    return own * (double)lambda[slot] + partner * (1 - (double)lambda[slot]);
}

START_TEST(every_row_equals_timms_formula)
{
    static const double smoothings[] = {0, 0.1f, 0.5f, 1};
    double smoothing = smoothings[_i];
    float target[COUNT * CLASSES];
    ck_assert_int_eq(
        stk_soft_labels(label, partner_label, lambda, COUNT, CLASSES, smoothing, target), STK_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        for (int32_t k = 0; k < CLASSES; k++)
            ck_assert_double_eq_tol((double)target[i * CLASSES + (uint32_t)k],
                                    timm(i, k, smoothing), 1e-6);
    }
}
END_TEST

START_TEST(every_row_sums_to_one_also_where_both_labels_are_the_same)
{
    static const double smoothings[] = {0, 0.1f, 0.5f, 1};
    float target[COUNT * CLASSES];
    ck_assert_int_eq(
        stk_soft_labels(label, partner_label, lambda, COUNT, CLASSES, smoothings[_i], target),
        STK_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < CLASSES; k++)
            sum += (double)target[i * CLASSES + k];
        ck_assert_double_eq_tol(sum, 1, 1e-6);
    }
}
END_TEST

START_TEST(a_label_outside_the_classes_is_refused)
{
    float target[3];
    const float half = 0.5f;
    ck_assert_int_eq(stk_soft_labels(&(int32_t){3}, &(int32_t){0}, &half, 1, 3, 0, target),
                     STK_RANGE);
    ck_assert_int_eq(stk_soft_labels(&(int32_t){0}, &(int32_t){-1}, &half, 1, 3, 0, target),
                     STK_RANGE);
    ck_assert_int_eq(stk_soft_labels(&(int32_t){0}, &(int32_t){0}, &half, 1, 0, 0, target),
                     STK_RANGE);
}
END_TEST

START_TEST(a_lambda_or_a_smoothing_that_is_no_share_is_refused)
{
    float target[3];
    const int32_t zero = 0;
    const float half = 0.5f;
    static const float bad[] = {-0.01f, 1.01f, NAN};
    ck_assert_int_eq(stk_soft_labels(&zero, &zero, &bad[_i], 1, 3, 0, target), STK_RANGE);
    ck_assert_int_eq(stk_soft_labels(&zero, &zero, &half, 1, 3, (double)bad[_i], target),
                     STK_INVALID);
}
END_TEST

START_TEST(no_slots_write_nothing)
{
    float target = 42;
    ck_assert_int_eq(stk_soft_labels(NULL, NULL, NULL, 0, 3, 0.1, &target), STK_OK);
    ck_assert_float_eq(target, 42);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("soft_labels");
    tcase_add_loop_test(tests, every_row_equals_timms_formula, 0, 4);
    tcase_add_loop_test(tests, every_row_sums_to_one_also_where_both_labels_are_the_same, 0, 4);
    tcase_add_test(tests, a_label_outside_the_classes_is_refused);
    tcase_add_loop_test(tests, a_lambda_or_a_smoothing_that_is_no_share_is_refused, 0, 3);
    tcase_add_test(tests, no_slots_write_nothing);
    return suite_run("soft_labels", tests);
}
