/*
 * The client against a daemon of the test's own: order, loss, refusal, and what breaks the
 * protocol.
 */
#include "client/stoker.h"

#include "tests/trainer.h"

START_TEST(batches_come_in_order_over_two_epochs_and_end)
{
    struct fake_daemon fake;
    fake_init_ipc(&fake);
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = 2});
    ck_assert_uint_eq(stk_client_steps(client, 0), 10);
    ck_assert(stk_text_is(stk_client_info(client)->stream, "train"));
    ck_assert_uint_eq(stk_client_info(client)->classes, FAKE_CLASSES);
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        for (uint64_t step = 0; step < 10; step++)
            expect_batch(client, epoch, step);
    }
    expect_failure(client, STK_END, "everything");
    expect_failure(client, STK_END, "everything");
    ck_assert_uint_eq(atomic_load(&fake.gets), 20);
    ck_assert_uint_eq(atomic_load(&fake.pinned_gets), 20);
    stk_client_close(&client);
    ck_assert_ptr_null(client);
    fake_stop(&fake);
}
END_TEST

START_TEST(replies_in_reverse_come_out_in_order)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.hold = 5;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.window = 5, .epochs = 1});
    for (uint64_t step = 0; step < 5; step++)
        expect_batch(client, 0, step);
    for (uint64_t step = 5; step < 10; step++)
        expect_batch(client, 0, step);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(no_more_requests_are_in_flight_than_the_daemon_grants)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.window = 3;
    fake.hold = 4; /* one more than it gets */
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.window = 64});
    stk_client_timeout(client, SHORT_MS);
    expect_failure(client, STK_TIMEOUT, "step 0");
    ck_assert_uint_eq(atomic_load(&fake.gets), 3);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(requests_go_out_while_the_trainer_computes)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.window = 4});
    ck_assert(reaches(&fake.gets, 4));
    expect_batch(client, 0, 0);
    ck_assert(reaches(&fake.gets, 5));
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(no_more_batches_are_asked_for_than_wanted)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.batches = 12});
    expect_batch(client, 0, 0);
    /* What was in flight and is cancelled is no delivery. */
    ck_assert_int_eq(stk_client_seek(client, 3, 0), STK_OK);
    for (uint64_t step = 0; step < 11; step++)
        expect_batch(client, 3 + (uint32_t)(step / 10), step % 10);
    expect_failure(client, STK_END, "everything");
    ck_assert_uint_eq(atomic_load(&fake.gets), 1 + 8 + 11);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

/* A trainer would count slots that it must not. */
START_TEST(a_masked_batch_that_does_not_say_what_is_valid_is_refused)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.last = STK_LAST_MASK;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.rank = 1, .world = 4});
    ck_assert_uint_eq(stk_client_steps(client, 7), 3);
    expect_failure(client, STK_INVALID, "'valid'");
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(ranks_share_an_epoch_and_resume_where_the_group_was)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_client *client =
        open_fake(&fake, &(struct stk_options){.rank = 1, .world = 4, .epochs = 2});
    ck_assert_uint_eq(stk_client_steps(client, 0), 2);
    ck_assert_uint_eq(stk_client_place(client).step, 0);
    expect_batch(client, 0, 1);
    struct stk_address place = stk_client_place(client);
    ck_assert_uint_eq(place.step, 4);
    stk_client_close(&client);

    const struct stk_options options = {
        .rank = 2, .world = 3, .epoch = place.epoch, .step = place.step, .epochs = 1};
    client = open_fake(&fake, &options);
    ck_assert_uint_eq(stk_client_place(client).step, 4);
    expect_batch(client, 0, 6);
    expect_batch(client, 0, 9);
    ck_assert_uint_eq(stk_client_place(client).step, 10);
    expect_failure(client, STK_END, "");
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(what_a_lost_connection_owed_is_asked_again)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.leave_after = 3;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = 1});
    for (uint64_t step = 0; step < 10; step++)
        expect_batch(client, 0, step);
    expect_failure(client, STK_END, "");
    ck_assert_uint_eq(atomic_load(&fake.hellos), 2);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(a_daemon_that_comes_back_with_other_data_is_refused)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.leave_after = 3;
    fake.fingerprint_later = 0xcd;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.window = 1});
    struct stk_batch *batch;
    enum stk_status status;
    while ((status = stk_client_next(client, &batch)) == STK_OK)
        stk_batch_close(&batch);
    ck_assert_int_eq(status, STK_FINGERPRINT);
    ck_contains(stk_client_error(client), "came back with other data");
    ck_contains(stk_client_error(client), "cd00");
    expect_failure(client, STK_FINGERPRINT, "came back with other data");
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(two_daemons_share_the_requests)
{
    struct fake_daemon fakes[2];
    for (int i = 0; i < 2; i++) {
        fake_init(&fakes[i]);
        atomic_store(&fakes[i].pace_ms, 2);
        fake_start(&fakes[i]);
    }
    char url[512];
    both_url(fakes, url);
    struct stk_client *client = open_url(url, &(struct stk_options){.epochs = 10});
    for (uint32_t epoch = 0; epoch < 10; epoch++) {
        for (uint64_t step = 0; step < 10; step++)
            expect_batch(client, epoch, step);
    }
    struct stk_endpoint told[2];
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert(stk_client_endpoint(client, i, &told[i]));
        ck_assert_uint_ge(told[i].batches, 10);
        ck_assert_str_eq(told[i].endpoint, fakes[i].endpoint);
    }
    ck_assert_uint_eq(told[0].batches + told[1].batches, 100);
    stk_client_close(&client);
    for (int i = 0; i < 2; i++)
        fake_stop(&fakes[i]);
}
END_TEST

