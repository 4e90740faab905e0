/*
 * URLs of streams: what is taken, and what is refused with which word.
 */
#include "client/url.h"

#include <string.h>

#include "tests/suite.h"

static const struct {
    const char *text;
    const char *first; /* endpoint */
    const char *last;
    const char *stream;
} good[] = {
    {"tcp://host:7654/train", "tcp://host:7654", "tcp://host:7654", "train"},
    {"tcp://10.0.0.1:1/a", "tcp://10.0.0.1:1", "tcp://10.0.0.1:1", "a"},
    {"tcp://host:65535/a.b_c-D9", "tcp://host:65535", "tcp://host:65535", "a.b_c-D9"},
    {"tcp://host/train", "tcp://host:7654", "tcp://host:7654", "train"},
    {"tcp://[::1]:7654/train", "tcp://[::1]:7654", "tcp://[::1]:7654", "train"},
    {"tcp://[fe80::1%eth0]/train", "tcp://[fe80::1%eth0]:7654", "tcp://[fe80::1%eth0]:7654",
     "train"},
    {"ipc:///run/stoker/stoker.sock/train", "ipc:///run/stoker/stoker.sock",
     "ipc:///run/stoker/stoker.sock", "train"},
    {"ipc://@stoker/train", "ipc://@stoker", "ipc://@stoker", "train"},
    {"tcp://a:1,tcp://b:2/train", "tcp://a:1", "tcp://b:2", "train"},
    {"ipc:///a.sock,tcp://b:2/train", "ipc:///a.sock", "tcp://b:2", "train"},
    {"tcp://b:2,ipc:///run/a.sock/train", "tcp://b:2", "ipc:///run/a.sock", "train"},
};

static const struct {
    const char *text;
    const char *endpoints; /* joined by blanks */
} braced[] = {
    {"tcp://node{1..3}:7654/train", "tcp://node1:7654 tcp://node2:7654 tcp://node3:7654"},
    {"tcp://node{08..11}/t", "tcp://node08:7654 tcp://node09:7654 tcp://node10:7654 "
                             "tcp://node11:7654"},
    {"tcp://node{8..10}/t", "tcp://node8:7654 tcp://node9:7654 tcp://node10:7654"},
    {"tcp://host:{7654..7655}/train", "tcp://host:7654 tcp://host:7655"},
    {"tcp://{a,b.c,10.0.0.1}:1/train", "tcp://a:1 tcp://b.c:1 tcp://10.0.0.1:1"},
    {"tcp://{a,b}:{1..2}/train", "tcp://a:1 tcp://a:2 tcp://b:1 tcp://b:2"},
    {"tcp://[fe80::{1..2}%eth0]:7654/t", "tcp://[fe80::1%eth0]:7654 tcp://[fe80::2%eth0]:7654"},
    {"tcp://[::1]:{1,2},tcp://c:3/t", "tcp://[::1]:1 tcp://[::1]:2 tcp://c:3"},
    {"ipc:///run/{a,b}/s.sock,tcp://h{1..1}:1/t",
     "ipc:///run/a/s.sock ipc:///run/b/s.sock tcp://h1:1"},
    {"tcp://a:{1..16}/t",
     "tcp://a:1 tcp://a:2 tcp://a:3 tcp://a:4 tcp://a:5 tcp://a:6 tcp://a:7 tcp://a:8 tcp://a:9 "
     "tcp://a:10 tcp://a:11 tcp://a:12 tcp://a:13 tcp://a:14 tcp://a:15 tcp://a:16"},
};

START_TEST(braces_stand_for_several_endpoints_in_order)
{
    struct stk_url url;
    char error[STK_ERROR_BYTES] = "", joined[STK_ENDPOINTS_MAX * STK_ENDPOINT_BYTES] = "";
    ck_assert_msg(stk_url_parse(braced[_i].text, &url, error) == STK_OK, "%s", error);
    for (uint32_t i = 0; i < url.count; i++) {
        strcat(joined, i == 0 ? "" : " ");
        strcat(joined, url.endpoints[i]);
    }
    ck_assert_str_eq(joined, braced[_i].endpoints);
}
END_TEST

START_TEST(a_good_url_is_taken_apart)
{
    struct stk_url url;
    char error[STK_ERROR_BYTES] = "";
    ck_assert_msg(stk_url_parse(good[_i].text, &url, error) == STK_OK, "%s: %s", good[_i].text,
                  error);
    ck_assert_str_eq(url.endpoints[0], good[_i].first);
    ck_assert_str_eq(url.endpoints[url.count - 1], good[_i].last);
    ck_assert_str_eq(url.stream, good[_i].stream);
    ck_assert_str_eq(error, "");
}
END_TEST

