/*
 * Messages that strangers send: nothing that is wrong is accepted, nor does harm.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/rng.h"
#include "proto/message.h"
#include "tests/golden_messages.h"

/* What is wrong with it, its bytes, and what is said of it. */
static const struct {
    const char *what;
    const char *bytes;
    size_t len;
    enum stk_status status;
} strangers[] = {
#define BYTES(s) s, sizeof s - 1
    {"nothing", BYTES(""), STK_INVALID},
    {"not a map", BYTES("\x93\x01\x02\x03"), STK_INVALID},
    {"a text", BYTES("\xa5hello"), STK_INVALID},
    {"never used", BYTES("\xc1"), STK_INVALID},
    {"an empty map", BYTES("\x80"), STK_INVALID},
    {"a key cut short", BYTES("\x81\xa1"), STK_INVALID},
    {"a value missing", BYTES("\x81\xa1k"), STK_INVALID},
    {"bytes behind the end", BYTES("\x82\xa1k\xa5stats\xa2id\x01\x00"), STK_INVALID},
    {"a number as key", BYTES("\x82\xa1k\xa5stats\x07\x01"), STK_INVALID},
    {"a key twice", BYTES("\x83\xa1k\xa5stats\xa2id\x01\xa2id\x02"), STK_INVALID},
    {"a map of 2^32-1", BYTES("\xdf\xff\xff\xff\xff"), STK_INVALID},
    {"an array of 2^32-1", BYTES("\x81\xa1k\xdd\xff\xff\xff\xff"), STK_INVALID},
    {"a text of 2^32-1", BYTES("\x81\xa1k\xdb\xff\xff\xff\xff"), STK_INVALID},
    {"not UTF-8", BYTES("\x82\xa1k\xa5stat\xff\xa2id\x01"), STK_INVALID},
    {"an overlong slash", BYTES("\x82\xa1k\xa2\xc0\xaf\xa2id\x01"), STK_INVALID},
    {"a surrogate", BYTES("\x82\xa1k\xa3\xed\xa0\x80\xa2id\x01"), STK_INVALID},
    {"seven deep", BYTES("\x83\xa1k\xa5stats\xa2id\x01\xa1x\x91\x91\x91\x91\x91\x91\x01"),
     STK_LIMIT},
    {"no id", BYTES("\x81\xa1k\xa5stats"), STK_INVALID},
    {"a negative id", BYTES("\x82\xa1k\xa5stats\xa2id\xff"), STK_INVALID},
    {"an id that is text", BYTES("\x82\xa1k\xa5stats\xa2id\xa1x"), STK_INVALID},
    {"no kind", BYTES("\x81\xa2id\x01"), STK_INVALID},
    {"a kind that is a number", BYTES("\x82\xa1k\x05\xa2id\x01"), STK_INVALID},
    {"an unknown kind", BYTES("\x82\xa1k\xa6teapot\xa2id\x01"), STK_UNKNOWN_KIND},
    {"a reply's kind", BYTES("\x82\xa1k\xa7welcome\xa2id\x01"), STK_UNKNOWN_KIND},
    {"an epoch of 33 bits",
     BYTES("\x85\xa1k\xa3get\xa2id\x01\xa6stream\xa1x\xa5"
           "epoch\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa4step\x00"),
     STK_INVALID},
    {"a fingerprint of 15 bytes",
     BYTES("\x86\xa1k\xa3get\xa2id\x01\xa6stream\xa1x\xa5"
           "epoch\x00\xa4step\x00\xab"
           "fingerprint\xc4\x0f"
           "123456789012345"),
     STK_INVALID},
    {"pictures of nobody",
     BYTES("\x86\xa1k\xa3get\xa2id\x01\xa6stream\xa1x\xa5"
           "epoch\x00\xa4step\x00\xa7unmixed\xa3him"),
     STK_INVALID},
    {"another version",
     BYTES("\x86\xa1k\xa5hello\xa2id\x01\xa1v\x02\xa6stream\xa1x\xa4name\xa0\xa6window\x08"),
     STK_VERSION},
};

enum { STRANGERS = sizeof strangers / sizeof strangers[0] };

START_TEST(strange_requests_are_refused)
{
    /* On the heap and of exactly this length, so that a sanitizer sees a byte read behind it. */
    uint8_t *bytes = malloc(strangers[_i].len + 1);
    memcpy(bytes, strangers[_i].bytes, strangers[_i].len);
    struct stk_request message;
    enum stk_status status = stk_request_decode(bytes, strangers[_i].len, &message);
    ck_assert_msg(status == strangers[_i].status, "%s: %s", strangers[_i].what,
                  stk_status_word(status));
    free(bytes);
}
END_TEST

START_TEST(a_refused_request_keeps_its_id)
{
    struct stk_request message;
    ck_assert_int_eq(stk_request_decode("\x82\xa1k\xa6teapot\xa2id\x09", 14, &message),
                     STK_UNKNOWN_KIND);
    ck_assert_uint_eq(message.id, 9);
}
END_TEST

