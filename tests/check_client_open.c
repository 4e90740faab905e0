/*
 * Opening a client: who is greeted again, and what a refusal names.
 */
#include "client/stoker.h"
#include "tests/trainer.h"

START_TEST(an_unknown_stream_is_passed_on)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    char url[256], error[STK_ERROR_BYTES];
    snprintf(url, sizeof url, "%s/trial", fake.endpoint);
    ck_assert_int_eq(open_fails(url, NULL, error), STK_UNKNOWN_STREAM);
    ck_contains(error, "no such stream here");
    ck_contains(error, fake.endpoint);
    fake_stop(&fake);
}
END_TEST

START_TEST(another_version_of_the_protocol_names_both)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.version = 2;
    fake_start(&fake);
    char url[256], error[STK_ERROR_BYTES];
    fake_url(&fake, url);
    ck_assert_int_eq(open_fails(url, NULL, error), STK_VERSION);
    ck_contains(error, "version 2");
    ck_contains(error, "version 1");
    fake_stop(&fake);
}
END_TEST

START_TEST(an_overloaded_daemon_is_greeted_again)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.refusal = STK_OVERLOADED;
    fake.refusals = 2;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, NULL);
    expect_batch(client, 0, 0);
    ck_assert_uint_eq(atomic_load(&fake.hellos), 3);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(an_overloaded_daemon_is_what_open_says_when_time_is_up)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.refusal = STK_OVERLOADED;
    fake.refusals = 1000;
    fake_start(&fake);
    char url[256], error[STK_ERROR_BYTES];
    fake_url(&fake, url);
    const struct stk_options options = {.timeout_ms = SHORT_MS};
    ck_assert_int_eq(open_fails(url, &options, error), STK_OVERLOADED);
    ck_contains(error, "we would rather not");
    fake_stop(&fake);
}
END_TEST

START_TEST(an_endpoint_where_nobody_listens_is_named)
{
    char error[STK_ERROR_BYTES];
    const struct stk_options options = {.timeout_ms = SHORT_MS};
    const char *url = _i == 0 ? "ipc:///nonexistent/stoker.sock/train"
                              : "ipc:///nonexistent/stoker.sock,tcp://127.0.0.1:1/train";
    ck_assert_int_eq(open_fails(url, &options, error), STK_TIMEOUT);
    ck_contains(error, "'ipc:///nonexistent/stoker.sock'");
    ck_contains(error, "is stokerd running");
    if (_i == 1)
        ck_contains(error, "'tcp://127.0.0.1:1'");
}
END_TEST

START_TEST(a_peer_that_never_answers_is_told_from_one_that_is_not_there)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.deaf = true;
    fake_start(&fake);
    char url[256], error[STK_ERROR_BYTES];
    fake_url(&fake, url);
    const struct stk_options options = {.timeout_ms = SHORT_MS};
    ck_assert_int_eq(open_fails(url, &options, error), STK_TIMEOUT);
    ck_contains(error, "was reached, but has not answered");
    fake_stop(&fake);
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    static const struct {
        struct stk_options options;
        enum stk_status status;
        const char *says;
    } bad[] = {
        {{.window = STK_WINDOW_MAX + 1}, STK_INVALID, "window of 65"},
        {{.rank = 1}, STK_INVALID, "rank 1"},
        {{.rank = 4, .world = 4}, STK_INVALID, "rank 4"},
        {{.name = "a name of more than sixty-four bytes, which is more than a log line wants"},
         STK_INVALID,
         "longer than 64"},
        {{.step = 11}, STK_RANGE, "step 11"},
        {{.world = 11}, STK_RANGE, "too few for rank 0 of 11"},
    };
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    char url[256], error[STK_ERROR_BYTES];
    fake_url(&fake, url);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(open_fails(url, &bad[i].options, error), bad[i].status);
        ck_contains(error, bad[i].says);
    }
    fake_stop(&fake);
    ck_assert_int_eq(open_fails("tcp://host", NULL, error), STK_INVALID);
    struct stk_client *client;
    ck_assert_int_eq(stk_client_open("tcp://host", NULL, &client, NULL), STK_INVALID);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("client_open");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, an_unknown_stream_is_passed_on);
    tcase_add_test(tests, another_version_of_the_protocol_names_both);
    tcase_add_test(tests, an_overloaded_daemon_is_greeted_again);
    tcase_add_test(tests, an_overloaded_daemon_is_what_open_says_when_time_is_up);
    tcase_add_loop_test(tests, an_endpoint_where_nobody_listens_is_named, 0, 2);
    tcase_add_test(tests, a_peer_that_never_answers_is_told_from_one_that_is_not_there);
    tcase_add_test(tests, options_that_make_no_sense_are_refused);
    return suite_run("client_open", tests);
}
