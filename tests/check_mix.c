/*
 * Mixing: in place equals out of place, rounding is to nearest, nothing is biased, and a box has
 * the partner's bytes.
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

enum { SLOTS_MAX = 33, BYTES_MAX = 33003 };

/* Aligned for every dtype; room for boxes in floats, with partners of their own. */
static _Alignas(64) uint8_t before[2 * SLOTS_MAX * BYTES_MAX];
static _Alignas(64) uint8_t after[2 * SLOTS_MAX * BYTES_MAX];
static struct plan_slot slots[SLOTS_MAX];

static uint32_t draw(uint64_t position, uint32_t block)
{
    uint32_t words[4];
    rng_block(&(struct rng){17, 0, RNG_CROP, position}, block, words);
    return words[0];
}

/* A random permutation of the first count slots, all of them blended. */
static void draw_slots(uint32_t count, uint64_t seed)
{
    struct permute permute;
    permute_init(&permute, &(struct rng){seed, 0, RNG_PARTNER, 0}, count);
    for (uint32_t i = 0; i < count; i++)
        slots[i] = (struct plan_slot){.mixing = PLAN_BLEND,
                                      .partner = (uint32_t)permute_at(&permute, i),
                                      .weight = (uint16_t)(draw(seed, i) % (MIX_ONE + 1))};
}

/* Mix pictures of one line, of so many bytes each. */
static void mix_lines(void *images, size_t bytes, enum stk_dtype dtype, uint32_t count)
{
    uint32_t width = (uint32_t)(bytes / stk_dtype_bytes(dtype) / 3);
    ck_assert_uint_eq(width * 3 * stk_dtype_bytes(dtype), bytes);
    const struct mix_format format = {1, width, dtype, STK_NHWC};
    mix_images(&format, images, NULL, slots, count);
}

