/*
 * Halves: every one of them, and every border between two of them.
 */
#include "proto/half.h"

#include <math.h>
#include <string.h>

#include "tests/suite.h"

/* One of the two formats. */
struct format {
    const char *name;
    uint16_t (*encode)(double value);
    float (*decode)(uint16_t half);
    uint16_t infinity;
    uint16_t quiet;      /* the bit that makes a NaN quiet */
    double step_min;     /* the smallest subnormal number */
    double overflow;     /* half a step beyond the largest number: rounds to infinity */
    unsigned payload_at; /* of a NaN in a double */
};

static const struct format formats[] = {
    {"f16", stk_f16_encode, stk_f16_decode, 0x7c00, 0x0200, 0x1p-24, 65520.0, 42},
    {"bf16", stk_bf16_encode, stk_bf16_decode, 0x7f80, 0x0040, 0x1p-133, 0x1.ffp127, 45},
};

enum { FORMATS = sizeof formats / sizeof formats[0] };

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The number that a finite half is, from its fields alone. */
static double value_of(const struct format *format, uint16_t half)
{
    unsigned step = (unsigned)(format->quiet) * 2; /* halves of one exponent */
    unsigned exponent = half / step, mantissa = half % step;
    if (exponent == 0)
        return mantissa * format->step_min;
    return ldexp((step + mantissa) * format->step_min, (int)exponent - 1);
}

START_TEST(every_number_survives_a_round_trip)
{
    const struct format *format = &formats[_i];
    for (unsigned half = 0; half < format->infinity; half++) {
        double value = value_of(format, (uint16_t)half);
        ck_assert_msg((double)format->decode((uint16_t)half) == value, "%s %x", format->name, half);
        ck_assert_uint_eq(format->encode(value), half);
        ck_assert_uint_eq(format->encode(-value), half | 0x8000u);
        float negative = format->decode((uint16_t)(half | 0x8000u));
        ck_assert((double)negative == -value && signbit(negative));
    }
}
END_TEST

/* The middle of two neighbours goes to the even one, and a hair beside it to the near one. */
START_TEST(every_tie_goes_to_the_even_neighbour)
{
    const struct format *format = &formats[_i];
    for (unsigned half = 0; half + 1 < format->infinity; half++) {
        double low = value_of(format, (uint16_t)half);
        double high = value_of(format, (uint16_t)(half + 1));
        double middle = low + (high - low) / 2;
        ck_assert_uint_eq(format->encode(middle), half + half % 2);
        ck_assert_uint_eq(format->encode(-middle), (half + half % 2) | 0x8000u);
        ck_assert_uint_eq(format->encode(nextafter(middle, 0.0)), half);
        ck_assert_uint_eq(format->encode(nextafter(middle, INFINITY)), half + 1);
        ck_assert_uint_eq(format->encode(nextafter(low, INFINITY)), half);
        ck_assert_uint_eq(format->encode(nextafter(high, 0.0)), half + 1);
    }
}
END_TEST

START_TEST(what_is_too_large_becomes_infinity_and_what_is_too_small_zero)
{
    const struct format *format = &formats[_i];
    uint16_t largest = (uint16_t)(format->infinity - 1);
    ck_assert_uint_eq(format->encode(nextafter(format->overflow, 0.0)), largest);
    ck_assert_uint_eq(format->encode(format->overflow), format->infinity);
    ck_assert_uint_eq(format->encode(-format->overflow), format->infinity | 0x8000u);
    ck_assert_uint_eq(format->encode(1e308), format->infinity);
    ck_assert_uint_eq(format->encode(INFINITY), format->infinity);
    ck_assert(isinf(format->decode(format->infinity)));
    ck_assert(format->decode(format->infinity | 0x8000) == -INFINITY);
    ck_assert_uint_eq(format->encode(format->step_min / 2), 0);
    ck_assert_uint_eq(format->encode(-format->step_min / 2), 0x8000);
    ck_assert_uint_eq(format->encode(nextafter(format->step_min / 2, 1.0)), 1);
    ck_assert_uint_eq(format->encode(0x1p-1074), 0);
    ck_assert_uint_eq(format->encode(-0.0), 0x8000);
}
END_TEST

START_TEST(nan_stays_nan_and_becomes_quiet)
{
    const struct format *format = &formats[_i];
    for (unsigned half = format->infinity + 1u; half < 0x8000; half++) {
        float value = format->decode((uint16_t)half);
        ck_assert(isnan(value));
        uint64_t payload = half - format->infinity;
        double wide = double_of(bits_of((double)INFINITY) | payload << format->payload_at);
        ck_assert_uint_eq(format->encode(wide), half | format->quiet);
        ck_assert_uint_eq(format->encode((double)value), half | format->quiet);
    }
    /* A payload that does not fit is not lost to infinity. */
    double tiny = double_of(bits_of((double)INFINITY) + 1);
    ck_assert_uint_eq(format->encode(tiny), format->infinity | format->quiet);
    ck_assert_uint_eq(format->encode(copysign(NAN, -1.0)),
                      format->infinity | format->quiet | 0x8000u);
}
END_TEST

/* Rounding twice, to float first, goes wrong here: the float is a tie, the double is not. */
START_TEST(a_double_is_rounded_once)
{
    double beside_f16 = 1.0 + 0x1p-11 - 0x1p-40; /* below the middle of 1 and 1 + 2^-10 */
    double above_f16 = 1.0 + 0x1p-11 + 0x1p-40;  /* above it */
    double above_bf16 = 1.0 + 0x1p-8 + 0x1p-40;
    ck_assert_uint_eq(stk_f16_encode(beside_f16), 0x3c00);
    ck_assert_uint_eq(stk_f16_encode(above_f16), 0x3c01);
    ck_assert_uint_eq(stk_f16_encode((double)(float)above_f16), 0x3c00);
    ck_assert_uint_eq(stk_bf16_encode(above_bf16), 0x3f81);
    ck_assert_uint_eq(stk_bf16_encode((double)(float)above_bf16), 0x3f80);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("half");
    tcase_add_loop_test(tests, every_number_survives_a_round_trip, 0, FORMATS);
    tcase_add_loop_test(tests, every_tie_goes_to_the_even_neighbour, 0, FORMATS);
    tcase_add_loop_test(tests, what_is_too_large_becomes_infinity_and_what_is_too_small_zero, 0,
                        FORMATS);
    tcase_add_loop_test(tests, nan_stays_nan_and_becomes_quiet, 0, FORMATS);
    tcase_add_test(tests, a_double_is_rounded_once);
    return suite_run("half", tests);
}
