/*
 * Axes and filters: every weight is Pillow's, computed here as Resample.c does, with libm's sine.
 */
#include "daemon/image/axis.h"

#include <math.h>
#include <string.h>

#include "daemon/image/filter.h"
#include "tests/suite.h"

enum { ONE = 1 << AXIS_PRECISION_BITS, TAPS_MAX = 8192, FILTERS = INTERPOLATION_NEAREST };

static double sinc(double x)
{
    return x == 0.0 ? 1.0 : sin(x * M_PI) / (x * M_PI);
}

static double curve(enum interpolation filter, double x)
{
    double y = fabs(x);
    switch (filter) {
    case INTERPOLATION_BILINEAR:
        return y < 1.0 ? 1.0 - y : 0.0;
    case INTERPOLATION_BICUBIC:
        if (y < 1.0)
            return ((-0.5 + 2.0) * y - (-0.5 + 3.0)) * y * y + 1;
        return y < 2.0 ? (((y - 5) * y + 8) * y - 4) * -0.5 : 0.0;
    case INTERPOLATION_BOX:
        return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
    case INTERPOLATION_LANCZOS:
        return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
    case INTERPOLATION_NEAREST:
        break;
    }
    return 0.0;
}

/* precompute_coeffs and normalize_coeffs_8bpc for one output; returns the first source pixel. */
static int pillows(enum interpolation filter, int source, int resized, int output, int *count,
                   int32_t *fixed)
{
    static const double supports[] = {1.0, 2.0, 0.5, 3.0};
    static double weights[TAPS_MAX];
    double scale = (double)source / resized;
    double stretch = scale < 1.0 ? 1.0 : scale;
    double support = supports[filter] * stretch;
    double center = 0 + (output + 0.5) * scale;
    int first = (int)(center - support + 0.5);
    int end = (int)(center + support + 0.5);
    first = first < 0 ? 0 : first;
    end = end > source ? source : end;
    double sum = 0.0;
    for (int i = 0; i < end - first; i++) {
        weights[i] = curve(filter, (i + first - center + 0.5) * (1.0 / stretch));
        sum += weights[i];
    }
    for (int i = 0; i < end - first; i++) {
        double weight = (sum != 0.0 ? weights[i] / sum : weights[i]) * ONE;
        fixed[i] = (int)(weight < 0 ? -0.5 + weight : 0.5 + weight);
    }
    *count = end - first;
    return first;
}

/* An axis holds the same weights, but for zeros at the ends. */
static void assert_output(const struct axis *axis, enum interpolation filter, int source,
                          int resized, int output, uint32_t at)
{
    static int32_t expected[TAPS_MAX];
    int count;
    int first = pillows(filter, source, resized, output, &count, expected);
    const int32_t *weight = &axis->weight[(size_t)at * axis->taps];
    int shift = (int)(axis->first + axis->start[at]) - first;
    ck_assert_int_ge(shift, 0);
    ck_assert_int_le(shift + (int)axis->used[at], count);
    for (int i = 0; i < count; i++) {
        bool kept = i >= shift && i < shift + (int)axis->used[at];
        ck_assert_msg(expected[i] == (kept ? weight[i - shift] : 0),
                      "filter %d, %d to %d, output %d, weight %d: %d", filter, source, resized,
                      output, i, expected[i]);
    }
}

static void assert_axis(struct axis *axis, enum interpolation filter, uint32_t source,
                        uint32_t resized)
{
    ck_assert_int_eq(axis_set(axis, filter, source, resized, 0, resized, false), STK_OK);
    for (uint32_t x = 0; x < resized; x++) {
        ck_assert_uint_le(axis->used[x], axis->taps);
        ck_assert_uint_le(axis->first + axis->start[x] + axis->used[x], axis->end);
        assert_output(axis, filter, (int)source, (int)resized, (int)x, x);
    }
}

START_TEST(every_weight_is_pillows)
{
    enum interpolation filter = (enum interpolation)_i;
    struct axis axis = {0};
    for (uint32_t source = 1; source <= 40; source++) {
        for (uint32_t resized = 1; resized <= 40; resized++)
            assert_axis(&axis, filter, source, resized);
    }
    for (uint32_t i = 0; i < 400; i++)
        assert_axis(&axis, filter, 1 + i * 7919 % 700, 1 + i * 104729 % 300);
    assert_axis(&axis, filter, 65535, 224);
    assert_axis(&axis, filter, 1, 8192);
    axis_release(&axis);
}
END_TEST