START_TEST(what_a_daemon_that_went_away_owed_is_asked_of_the_other)
{
    struct fake_daemon fakes[2];
    for (int i = 0; i < 2; i++) {
        fake_init(&fakes[i]);
        /* The first one never has enough to answer. */
        fakes[i].hold = i == 0 ? STK_WINDOW_MAX : 1;
        fake_start(&fakes[i]);
    }
    char url[512];
    both_url(fakes, url);
    struct stk_client *client = open_url(url, &(struct stk_options){.epochs = 1});
    ck_assert(reaches(&fakes[0].gets, 1));
    fake_stop(&fakes[0]);
    for (uint64_t step = 0; step < 10; step++)
        expect_batch(client, 0, step);
    stk_client_close(&client);
    fake_stop(&fakes[1]);
}
END_TEST

START_TEST(a_client_starts_with_the_daemons_that_are_there)
{
    struct fake_daemon fakes[2];
    for (int i = 0; i < 2; i++) {
        fake_init(&fakes[i]);
        fake_start(&fakes[i]);
    }
    char url[512];
    both_url(fakes, url);
    fake_stop(&fakes[0]);
    struct stk_client *client = open_url(url, &(struct stk_options){.epochs = 1});
    for (uint64_t step = 0; step < 10; step++)
        expect_batch(client, 0, step);
    stk_client_close(&client);
    fake_stop(&fakes[1]);
}
END_TEST

START_TEST(daemons_with_different_data_or_plans_are_refused_by_name)
{
    struct fake_daemon fakes[2];
    for (int i = 0; i < 2; i++)
        fake_init(&fakes[i]);
    if (_i == 0)
        fakes[1].fingerprint = 0xcd;
    else
        fakes[1].plan++;
    for (int i = 0; i < 2; i++)
        fake_start(&fakes[i]);
    char url[512], error[STK_ERROR_BYTES];
    both_url(fakes, url);
    ck_assert_int_eq(open_fails(url, NULL, error), STK_FINGERPRINT);
    for (int i = 0; i < 2; i++) {
        ck_contains(error, fakes[i].endpoint);
        fake_stop(&fakes[i]);
    }
}
END_TEST

START_TEST(a_daemon_with_other_data_is_left_out_while_another_one_serves)
{
    struct fake_daemon fakes[2];
    for (int i = 0; i < 2; i++)
        fake_init(&fakes[i]);
    fakes[0].leave_after = 2;
    fakes[0].fingerprint_later = 0xcd;
    for (int i = 0; i < 2; i++)
        fake_start(&fakes[i]);
    char url[512];
    both_url(fakes, url);
    struct stk_client *client = open_url(url, NULL);
    uint64_t step = 0;
    for (; step < 20 || atomic_load(&fakes[0].hellos) < 3; step++)
        expect_batch(client, (uint32_t)(step / 10), step % 10);
    stk_client_close(&client);
    for (int i = 0; i < 2; i++)
        fake_stop(&fakes[i]);
}
END_TEST

