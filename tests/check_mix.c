/*
 * Mixing: in place equals out of place, rounding is to nearest, nothing is biased.
 */
#include "daemon/mix/mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/rng.h"
#include "daemon/mix/blend.h"
#include "daemon/plan/permute.h"
#include "proto/half.h"
#include "tests/suite.h"

enum { SLOTS_MAX = 33, BYTES_MAX = 33001 };

static uint8_t before[SLOTS_MAX * BYTES_MAX];
static uint8_t after[SLOTS_MAX * BYTES_MAX];
static uint32_t partner[SLOTS_MAX];
static uint16_t weight[SLOTS_MAX];

static uint32_t draw(uint64_t position, uint32_t block)
{
    uint32_t words[4];
    rng_block(&(struct rng){17, 0, RNG_CROP, position}, block, words);
    return words[0];
}

static struct mix_pairs random_pairs(uint32_t count, uint64_t seed)
{
    struct permute permute;
    permute_init(&permute, &(struct rng){seed, 0, RNG_PARTNER, 0}, count);
    for (uint32_t i = 0; i < count; i++) {
        partner[i] = (uint32_t)permute_at(&permute, i);
        weight[i] = (uint16_t)(draw(seed, i) % (MIX_ONE + 1));
    }
    return (struct mix_pairs){partner, weight, count};
}

START_TEST(bytes_mixed_in_place_equal_the_formula)
{
    static const size_t lengths[] = {1, 3, 31, 16383, 16384, 16385, BYTES_MAX};
    for (uint64_t seed = 0; seed < 40; seed++) {
        uint32_t count = 1 + (uint32_t)seed % SLOTS_MAX;
        size_t bytes = lengths[seed % 7];
        for (size_t i = 0; i < count * bytes; i++)
            before[i] = (uint8_t)(draw(i, 1) >> 24);
        memcpy(after, before, count * bytes);
        struct mix_pairs pairs = random_pairs(count, seed);
        mix_images(after, bytes, STK_U8, &pairs);
        size_t wrong = 0;
        for (uint32_t slot = 0; slot < count; slot++) {
            for (size_t i = 0; i < bytes; i++) {
                unsigned a = before[slot * bytes + i];
                unsigned b = before[partner[slot] * bytes + i];
                double exact =
                    (double)weight[slot] / MIX_ONE * a + (1 - (double)weight[slot] / MIX_ONE) * b;
                wrong += after[slot * bytes + i] != (unsigned)floor(exact + 0.5);
            }
        }
        ck_assert_uint_eq(wrong, 0);
    }
}
END_TEST

START_TEST(floats_mixed_in_place_equal_the_formula)
{
    enum { COUNT = 9, ELEMENTS = 1500 };
    static float own[COUNT * ELEMENTS];
    static float mixed[COUNT * ELEMENTS];
    for (size_t i = 0; i < COUNT * ELEMENTS; i++)
        own[i] = (float)draw(i, 2) / 1e9f - 2.0f;
    memcpy(mixed, own, sizeof own);
    struct mix_pairs pairs = random_pairs(COUNT, 5);
    mix_images(mixed, ELEMENTS * sizeof(float), STK_F32, &pairs);
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        float l = (float)weight[slot] / MIX_ONE;
        for (size_t i = 0; i < ELEMENTS; i++) {
            float a = own[slot * ELEMENTS + i];
            float b = own[partner[slot] * ELEMENTS + i];
            volatile float left = l * a;
            volatile float right = (1.0f - l) * b;
            float expected = partner[slot] == slot ? a : left + right;
            ck_assert_float_eq(mixed[slot * ELEMENTS + i], expected);
        }
    }
}
END_TEST

/* One of the two formats of 16 bits. */
struct halves {
    enum stk_dtype dtype;
    uint16_t (*encode)(double value);
    float (*decode)(uint16_t half);
    uint16_t exponent; /* all of its bits: infinity */
};

static const struct halves halves[] = {
    {STK_F16, stk_f16_encode, stk_f16_decode, 0x7c00},
    {STK_BF16, stk_bf16_encode, stk_bf16_decode, 0x7f80},
};

enum { HALVES = sizeof halves / sizeof halves[0] };

/* Any bits but infinity and NaN, which lose a bit of their exponent. */
static uint16_t finite_half(const struct halves *format, unsigned bits)
{
    bool special = (bits & format->exponent) == format->exponent;
    return (uint16_t)(special ? bits & ~0x4000u : bits);
}

START_TEST(halves_mixed_in_place_equal_the_formula)
{
    enum { COUNT = 11, ELEMENTS = 9001 };
    static uint16_t own[COUNT * ELEMENTS];
    static uint16_t mixed[COUNT * ELEMENTS];
    const struct halves *format = &halves[_i];
    for (size_t i = 0; i < COUNT * ELEMENTS; i++)
        own[i] = finite_half(format, draw(i, 3) >> 16);
    memcpy(mixed, own, sizeof own);
    struct mix_pairs pairs = random_pairs(COUNT, 6);
    mix_images(mixed, ELEMENTS * sizeof *mixed, format->dtype, &pairs);
    size_t changed = 0;
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        float l = (float)weight[slot] / MIX_ONE;
        for (size_t i = 0; i < ELEMENTS; i++) {
            uint16_t a = own[slot * ELEMENTS + i];
            uint16_t b = own[partner[slot] * ELEMENTS + i];
            volatile float left = l * format->decode(a);
            volatile float right = (1.0f - l) * format->decode(b);
            volatile float sum = left + right;
            uint16_t expected = partner[slot] == slot ? a : format->encode((double)sum);
            ck_assert_uint_eq(mixed[slot * ELEMENTS + i], expected);
            changed += expected != a;
        }
    }
    ck_assert_uint_gt(changed, COUNT * ELEMENTS / 2);
}
END_TEST