START_TEST(a_side_that_keeps_its_length_keeps_its_pixels)
{
    enum interpolation filter = (enum interpolation)_i;
    struct axis axis = {0};
    for (uint32_t side = 1; side <= 700; side++) {
        ck_assert_int_eq(axis_set(&axis, filter, side, side, 0, side, false), STK_OK);
        for (uint32_t x = 0; x < side; x++) {
            ck_assert_uint_eq(axis.used[x], 1);
            ck_assert_uint_eq(axis.first + axis.start[x], x);
            ck_assert_int_eq(axis.weight[x * axis.taps], ONE);
        }
    }
    axis_release(&axis);
}
END_TEST

START_TEST(a_window_is_a_part_of_the_whole_and_a_mirror_its_reverse)
{
    enum interpolation filter = (enum interpolation)_i;
    struct axis whole = {0}, part = {0};
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t source = 1 + i * 7919 % 500, resized = 2 + i * 104729 % 300;
        uint32_t window = i % (resized / 2 + 1), count = resized - window - i % (resized / 2);
        bool mirrored = i % 2 == 0;
        ck_assert_int_eq(axis_set(&whole, filter, source, resized, 0, resized, false), STK_OK);
        ck_assert_int_eq(axis_set(&part, filter, source, resized, window, count, mirrored), STK_OK);
        for (uint32_t x = 0; x < count; x++) {
            uint32_t in = window + x, at = mirrored ? count - 1 - x : x;
            ck_assert_uint_eq(part.used[at], whole.used[in]);
            ck_assert_uint_eq(part.first + part.start[at], whole.first + whole.start[in]);
            ck_assert_mem_eq(&part.weight[at * part.taps], &whole.weight[in * whole.taps],
                             part.used[at] * sizeof(int32_t));
        }
    }
    axis_release(&whole);
    axis_release(&part);
}
END_TEST

/* What the vector kernels' arithmetic rests on. */
START_TEST(absolute_weights_add_up_to_less_than_their_bound)
{
    enum interpolation filter = (enum interpolation)_i;
    struct axis axis = {0};
    int64_t most = 0;
    for (uint32_t source = 1; source <= 60; source++) {
        for (uint32_t resized = 1; resized <= 400; resized++) {
            ck_assert_int_eq(axis_set(&axis, filter, source, resized, 0, resized, false), STK_OK);
            for (uint32_t x = 0; x < resized; x++) {
                int64_t sum = 0;
                for (uint32_t i = 0; i < axis.used[x]; i++)
                    sum += labs(axis.weight[x * axis.taps + i]);
                most = sum > most ? sum : most;
            }
        }
    }
    ck_assert_int_lt(most, AXIS_WEIGHTS_MAX);
    ck_assert_int_ge(most, ONE);
    axis_release(&axis);
}
END_TEST

/* Where adding up and multiplying part, Pillow adds up; from output 0, whatever the window is. */
START_TEST(nearest_adds_its_positions_up_from_the_first_output)
{
    struct axis axis = {0};
    int apart = 0;
    for (uint32_t source = 1; source <= 700; source += 3) {
        for (uint32_t resized = 1; resized <= 300; resized += 2) {
            uint32_t window = resized / 3, count = resized - window;
            ck_assert_int_eq(
                axis_set(&axis, INTERPOLATION_NEAREST, source, resized, window, count, false),
                STK_OK);
            double scale = (double)source / resized, position = scale * 0.5;
            for (uint32_t x = 0; x < resized; x++, position += scale) {
                if (x < window)
                    continue;
                uint32_t pixel = axis.first + axis.start[x - window];
                ck_assert_uint_eq(pixel, (uint32_t)position);
                ck_assert_uint_eq(axis.used[x - window], 1);
                ck_assert_int_eq(axis.weight[x - window], ONE);
                apart += pixel != (uint32_t)((x + 0.5) * scale);
            }
        }
    }
    ck_assert_int_gt(apart, 0);
    axis_release(&axis);
}
END_TEST

START_TEST(the_sine_is_libms_to_the_last_digits)
{
    for (int i = 0; i < 1000000; i++) {
        double x = i * 9.43e-6;
        ck_assert_double_le(fabs(filter_sin(x) - sin(x)), 0x1p-51);
    }
    for (int k = 0; k <= 3; k++)
        ck_assert_double_le(fabs(filter_sin(k * M_PI) - sin(k * M_PI)), 0x1p-83);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("axis");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_weight_is_pillows, 0, FILTERS);
    tcase_add_loop_test(tests, a_side_that_keeps_its_length_keeps_its_pixels, 0, FILTERS + 1);
    tcase_add_loop_test(tests, a_window_is_a_part_of_the_whole_and_a_mirror_its_reverse, 0,
                        FILTERS + 1);
    tcase_add_loop_test(tests, absolute_weights_add_up_to_less_than_their_bound, 0, FILTERS);
    tcase_add_test(tests, nearest_adds_its_positions_up_from_the_first_output);
    tcase_add_test(tests, the_sine_is_libms_to_the_last_digits);
    return suite_run("axis", tests);
}