START_TEST(a_reply_that_breaks_the_protocol_is_refused_and_asked_again)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.fault = (enum fake_fault)_i;
    fake.fault_step = 1;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = 1});
    expect_batch(client, 0, 0);
    expect_failure(client, STK_INVALID, "broke the protocol");
    if (fake.fault == FAULT_FRAME_FLOOD)
        ck_contains(stk_client_error(client), "more than 17 frames");
    for (uint64_t step = 1; step < 10; step++)
        expect_batch(client, 0, step);
    expect_failure(client, STK_END, "");
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(bytes_that_are_no_message_end_the_connection)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.fault = FAULT_NONSENSE;
    fake.fault_step = 1;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = 1, .window = 1});
    expect_batch(client, 0, 0);
    expect_failure(client, STK_INVALID, "no reply");
    for (uint64_t step = 1; step < 10; step++)
        expect_batch(client, 0, step);
    ck_assert_uint_eq(atomic_load(&fake.hellos), 2);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(an_error_is_told_once_in_its_place_and_asked_again)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.fault = FAULT_ERROR;
    fake.fault_status = STK_CORRUPT;
    fake.fault_step = 4;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = 1});
    for (uint64_t step = 0; step < 4; step++)
        expect_batch(client, 0, step);
    expect_failure(client, STK_CORRUPT, "says: that went wrong");
    ck_contains(stk_client_error(client), fake.endpoint);
    for (uint64_t step = 4; step < 10; step++)
        expect_batch(client, 0, step);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(a_daemon_cannot_end_an_epoch_with_an_error)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.fault = FAULT_ERROR;
    fake.fault_status = _i == 0 ? STK_END : STK_TIMEOUT;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, NULL);
    expect_failure(client, STK_INVALID, "that went wrong");
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

static const enum stk_status passing[] = {STK_DRAINING, STK_OVERLOADED, STK_WINDOW, STK_MEMORY,
                                          STK_SYSTEM};

START_TEST(not_now_is_asked_again_a_moment_later)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.fault = FAULT_ERROR;
    fake.fault_status = passing[_i];
    fake.fault_times = 2;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = 1});
    for (uint64_t step = 0; step < 10; step++)
        expect_batch(client, 0, step);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(not_now_until_time_is_up_is_what_the_daemon_said)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.fault = FAULT_ERROR;
    fake.fault_status = passing[_i];
    fake.fault_times = 1000;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, NULL);
    stk_client_timeout(client, SHORT_MS);
    uint64_t start_ns = clock_now_ns();
    expect_failure(client, passing[_i], "that went wrong");
    ck_assert_uint_ge(clock_now_ns() - start_ns, SHORT_MS * 1000000ull);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(not_now_of_one_daemon_is_asked_of_the_other_at_once)
{
    struct fake_daemon fakes[2];
    for (int i = 0; i < 2; i++)
        fake_init(&fakes[i]);
    fakes[0].fault = FAULT_ERROR;
    fakes[0].fault_status = STK_DRAINING;
    fakes[0].fault_times = 1000;
    for (int i = 0; i < 2; i++)
        fake_start(&fakes[i]);
    char url[512];
    both_url(fakes, url);
    struct stk_client *client = open_url(url, &(struct stk_options){.window = 1, .epochs = 1});
    stk_client_timeout(client, 100); /* less than the rest of the first */
    for (uint64_t step = 0; step < 10; step++)
        expect_batch(client, 0, step);
    stk_client_close(&client);
    for (int i = 0; i < 2; i++)
        fake_stop(&fakes[i]);
}
END_TEST

