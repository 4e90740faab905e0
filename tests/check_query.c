/*
 * Queries: what is taken is within bounds, and nothing else is.
 */
#include "daemon/query.h"

#include <string.h>

#include "tests/suite.h"

#define FP "00112233445566778899aabbccddeeff"

/* Takes "key=value" pairs, parted by '&'; a value may hold anything else. */
static enum stk_status read(enum query_kind kind, const char *text, struct query *query)
{
    const char *sentence = NULL;
    *query = query_of(kind);
    while (*text != '\0') {
        char key[32] = "";
        size_t key_len = strcspn(text, "=");
        memcpy(key, text, key_len);
        const char *value = text + key_len + 1;
        size_t len = strcspn(value, "&");
        enum stk_status status = query_take(query, key, value, len, &sentence);
        if (status != STK_OK) {
            ck_assert_ptr_nonnull(sentence);
            return status;
        }
        text = value + len + (value[len] == '&');
    }
    return query_check(query, &sentence);
}

START_TEST(a_batch_is_asked_for_by_its_address)
{
    struct query query;
    ck_assert_int_eq(
        read(QUERY_BATCH, "step=18446744073709551615&stream=train&epoch=4294967295", &query),
        STK_OK);
    ck_assert_str_eq(query.stream, "train");
    ck_assert_uint_eq(query.address.epoch, UINT32_MAX);
    ck_assert_uint_eq(query.address.step, UINT64_MAX);
    ck_assert_uint_eq(query.slot, 0);
    ck_assert_uint_eq(query.slot_count, 16);
    ck_assert(query_is_addressed(&query));
}
END_TEST

START_TEST(the_newest_batch_is_asked_for_without_one)
{
    struct query query;
    ck_assert_int_eq(read(QUERY_BATCH, "stream=a&slots=8176-5", &query), STK_OK);
    ck_assert(!query_is_addressed(&query));
    ck_assert_uint_eq(query.slot, 8176);
    ck_assert_uint_eq(query.slot_count, 5);
}
END_TEST

START_TEST(a_picture_is_asked_for_with_everything)
{
    static const char *const shows[] = {"served", "own", "partner", "own_source", "partner_source"};
    for (int i = 0; i < PEEK_SHOWS; i++) {
        struct query query;
        char text[256];
        snprintf(text, sizeof text, "stream=a&epoch=1&step=2&slot=8191&fp=" FP "&show=%s",
                 shows[i]);
        ck_assert_int_eq(read(QUERY_PICTURE, text, &query), STK_OK);
        ck_assert_uint_eq(query.slot, 8191);
        ck_assert_int_eq(query.show, i);
        ck_assert_uint_eq(query.fingerprint.bytes[0], 0);
        ck_assert_uint_eq(query.fingerprint.bytes[15], 0xff);
    }
}
END_TEST

static void assert_refused(enum query_kind kind, const char *const *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct query query;
        ck_assert_msg(read(kind, bad[i], &query) == STK_INVALID, "%s", bad[i]);
    }
}