START_TEST(keys_of_a_newer_peer_are_ignored)
{
    struct stk_request message;
    static const char bytes[] = "\x84\xa1k\xa5stats\xa2id\x01\xa3new\x92\x01\xc0\xa5"
                                "float\xca\x3f\x80\x00\x00";
    ck_assert_int_eq(stk_request_decode(bytes, sizeof bytes - 1, &message), STK_OK);
}
END_TEST

START_TEST(every_prefix_of_a_message_is_refused)
{
    for (int i = 0; i < REQUESTS; i++) {
        struct golden golden = read_golden(requests[i].name);
        for (size_t len = 0; len < golden.len; len++) {
            uint8_t *bytes = malloc(len + 1);
            memcpy(bytes, golden.bytes, len);
            struct stk_request message;
            ck_assert_int_eq(stk_request_decode(bytes, len, &message), STK_INVALID);
            free(bytes);
        }
    }
}
END_TEST

START_TEST(changed_bytes_never_do_harm)
{
    static const char *const names[] = {"hello", "get_pinned", "welcome", "batch",
                                        "error", "streams",    "labels",  "stats"};
    static struct stk_streams streams;
    static struct stk_labels labels;
    static struct stk_stats stats;
    unsigned accepted = 0;
    for (uint64_t i = 0; i < 40000; i++) {
        uint32_t words[4];
        rng_block(&(struct rng){1, 0, RNG_CROP, i}, 0, words);
        struct golden golden = read_golden(names[i % 8]);
        uint8_t *bytes = malloc(golden.len);
        memcpy(bytes, golden.bytes, golden.len);
        bytes[words[0] % golden.len] = (uint8_t)words[1];
        bytes[words[2] % golden.len] ^= (uint8_t)(1u << words[3] % 8);
        struct stk_request request;
        struct stk_welcome welcome;
        struct stk_batch_header batch;
        struct stk_error error;
        accepted += stk_request_decode(bytes, golden.len, &request) == STK_OK;
        accepted += stk_welcome_decode(bytes, golden.len, &welcome) == STK_OK;
        accepted += stk_batch_header_decode(bytes, golden.len, &batch) == STK_OK;
        accepted += stk_error_decode(bytes, golden.len, &error) == STK_OK;
        accepted += stk_streams_decode(bytes, golden.len, &streams) == STK_OK;
        accepted += stk_labels_decode(bytes, golden.len, &labels) == STK_OK;
        accepted += stk_stats_decode(bytes, golden.len, &stats) == STK_OK;
        free(bytes);
    }
    /* Many changes fall into texts and numbers, so that some messages stay whole. */
    ck_assert_uint_gt(accepted, 1000);
}
END_TEST

START_TEST(a_message_that_does_not_fit_is_refused)
{
    for (size_t capacity = 0; capacity < 20; capacity++) {
        uint8_t bytes[20];
        size_t len = 99;
        ck_assert_int_eq(stk_request_encode(&requests[1].request, bytes, capacity, &len),
                         STK_LIMIT);
        ck_assert_uint_eq(len, 0);
    }
}
END_TEST

START_TEST(text_that_is_not_utf8_goes_out_as_question_marks)
{
    struct stk_error said = {.id = 1,
                             .status = STK_CORRUPT,
                             .message = stk_text_of("a\xff"
                                                    "b\xc3")};
    uint8_t bytes[256];
    size_t len;
    ck_assert_int_eq(stk_error_encode(&said, bytes, sizeof bytes, &len), STK_OK);
    struct stk_error message;
    ck_assert_int_eq(stk_error_decode(bytes, len, &message), STK_OK);
    CHECK_TEXT(message.message, "a?b?");
}
END_TEST

START_TEST(a_tensor_whose_bytes_overflow_is_refused)
{
    struct stk_batch_header said = {
        .stream = stk_text_of("x"),
        .count = 1,
        .tensor_count = 1,
        .tensors = {{stk_text_of("images"), STK_U8, 4, {UINT32_MAX, UINT32_MAX, UINT32_MAX, 1}}},
    };
    uint8_t bytes[512];
    size_t len;
    ck_assert_int_eq(stk_batch_header_encode(&said, bytes, sizeof bytes, &len), STK_OK);
    struct stk_batch_header message;
    ck_assert_int_eq(stk_batch_header_decode(bytes, len, &message), STK_INVALID);
}
END_TEST

START_TEST(a_request_longer_than_its_limit_is_refused)
{
    static uint8_t bytes[STK_REQUEST_BYTES_MAX + 1];
    struct stk_request message;
    ck_assert_int_eq(stk_request_decode(bytes, sizeof bytes, &message), STK_LIMIT);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("message_strange");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, strange_requests_are_refused, 0, STRANGERS);
    tcase_add_test(tests, a_refused_request_keeps_its_id);
    tcase_add_test(tests, keys_of_a_newer_peer_are_ignored);
    tcase_add_test(tests, every_prefix_of_a_message_is_refused);
    tcase_add_test(tests, changed_bytes_never_do_harm);
    tcase_add_test(tests, a_message_that_does_not_fit_is_refused);
    tcase_add_test(tests, text_that_is_not_utf8_goes_out_as_question_marks);
    tcase_add_test(tests, a_tensor_whose_bytes_overflow_is_refused);
    tcase_add_test(tests, a_request_longer_than_its_limit_is_refused);
    return suite_run("message_strange", tests);
}