START_TEST(a_timeout_names_the_step_and_waiting_goes_on)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.hold = 2;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.window = 1});
    stk_client_timeout(client, SHORT_MS);
    expect_failure(client, STK_TIMEOUT, "epoch 0 step 0");
    ck_contains(stk_client_error(client), fake.endpoint);
    struct stk_client *other = open_fake(&fake, &(struct stk_options){.window = 1});
    stk_client_timeout(client, 0);
    expect_batch(client, 0, 0);
    stk_client_close(&other);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(seek_cancels_what_is_in_flight_and_goes_on_elsewhere)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.hold = 4;
    fake.hold_times = 1;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.window = 3});
    ck_assert(reaches(&fake.gets, 3));
    ck_assert_int_eq(stk_client_seek(client, 7, 5), STK_OK);
    ck_assert_uint_eq(stk_client_place(client).epoch, 7);
    ck_assert_uint_eq(stk_client_place(client).step, 5);
    /* The three late replies belong to nobody. */
    for (uint64_t step = 5; step < 10; step++)
        expect_batch(client, 7, step);
    ck_assert(reaches(&fake.cancels, 3));
    ck_assert_int_eq(stk_client_seek(client, 7, 11), STK_RANGE);
    ck_contains(stk_client_error(client), "step 11");
    expect_batch(client, 8, 0);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(seek_behind_the_last_epoch_is_the_end)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = 2});
    ck_assert_int_eq(stk_client_seek(client, 2, 0), STK_OK);
    expect_failure(client, STK_END, "");
    ck_assert_int_eq(stk_client_seek(client, 1, 9), STK_OK);
    expect_batch(client, 1, 9);
    expect_failure(client, STK_END, "");
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(a_batch_outlives_its_client)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, NULL);
    struct stk_batch *batch;
    ck_assert_int_eq(stk_client_next(client, &batch), STK_OK);
    stk_client_close(&client);
    fake_stop(&fake);
    check_content(batch);
    stk_batch_close(&batch);
}
END_TEST

START_TEST(a_daemon_that_serves_mixed_pictures_all_the_same_is_older)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_client *client =
        open_fake(&fake, &(struct stk_options){.unmixed = STK_UNMIXED_OWN, .batches = 1});
    struct stk_batch *batch;
    ck_assert_int_eq(stk_client_next(client, &batch), STK_UNKNOWN_KIND);
    ck_assert_ptr_null(batch);
    ck_contains(stk_client_error(client), "is older");
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("client");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, batches_come_in_order_over_two_epochs_and_end);
    tcase_add_test(tests, replies_in_reverse_come_out_in_order);
    tcase_add_test(tests, no_more_requests_are_in_flight_than_the_daemon_grants);
    tcase_add_test(tests, requests_go_out_while_the_trainer_computes);
    tcase_add_test(tests, no_more_batches_are_asked_for_than_wanted);
    tcase_add_test(tests, a_masked_batch_that_does_not_say_what_is_valid_is_refused);
    tcase_add_test(tests, ranks_share_an_epoch_and_resume_where_the_group_was);
    tcase_add_test(tests, what_a_lost_connection_owed_is_asked_again);
    tcase_add_test(tests, a_daemon_that_comes_back_with_other_data_is_refused);
    tcase_add_test(tests, two_daemons_share_the_requests);
    tcase_add_test(tests, what_a_daemon_that_went_away_owed_is_asked_of_the_other);
    tcase_add_test(tests, a_client_starts_with_the_daemons_that_are_there);
    tcase_add_loop_test(tests, daemons_with_different_data_or_plans_are_refused_by_name, 0, 2);
    tcase_add_test(tests, a_daemon_with_other_data_is_left_out_while_another_one_serves);
    tcase_add_loop_test(tests, a_reply_that_breaks_the_protocol_is_refused_and_asked_again,
                        FAULT_FEW_FRAMES, FAULT_NONSENSE);
    tcase_add_test(tests, bytes_that_are_no_message_end_the_connection);
    tcase_add_test(tests, an_error_is_told_once_in_its_place_and_asked_again);
    tcase_add_loop_test(tests, a_daemon_cannot_end_an_epoch_with_an_error, 0, 2);
    tcase_add_loop_test(tests, not_now_is_asked_again_a_moment_later, 0, 5);
    tcase_add_loop_test(tests, not_now_until_time_is_up_is_what_the_daemon_said, 0, 5);
    tcase_add_test(tests, not_now_of_one_daemon_is_asked_of_the_other_at_once);
    tcase_add_test(tests, a_timeout_names_the_step_and_waiting_goes_on);
    tcase_add_test(tests, seek_cancels_what_is_in_flight_and_goes_on_elsewhere);
    tcase_add_test(tests, seek_behind_the_last_epoch_is_the_end);
    tcase_add_test(tests, a_batch_outlives_its_client);
    tcase_add_test(tests, a_daemon_that_serves_mixed_pictures_all_the_same_is_older);
    return suite_run("client", tests);
}
