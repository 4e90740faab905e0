/*
 * Kernels: every variant of this machine makes the plain one's bytes.  Tolerance: 0.
 */
#include "tests/kernels.h"
#include "tests/suite.h"

START_TEST(avx2_equals_the_plain_kernel)
{
    ck_assert(kernel_avx2() == NULL || kernels_equal(kernel_avx2(), 4000));
}
END_TEST

START_TEST(neon_equals_the_plain_kernel)
{
    ck_assert(kernel_neon() == NULL || kernels_equal(kernel_neon(), 4000));
}
END_TEST

/* By hand: three pixels of a box of three, weights of 1 and 0 and of a negative lobe. */
START_TEST(the_plain_kernel_rounds_and_clips_as_pillow_does)
{
    enum { ONE = 1 << AXIS_PRECISION_BITS };
    uint32_t start[] = {0, 0, 1, 0};
    uint32_t used[] = {1, 2, 2, 2};
    int32_t weight[] = {ONE, 0, ONE / 2, ONE / 2, ONE + ONE / 4, -ONE / 4, -ONE / 4, ONE + ONE / 4};
    struct axis axis = {.count = 4, .taps = 2, .end = 3, .start = start, .used = used};
    axis.weight = weight;
    const uint8_t source[] = {10, 0, 255, 9, 11, 255, 0, 9, 200, 0, 254, 9};
    uint8_t line[12 + KERNEL_LINE_BYTES_EXTRA];
    kernel_plain.columns(&axis, NULL, source, line);
    /* 10.5 and 127.5 go up; -36.25 and -63.5 end at 0, 318.75 at 255. */
    const uint8_t expected[] = {10, 0, 255, 11, 128, 128, 0, 255, 0, 11, 255, 0};
    ck_assert_mem_eq(line, expected, sizeof expected);
    const uint8_t *lines[] = {&source[0], &source[4]};
    uint8_t row[3];
    kernel_plain.rows(lines, &weight[6], 2, row, 3);
    ck_assert_mem_eq(row, &expected[9], 3);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("kernel");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, avx2_equals_the_plain_kernel);
    tcase_add_test(tests, neon_equals_the_plain_kernel);
    tcase_add_test(tests, the_plain_kernel_rounds_and_clips_as_pillow_does);
    return suite_run("kernel", tests);
}