static const struct {
    const char *text;
    const char *says; /* a part of the sentence */
} bad[] = {
    {"", "names no stream"},
    {"train", "names no stream"},
    {"tcp://host:7654", "names no stream"},
    {"tcp://host:7654/", "names no stream"},
    {"http://host:7654/train", "neither tcp:// nor ipc://"},
    {"tcp://:7654/train", "names no host"},
    {"tcp:///train", "names no host"},
    {"tcp://ho st:7654/train", "names no host"},
    {"tcp://*:7654/train", "names no host"},
    {"tcp://[::1:7654/train", "names no host"},
    {"tcp://[]:7654/train", "names no host"},
    {"tcp://host:/train", "no port"},
    {"tcp://host:0/train", "no port"},
    {"tcp://host:65536/train", "no port"},
    {"tcp://host:76540000000000000000/train", "no port"},
    {"tcp://host:port/train", "no port"},
    {"tcp://host:7654/a/train", "no port"},
    {"tcp://host:7654/tr ain", "no stream's name"},
    {"tcp://host:7654/"
     "0123456789012345678901234567890123456789012345678901234567890123x",
     "no stream's name"},
    {"tcp://a:1,/train", "names no stream"},
    {",tcp://a:1/train", "neither"},
    {"tcp://a:1/train,tcp://b:2/train", "no port"},
    {"tcp://a:1,tcp://a:1/train", "twice"},
    {"tcp://a,tcp://a:7654/train", "twice"},
    {"ipc:///train", "names no socket"},
    {"ipc://run/stoker.sock/train", "names no socket"},
    {"ipc:///"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
     "8901234567890123456789/train",
     "longer than 107"},
    {"tcp://a:1,tcp://a:2,tcp://a:3,tcp://a:4,tcp://a:5,tcp://a:6,tcp://a:7,tcp://a:8,tcp://a:9,"
     "tcp://a:10,tcp://a:11,tcp://a:12,tcp://a:13,tcp://a:14,tcp://a:15,tcp://a:16,tcp://a:17/t",
     "more than 16"},
    {"tcp://a:{1..17}/t", "more than 16 endpoints: 'tcp://a:17'"},
    {"tcp://a{1..999999999}:1/t", "more than 16"},
    {"tcp://a{1..4:1/t", "'{1..4:1' in 'tcp://a{1..4:1' opens a brace"},
    {"tcp://a1..4}:1/t", "'}:1' in 'tcp://a1..4}:1' closes a brace"},
    {"tcp://a{4..1}:1/t", "'{4..1}' in 'tcp://a{4..1}:1' counts down"},
    {"tcp://a{1..x}:1/t", "'{1..x}' in 'tcp://a{1..x}:1' is no range"},
    {"tcp://a{..4}:1/t", "'{..4}' in 'tcp://a{..4}:1' is no range"},
    {"tcp://a{-1..4}:1/t", "is no range"},
    {"tcp://a{1..4..2}:1/t", "is no range"},
    {"tcp://a{1..9999999999}:1/t", "is no range"},
    {"tcp://a{}:1/t", "'{}' in 'tcp://a{}:1' is neither"},
    {"tcp://a{b}:1/t", "'{b}' in 'tcp://a{b}:1' is neither"},
    {"tcp://a{b,}:1/t", "'{b,}' in 'tcp://a{b,}:1' has a place with nothing"},
    {"tcp://a{,b}:1/t", "nothing in it"},
    {"tcp://a{b{1..2},c}:1/t", "braces inside braces"},
    {"tcp://a:{0..2}/t", "'tcp://a:0' has no port"},
    {"tcp://{a,b,a}:1/t", "names 'tcp://a:1' twice"},
    {"tcp://a:1/{train,val}", "'{train,val}' is no stream's name"},
    {"tcp://{0123456789012345678901234567890123456789012345678901234567890123456789,b}"
     "{0123456789012345678901234567890123456789012345678901234567890123456789,b}"
     "{0123456789012345678901234567890123456789012345678901234567890123456789,b}"
     "{0123456789012345678901234567890123456789012345678901234567890123456789,b}/t",
     "is longer than 279 bytes"},
};

START_TEST(a_bad_url_is_refused_with_the_part_that_is_wrong)
{
    struct stk_url url;
    char error[STK_ERROR_BYTES] = "";
    ck_assert_msg(stk_url_parse(bad[_i].text, &url, error) == STK_INVALID, "%s", bad[_i].text);
    ck_assert_msg(strstr(error, bad[_i].says) != NULL, "%s: %s", bad[_i].text, error);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("url");
    tcase_add_loop_test(tests, a_good_url_is_taken_apart, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(tests, braces_stand_for_several_endpoints_in_order, 0,
                        sizeof braced / sizeof *braced);
    tcase_add_loop_test(tests, a_bad_url_is_refused_with_the_part_that_is_wrong, 0,
                        sizeof bad / sizeof *bad);
    return suite_run("url", tests);
}