/* Every finite half, beside others of the same and of any size, under many weights, at every
 * offset from a block's start; sums meet ties, subnormal numbers and zero of both signs. */
START_TEST(the_fast_blend_of_halves_equals_the_plain_one)
{
    enum { LEN = 65536 + 31 };
    static uint16_t own[LEN], fast[LEN], other[LEN];
    const struct blend *blend = blend_avx2();
    if (blend == NULL)
        return; /* this processor has only the plain one */
    const struct halves *format = &halves[_i];
    bool f16 = format->dtype == STK_F16;
    for (unsigned w = 0; w <= MIX_ONE; w += w % 3 == 0 ? 128 : 131) {
        unsigned apart = w % 4 == 0 ? 1 : 40503; /* odd: all are met */
        for (unsigned i = 0; i < LEN; i++) {
            own[i] = fast[i] = finite_half(format, i & 0xffff);
            other[i] = finite_half(format, (i * apart + w) & 0xffff);
        }
        size_t skipped = w % 32;
        void (*plain)(uint16_t *, const uint16_t *, size_t, uint16_t) =
            f16 ? blend_plain.f16 : blend_plain.bf16;
        plain(own + skipped, other + skipped, LEN - skipped, (uint16_t)w);
        (f16 ? blend->f16 : blend->bf16)(fast + skipped, other + skipped, LEN - skipped,
                                         (uint16_t)w);
        ck_assert_mem_eq(own, fast, sizeof own);
    }
}
END_TEST

/* No mean of two finite numbers is beyond them, so mixing makes no infinity. */
START_TEST(the_largest_halves_stay_finite)
{
    const struct halves *format = &halves[_i];
    uint16_t largest = (uint16_t)(format->exponent - 1);
    for (unsigned w = 0; w <= MIX_ONE; w++) {
        uint16_t images[2] = {largest, largest};
        uint32_t swap[2] = {1, 0};
        uint16_t weights[2] = {(uint16_t)w, (uint16_t)(MIX_ONE - w)};
        mix_images(images, sizeof images[0], format->dtype, &(struct mix_pairs){swap, weights, 2});
        ck_assert_uint_eq(images[0], largest);
        ck_assert_uint_eq(images[1], largest);
    }
}
END_TEST

/* Every pair of values under many weights, at every offset from a block's start. */
START_TEST(the_fast_blend_equals_the_plain_one)
{
    enum { LEN = 256 * 256 + 31 };
    static uint8_t own[LEN], fast[LEN], other[LEN];
    static float own_f32[LEN], fast_f32[LEN], other_f32[LEN];
    const struct blend *blend = blend_avx2();
    if (blend == NULL)
        return; /* this processor has only the plain one */
    for (unsigned w = 0; w <= MIX_ONE; w += 127) {
        for (size_t i = 0; i < LEN; i++) {
            own[i] = fast[i] = (uint8_t)i;
            other[i] = (uint8_t)(i >> 8);
            own_f32[i] = fast_f32[i] = (float)own[i] / 57.0f - 2.1f;
            other_f32[i] = (float)other[i] / 58.0f - 2.0f;
        }
        size_t skipped = w % 32;
        blend_plain.u8(own + skipped, other + skipped, LEN - skipped, (uint16_t)w);
        blend->u8(fast + skipped, other + skipped, LEN - skipped, (uint16_t)w);
        ck_assert_mem_eq(own, fast, sizeof own);
        blend_plain.f32(own_f32, other_f32, LEN - skipped, (uint16_t)w);
        blend->f32(fast_f32, other_f32, LEN - skipped, (uint16_t)w);
        ck_assert_mem_eq(own_f32, fast_f32, sizeof own_f32);
    }
}
END_TEST

START_TEST(a_slot_mixed_with_itself_stays)
{
    uint8_t images[4] = {0, 1, 254, 255};
    uint32_t self = 0;
    uint16_t third = MIX_ONE / 3;
    mix_images(images, 4, STK_U8, &(struct mix_pairs){&self, &third, 1});
    ck_assert_mem_eq(images, ((uint8_t[]){0, 1, 254, 255}), 4);
}
END_TEST

START_TEST(weights_zero_and_one_copy_and_keep)
{
    uint8_t images[2] = {10, 200};
    uint32_t swap[2] = {1, 0};
    uint16_t weights[2] = {0, MIX_ONE};
    mix_images(images, 1, STK_U8, &(struct mix_pairs){swap, weights, 2});
    ck_assert_uint_eq(images[0], 200);
    ck_assert_uint_eq(images[1], 200);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("mix");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, bytes_mixed_in_place_equal_the_formula);
    tcase_add_test(tests, floats_mixed_in_place_equal_the_formula);
    tcase_add_test(tests, the_fast_blend_equals_the_plain_one);
    tcase_add_loop_test(tests, halves_mixed_in_place_equal_the_formula, 0, HALVES);
    tcase_add_loop_test(tests, the_fast_blend_of_halves_equals_the_plain_one, 0, HALVES);
    tcase_add_loop_test(tests, the_largest_halves_stay_finite, 0, HALVES);
    tcase_add_test(tests, a_slot_mixed_with_itself_stays);
    tcase_add_test(tests, weights_zero_and_one_copy_and_keep);
    return suite_run("mix", tests);
}
