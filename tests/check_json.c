/*
 * JSON: numbers that it has no form for.
 */
#include "client/command/json.h"

#include <math.h>
#include <string.h>

#include "tests/suite.h"

static void prints(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_REAL_PRECISION(REAL_DIGITS) | JSON_ENCODE_ANY);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, expected);
    free(text);
    json_decref(value);
}

START_TEST(a_real_is_a_number)
{
    prints(json_of_real(0.25), "0.25");
    prints(json_of_real(-0.0), "-0.0");
    prints(json_of_real(3.4028234663852886e38), "3.40282346638529e38");
}
END_TEST

START_TEST(what_is_not_finite_is_a_word)
{
    prints(json_of_real(NAN), "\"NaN\"");
    prints(json_of_real(-NAN), "\"NaN\"");
    prints(json_of_real(INFINITY), "\"Infinity\"");
    prints(json_of_real(-INFINITY), "\"-Infinity\"");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("json");
    tcase_add_test(tests, a_real_is_a_number);
    tcase_add_test(tests, what_is_not_finite_is_a_word);
    return suite_run("json", tests);
}