START_TEST(what_is_out_of_bounds_is_refused)
{
    static const char *const bad[] = {
        "",
        "epoch=1&step=1",
        "stream=",
        "stream=a&epoch=1",
        "stream=a&step=1",
        "stream=a&stream=a",
        "stream=a&epoch=1&step=1&epoch=1",
        "stream=a&slot=1",
        "stream=a&show=own",
        "stream=a&fp=" FP,
        "stream=a&token=x",
        "=",
        "STREAM=a",
        "stream=a&epoch=&step=1",
        "stream=a&epoch=4294967296&step=1",
        "stream=a&epoch=42949672950&step=1",
        "stream=a&epoch=-1&step=1",
        "stream=a&epoch=+1&step=1",
        "stream=a&epoch= 1&step=1",
        "stream=a&epoch=1.0&step=1",
        "stream=a&epoch=0x1&step=1",
        "stream=a&epoch=1&step=18446744073709551616",
        "stream=a&epoch=1&step=99999999999999999999999999999",
        "stream=a&epoch=1&step=\xff",
        "stream=a&slots=",
        "stream=a&slots=-",
        "stream=a&slots=0",
        "stream=a&slots=0-0",
        "stream=a&slots=0-17",
        "stream=a&slots=8192-1",
        "stream=a&slots=0-1-2",
        "stream=a&slots=--1",
        "stream=a&slots=1-",
        "stream=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    assert_refused(QUERY_BATCH, bad, sizeof bad / sizeof bad[0]);
}
END_TEST

START_TEST(a_picture_without_something_is_refused)
{
    static const char *const bad[] = {
        "epoch=1&step=2&slot=3&fp=" FP "&show=own",
        "stream=a&step=2&slot=3&fp=" FP "&show=own",
        "stream=a&epoch=1&slot=3&fp=" FP "&show=own",
        "stream=a&epoch=1&step=2&fp=" FP "&show=own",
        "stream=a&epoch=1&step=2&slot=3&show=own",
        "stream=a&epoch=1&step=2&slot=3&fp=" FP,
        "stream=a&epoch=1&step=2&slot=3&fp=" FP "&show=own&slots=0-1",
        "stream=a&epoch=1&step=2&slot=8192&fp=" FP "&show=own",
        "stream=a&epoch=1&step=2&slot=3&fp=" FP "&show=Own",
        "stream=a&epoch=1&step=2&slot=3&fp=" FP "&show=",
        "stream=a&epoch=1&step=2&slot=3&fp=" FP "0&show=own",
        "stream=a&epoch=1&step=2&slot=3&fp=&show=own",
        "stream=a&epoch=1&step=2&slot=3&fp=0011223344556677889 aabbccddeeff&show=own",
        "stream=a&epoch=1&step=2&slot=3&fp=00112233445566778899AABBCCDDEEFF&show=own",
    };
    assert_refused(QUERY_PICTURE, bad, sizeof bad / sizeof bad[0]);
}
END_TEST

START_TEST(zero_bytes_are_no_part_of_a_value)
{
    const char *sentence;
    struct query query = query_of(QUERY_PICTURE);
    ck_assert_int_eq(query_take(&query, "stream", "a\0b", 3, &sentence), STK_INVALID);
    ck_assert_int_eq(query_take(&query, "epoch", "1\0", 2, &sentence), STK_INVALID);
    ck_assert_int_eq(query_take(&query, "show", "own\0", 4, &sentence), STK_INVALID);
    char zeros[32] = {0};
    ck_assert_int_eq(query_take(&query, "fp", zeros, sizeof zeros, &sentence), STK_INVALID);
}
END_TEST

/* Bytes of a fixed sequence: whatever they are, what is taken is within bounds. */
START_TEST(no_bytes_lead_out_of_bounds)
{
    static const char *const keys[] = {"stream", "epoch", "step", "slot", "slots", "show", "fp"};
    static const char alphabet[] = "0123456789-abcdef\0 \xff%";
    uint64_t state = 1;
    for (int i = 0; i < 200000; i++) {
        char value[80];
        const char *sentence;
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        struct query query = query_of(state >> 40 & 1 ? QUERY_BATCH : QUERY_PICTURE);
        size_t len = (size_t)(state >> 33) % sizeof value;
        for (size_t k = 0; k < len; k++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
            value[k] = alphabet[(state >> 33) % (sizeof alphabet - 1)];
        }
        (void)!query_take(&query, keys[(unsigned)i % 7], value, len, &sentence);
        ck_assert_uint_lt(query.slot, STK_BATCH_MAX);
        ck_assert_uint_le(query.slot_count, QUERY_SLOTS_MAX);
        ck_assert_uint_lt(query.show, PEEK_SHOWS);
        ck_assert_ptr_nonnull(memchr(query.stream, '\0', sizeof query.stream));
        ck_assert_ptr_nonnull(sentence);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("query");
    tcase_add_test(tests, a_batch_is_asked_for_by_its_address);
    tcase_add_test(tests, the_newest_batch_is_asked_for_without_one);
    tcase_add_test(tests, a_picture_is_asked_for_with_everything);
    tcase_add_test(tests, what_is_out_of_bounds_is_refused);
    tcase_add_test(tests, a_picture_without_something_is_refused);
    tcase_add_test(tests, zero_bytes_are_no_part_of_a_value);
    tcase_add_test(tests, no_bytes_lead_out_of_bounds);
    return suite_run("query", tests);
}