START_TEST(bytes_mixed_in_place_equal_the_formula)
{
    static const size_t lengths[] = {3, 9, 33, 16383, 16386, 32768 + 1, BYTES_MAX};
    for (uint64_t seed = 0; seed < 40; seed++) {
        uint32_t count = 1 + (uint32_t)seed % SLOTS_MAX;
        size_t bytes = lengths[seed % 7];
        for (size_t i = 0; i < count * bytes; i++)
            before[i] = (uint8_t)(draw(i, 1) >> 24);
        memcpy(after, before, count * bytes);
        draw_slots(count, seed);
        mix_lines(after, bytes, STK_U8, count);
        size_t wrong = 0;
        for (uint32_t slot = 0; slot < count; slot++) {
            for (size_t i = 0; i < bytes; i++) {
                unsigned a = before[slot * bytes + i];
                unsigned b = before[slots[slot].partner * bytes + i];
                double exact = (double)slots[slot].weight / MIX_ONE * a +
                               (1 - (double)slots[slot].weight / MIX_ONE) * b;
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
    draw_slots(COUNT, 5);
    mix_lines(mixed, ELEMENTS * sizeof(float), STK_F32, COUNT);
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        float l = (float)slots[slot].weight / MIX_ONE;
        for (size_t i = 0; i < ELEMENTS; i++) {
            float a = own[slot * ELEMENTS + i];
            float b = own[slots[slot].partner * ELEMENTS + i];
            volatile float left = l * a;
            volatile float right = (1.0f - l) * b;
            float expected = slots[slot].partner == slot ? a : left + right;
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
    enum { COUNT = 11, ELEMENTS = 9003 };
    static uint16_t own[COUNT * ELEMENTS];
    static uint16_t mixed[COUNT * ELEMENTS];
    const struct halves *format = &halves[_i];
    for (size_t i = 0; i < COUNT * ELEMENTS; i++)
        own[i] = finite_half(format, draw(i, 3) >> 16);
    memcpy(mixed, own, sizeof own);
    draw_slots(COUNT, 6);
    mix_lines(mixed, ELEMENTS * sizeof *mixed, format->dtype, COUNT);
    size_t changed = 0;
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        float l = (float)slots[slot].weight / MIX_ONE;
        for (size_t i = 0; i < ELEMENTS; i++) {
            uint16_t a = own[slot * ELEMENTS + i];
            uint16_t b = own[slots[slot].partner * ELEMENTS + i];
            volatile float left = l * format->decode(a);
            volatile float right = (1.0f - l) * format->decode(b);
            volatile float sum = left + right;
            uint16_t expected = slots[slot].partner == slot ? a : format->encode((double)sum);
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
        uint16_t images[6] = {largest, largest, largest, largest, largest, largest};
        slots[0] = (struct plan_slot){.mixing = PLAN_BLEND, .partner = 1, .weight = (uint16_t)w};
        slots[1] = (struct plan_slot){
            .mixing = PLAN_BLEND, .partner = 0, .weight = (uint16_t)(MIX_ONE - w)};
        mix_lines(images, sizeof images / 2, format->dtype, 2);
        for (int i = 0; i < 6; i++)
            ck_assert_uint_eq(images[i], largest);
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
    uint8_t images[3] = {0, 127, 255};
    slots[0] = (struct plan_slot){.mixing = PLAN_BLEND, .weight = MIX_ONE / 3};
    mix_lines(images, 3, STK_U8, 1);
    ck_assert_mem_eq(images, ((uint8_t[]){0, 127, 255}), 3);
    slots[0] = (struct plan_slot){.mixing = PLAN_CUT, .cut = {0, 0, 1, 1}};
    mix_lines(images, 3, STK_U8, 1);
    ck_assert_mem_eq(images, ((uint8_t[]){0, 127, 255}), 3);
}
END_TEST

START_TEST(weights_zero_and_one_copy_and_keep)
{
    uint8_t images[6] = {10, 11, 12, 200, 201, 202};
    slots[0] = (struct plan_slot){.mixing = PLAN_BLEND, .partner = 1, .weight = 0};
    slots[1] = (struct plan_slot){.mixing = PLAN_BLEND, .partner = 0, .weight = MIX_ONE};
    mix_lines(images, 3, STK_U8, 2);
    ck_assert_mem_eq(images, ((uint8_t[]){200, 201, 202, 200, 201, 202}), 6);
}
END_TEST

/* Pictures of several stripes whose rows no stripe begins with. */
enum { CUT_HEIGHT = 71, CUT_WIDTH = 83, CUT_COUNT = 13 };
enum { CUT_ELEMENTS = 3 * CUT_HEIGHT * CUT_WIDTH };

static const enum stk_dtype dtypes[] = {STK_U8, STK_F32, STK_F16, STK_BF16};

/* Every third slot kept, blended with a weight of 0 or cut: all three are copies, so the expected
 * bytes need no arithmetic.  Boxes reach edges and corners, and some are empty. */
static void draw_copies(uint64_t seed)
{
    draw_slots(CUT_COUNT, seed);
    for (uint32_t i = 0; i < CUT_COUNT; i++) {
        struct plan_slot *slot = &slots[i];
        slot->mixing = (enum plan_mixing)(draw(seed, 100 + i) % 4 % 3);
        slot->weight = 0;
        slot->cut.top = (int32_t)(draw(seed, 200 + i) % CUT_HEIGHT);
        slot->cut.left = (int32_t)(draw(seed, 300 + i) % CUT_WIDTH);
        slot->cut.height = (int32_t)(draw(seed, 400 + i) % (CUT_HEIGHT + 1));
        slot->cut.width = (int32_t)(draw(seed, 500 + i) % (CUT_WIDTH + 1));
        if (slot->cut.height > CUT_HEIGHT - slot->cut.top)
            slot->cut.height = CUT_HEIGHT - slot->cut.top;
        if (slot->cut.width > CUT_WIDTH - slot->cut.left)
            slot->cut.width = CUT_WIDTH - slot->cut.left;
    }
}

static bool from_partner(const struct plan_slot *slot, const struct mix_format *format,
                         size_t element)
{
    size_t pixel = format->layout == STK_NHWC ? element / 3 : element % (CUT_HEIGHT * CUT_WIDTH);
    int32_t y = (int32_t)(pixel / CUT_WIDTH);
    int32_t x = (int32_t)(pixel % CUT_WIDTH);
    const struct box *cut = &slot->cut;
    bool inside =
        y >= cut->top && y < cut->top + cut->height && x >= cut->left && x < cut->left + cut->width;
    return slot->mixing == PLAN_BLEND || (slot->mixing == PLAN_CUT && inside);
}

/* Slots of the batch, or partners of their own, which stand in the second half of before. */
static void check_cuts(const struct mix_format *format, bool separate)
{
    size_t element = stk_dtype_bytes(format->dtype), bytes = CUT_ELEMENTS * element;
    uint8_t *partners = before + CUT_COUNT * bytes;
    memcpy(after, before, CUT_COUNT * bytes);
    mix_images(format, after, separate ? partners : NULL, slots, CUT_COUNT);
    size_t wrong = 0;
    for (uint32_t i = 0; i < CUT_COUNT; i++) {
        const uint8_t *own = before + i * bytes;
        const uint8_t *other = separate ? partners + i * bytes : before + slots[i].partner * bytes;
        for (size_t k = 0; k < CUT_ELEMENTS; k++) {
            const uint8_t *wanted = from_partner(&slots[i], format, k) ? other : own;
            wrong += memcmp(after + i * bytes + k * element, wanted + k * element, element) != 0;
        }
    }
    ck_assert_uint_eq(wrong, 0);
}

/* A finite number of the dtype, and no zero, whose sign a blend may change. */
static void draw_elements(enum stk_dtype dtype)
{
    for (size_t i = 0; i < 2 * CUT_COUNT * CUT_ELEMENTS; i++) {
        uint32_t bits = draw(i, 7);
        if (dtype == STK_U8)
            before[i] = (uint8_t)bits;
        else if (dtype == STK_F32)
            ((float *)(void *)before)[i] = (float)(bits | 1);
        else
            ((uint16_t *)(void *)before)[i] = (uint16_t)(bits & 0x3fff) | 0x2001;
    }
}

START_TEST(boxes_copied_in_place_equal_a_copy)
{
    enum stk_dtype dtype = dtypes[_i / 2];
    const struct mix_format format = {CUT_HEIGHT, CUT_WIDTH, dtype,
                                      _i % 2 == 0 ? STK_NHWC : STK_NCHW};
    draw_elements(dtype);
    for (uint64_t seed = 0; seed < 12; seed++) {
        draw_copies(seed);
        check_cuts(&format, seed % 3 == 0);
    }
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
    tcase_add_loop_test(tests, boxes_copied_in_place_equal_a_copy, 0, 8);
    return suite_run("mix", tests);
}
