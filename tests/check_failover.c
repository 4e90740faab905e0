/*
 * Several daemons that are fast, slow, stalled, stuck or repeat themselves: who serves, and that
 * every step comes once and in order all the same.
 */
#include "client/channel.h"
#include "tests/trainer.h"

static struct stk_endpoint endpoint_of(const struct stk_client *client, uint32_t index)
{
    struct stk_endpoint endpoint;
    ck_assert(stk_client_endpoint(client, index, &endpoint));
    return endpoint;
}

static void start_two(struct fake_daemon fakes[2], char url[512])
{
    for (int i = 0; i < 2; i++)
        fake_start(&fakes[i]);
    both_url(fakes, url);
}

static void init_two(struct fake_daemon fakes[2])
{
    for (int i = 0; i < 2; i++)
        fake_init(&fakes[i]);
}

static void stop_two(struct fake_daemon fakes[2])
{
    for (int i = 0; i < 2; i++)
        fake_stop(&fakes[i]);
}

/* The next count steps of a run that has received *step so far. */
static void expect_steps(struct stk_client *client, uint64_t *step, uint64_t count)
{
    for (uint64_t end = *step + count; *step < end; ++*step)
        expect_batch(client, (uint32_t)(*step / 10), *step % 10);
}

START_TEST(a_fast_daemon_serves_more_and_a_slow_one_something)
{
    struct fake_daemon fakes[2];
    char url[512];
    init_two(fakes);
    atomic_store(&fakes[0].pace_ms, 30);
    atomic_store(&fakes[1].pace_ms, 3);
    start_two(fakes, url);
    struct stk_client *client = open_url(url, NULL);
    uint64_t step = 0;
    expect_steps(client, &step, 200);
    struct stk_endpoint slow = endpoint_of(client, 0), fast = endpoint_of(client, 1);
    ck_assert_msg(fast.batches > 2 * slow.batches && slow.batches >= 4, "fast %u, slow %u",
                  (unsigned)fast.batches, (unsigned)slow.batches);
    ck_assert_uint_gt(slow.reply_ns, fast.reply_ns);
    stk_client_close(&client);
    stop_two(fakes);
}
END_TEST

START_TEST(a_daemon_that_stalls_gets_little_and_serves_again_when_it_recovers)
{
    struct fake_daemon fakes[2];
    char url[512];
    init_two(fakes);
    for (int i = 0; i < 2; i++)
        atomic_store(&fakes[i].pace_ms, 2);
    start_two(fakes, url);
    struct stk_client *client = open_url(url, &(struct stk_options){.heartbeat_ms = 60000});
    uint64_t step = 0;
    expect_steps(client, &step, 20);
    atomic_store(&fakes[0].stuck, true);
    uint64_t asked = endpoint_of(client, 0).asked, longest_ns = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t start_ns = clock_now_ns();
        expect_steps(client, &step, 1);
        uint64_t took_ns = clock_now_ns() - start_ns;
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    }
    ck_assert_uint_le(endpoint_of(client, 0).asked - asked, 20);
    ck_assert_uint_ge(endpoint_of(client, 1).hedged, 1);
    /* Nobody waited for the stalled one as for a heartbeat. */
    ck_assert_uint_lt(longest_ns, 5000000000u);
    atomic_store(&fakes[0].stuck, false);
    uint64_t batches = endpoint_of(client, 0).batches;
    uint64_t until_ns = clock_now_ns() + 20000000000u;
    while (endpoint_of(client, 0).batches < batches + 20 && clock_now_ns() < until_ns)
        expect_steps(client, &step, 1);
    ck_assert_uint_ge(endpoint_of(client, 0).batches, batches + 20);
    ck_assert_uint_eq(endpoint_of(client, 0).losses, 0);
    stk_client_close(&client);
    stop_two(fakes);
}
END_TEST

START_TEST(the_step_that_the_trainer_waits_for_is_asked_of_another_daemon_too)
{
    struct fake_daemon fakes[2];
    char url[512];
    init_two(fakes);
    for (int i = 0; i < 2; i++) {
        fakes[i].fault = FAULT_SILENCE; /* one of them is asked for step 4 first */
        fakes[i].fault_step = 4;
        fakes[i].fault_times = 1;
    }
    start_two(fakes, url);
    struct stk_client *client = open_url(url, &(struct stk_options){.heartbeat_ms = 60000});
    uint64_t step = 0;
    expect_steps(client, &step, 4);
    uint64_t hedged = endpoint_of(client, 0).hedged + endpoint_of(client, 1).hedged;
    /* Both are silent once: nobody has this step, and a third is not asked. */
    stk_client_timeout(client, 400);
    expect_failure(client, STK_TIMEOUT, "epoch 0 step 4");
    ck_assert_uint_eq(endpoint_of(client, 0).hedged + endpoint_of(client, 1).hedged, hedged + 1);
    stk_client_close(&client);

    client = open_url(url, &(struct stk_options){.heartbeat_ms = 60000});
    step = 0;
    expect_steps(client, &step, 30);
    stk_client_close(&client);
    stop_two(fakes);
}
END_TEST

START_TEST(the_second_answer_to_a_step_is_dropped_and_counted)
{
    struct fake_daemon fakes[2];
    char url[512];
    init_two(fakes);
    start_two(fakes, url);
    struct stk_client *client = open_url(url, &(struct stk_options){.heartbeat_ms = 60000});
    uint64_t step = 0;
    expect_steps(client, &step, 10);
    uint64_t hedged = endpoint_of(client, 1).hedged, dropped = endpoint_of(client, 0).dropped;
    /* Those that it owes are asked of the other one, and it answers them late all the same. */
    atomic_store(&fakes[0].stuck, true);
    uint64_t until_ns = clock_now_ns() + 20000000000u;
    while (endpoint_of(client, 1).hedged == hedged && clock_now_ns() < until_ns)
        expect_steps(client, &step, 1);
    hedged = endpoint_of(client, 1).hedged - hedged;
    ck_assert_uint_ge(hedged, 1);
    atomic_store(&fakes[0].stuck, false);
    while (endpoint_of(client, 0).dropped < dropped + hedged && clock_now_ns() < until_ns)
        expect_steps(client, &step, 1);
    ck_assert_uint_ge(endpoint_of(client, 0).dropped, dropped + hedged);
    ck_assert(reaches(&fakes[0].cancels, (unsigned)hedged));
    stk_client_close(&client);
    stop_two(fakes);
}
END_TEST

START_TEST(a_daemon_that_says_everything_twice_is_heard_once)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.twice = true;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = 3});
    uint64_t step = 0;
    expect_steps(client, &step, 30);
    expect_failure(client, STK_END, "");
    struct stk_endpoint endpoint = endpoint_of(client, 0);
    ck_assert_uint_eq(endpoint.batches, 30);
    ck_assert_uint_ge(endpoint.dropped, 29); /* the last one's second may still come */
    ck_assert(!stk_client_endpoint(client, 1, &endpoint));
    ck_assert_ptr_null(endpoint.endpoint);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

/* Asking twice saves the head; of a stuck daemon all that it owes is asked elsewhere. */
START_TEST(a_daemon_whose_loop_is_stuck_is_left_and_greeted_until_it_answers)
{
    struct fake_daemon fakes[2];
    char url[512];
    init_two(fakes);
    for (int i = 0; i < 2; i++)
        atomic_store(&fakes[i].pace_ms, 1);
    start_two(fakes, url);
    struct stk_client *client =
        open_url(url, &(struct stk_options){.heartbeat_ms = 200, .window = 16});
    uint64_t step = 0;
    expect_steps(client, &step, 10);
    atomic_store(&fakes[0].stuck, true);
    uint64_t until_ns = clock_now_ns() + 10000000000u;
    while (endpoint_of(client, 0).losses == 0 && clock_now_ns() < until_ns)
        expect_steps(client, &step, 1);
    ck_assert_uint_ge(endpoint_of(client, 0).losses, 1);
    ck_assert(!endpoint_of(client, 0).live);
    expect_steps(client, &step, 20);
    ck_assert_uint_eq(endpoint_of(client, 0).in_flight, 0);
    atomic_store(&fakes[0].stuck, false);
    until_ns = clock_now_ns() + 10000000000u;
    while (!endpoint_of(client, 0).live && clock_now_ns() < until_ns)
        expect_steps(client, &step, 1);
    ck_assert(endpoint_of(client, 0).live);
    stk_client_close(&client);
    stop_two(fakes);
}
END_TEST

/* There is nobody else to ask, so its batches may simply take that long. */
START_TEST(a_lone_daemon_may_take_as_long_as_it_likes)
{
    struct fake_daemon fake;
    fake_init(&fake);
    atomic_store(&fake.pace_ms, 600);
    fake_start(&fake);
    struct stk_client *client =
        open_fake(&fake, &(struct stk_options){.heartbeat_ms = 400, .window = 2});
    uint64_t step = 0;
    expect_steps(client, &step, 2);
    ck_assert_uint_eq(endpoint_of(client, 0).losses, 0);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

/* Neither gives a batch within a heartbeat, and each is greeted while the other is waited for: that
 * one answers a greeting does not say that the other one is stuck. */
START_TEST(two_daemons_may_take_as_long_as_they_like)
{
    struct fake_daemon fakes[2];
    char url[512];
    init_two(fakes);
    for (int i = 0; i < 2; i++)
        atomic_store(&fakes[i].pace_ms, 1400);
    fakes[1].refusal = STK_OVERLOADED;
    fakes[1].refusals = 1;
    fakes[1].retry_ms = 100;
    start_two(fakes, url);
    struct stk_client *client =
        open_url(url, &(struct stk_options){.heartbeat_ms = 400, .window = 2});
    uint64_t step = 0;
    expect_steps(client, &step, 2);
    ck_assert_uint_eq(endpoint_of(client, 0).losses, 0);
    ck_assert_uint_eq(endpoint_of(client, 1).losses, 1); /* the one that it asked for */
    stk_client_close(&client);
    stop_two(fakes);
}
END_TEST

/* It was told to reload, and serves other data now, or the stream no more. */
START_TEST(a_daemon_that_serves_the_data_no_more_is_left_out_while_another_one_serves)
{
    struct fake_daemon fakes[2];
    char url[512];
    init_two(fakes);
    for (int i = 0; i < 2; i++) {
        fakes[i].fault = FAULT_ERROR;
        fakes[i].fault_status = _i == 0 ? STK_FINGERPRINT : STK_UNKNOWN_STREAM;
        fakes[i].fault_step = 4;
        fakes[i].fault_times = i == 0 ? 1000 : 0;
    }
    start_two(fakes, url);
    struct stk_client *client = open_url(url, NULL);
    uint64_t step = 0;
    uint64_t until_ns = clock_now_ns() + 10000000000u;
    while (endpoint_of(client, 0).losses < 2 && clock_now_ns() < until_ns)
        expect_steps(client, &step, 1);
    ck_assert_uint_ge(endpoint_of(client, 0).losses, 2);
    stk_client_close(&client);
    fake_stop(&fakes[1]);

    /* Alone it says so. */
    client = open_fake(&fakes[0], &(struct stk_options){.window = 1, .step = 4});
    expect_failure(client, fakes[0].fault_status, "that went wrong");
    ck_contains(stk_client_error(client), fakes[0].endpoint);
    stk_client_close(&client);
    fake_stop(&fakes[0]);
}
END_TEST

START_TEST(an_overloaded_daemon_says_when_to_come_back)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.fault = FAULT_ERROR;
    fake.fault_status = STK_OVERLOADED;
    fake.fault_step = 2;
    fake.retry_ms = _i == 0 ? 300 : 20;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.window = 1});
    uint64_t step = 0;
    expect_steps(client, &step, 2);
    uint64_t start_ns = clock_now_ns();
    expect_steps(client, &step, 1);
    uint64_t took_ns = clock_now_ns() - start_ns;
    ck_assert_uint_ge(took_ns, fake.retry_ms * 1000000ull);
    if (_i == 1)
        ck_assert_uint_lt(took_ns, 10000000000u);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(a_daemon_cannot_send_a_trainer_away_for_an_hour)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.fault = FAULT_ERROR;
    fake.fault_status = STK_OVERLOADED;
    fake.retry_ms = 3600000;
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.window = 1});
    uint64_t start_ns = clock_now_ns();
    expect_batch(client, 0, 0);
    ck_assert_uint_ge(clock_now_ns() - start_ns, 2000000000u);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(a_daemon_that_cannot_greet_now_says_when_to_come_back)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.refusal = STK_OVERLOADED;
    fake.refusals = 1;
    fake.retry_ms = 400;
    fake_start(&fake);
    uint64_t start_ns = clock_now_ns();
    struct stk_client *client = open_fake(&fake, NULL);
    ck_assert_uint_ge(clock_now_ns() - start_ns, 400000000u);
    ck_assert_uint_eq(atomic_load(&fake.hellos), 2);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(waits_are_drawn_between_their_bounds)
{
    unsigned quarters[4] = {0};
    for (uint64_t now_ns = 0; now_ns < 40000; now_ns += 10) {
        uint64_t drawn = stk_jitter(1000, 1399, now_ns);
        ck_assert(drawn >= 1000 && drawn <= 1399);
        quarters[(drawn - 1000) / 100]++;
    }
    for (int i = 0; i < 4; i++)
        ck_assert_uint_ge(quarters[i], 800);
    ck_assert_uint_eq(stk_jitter(7, 7, 12345), 7);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("failover");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_fast_daemon_serves_more_and_a_slow_one_something);
    tcase_add_test(tests, a_daemon_that_stalls_gets_little_and_serves_again_when_it_recovers);
    tcase_add_test(tests, the_step_that_the_trainer_waits_for_is_asked_of_another_daemon_too);
    tcase_add_test(tests, the_second_answer_to_a_step_is_dropped_and_counted);
    tcase_add_test(tests, a_daemon_that_says_everything_twice_is_heard_once);
    tcase_add_test(tests, a_daemon_whose_loop_is_stuck_is_left_and_greeted_until_it_answers);
    tcase_add_test(tests, a_lone_daemon_may_take_as_long_as_it_likes);
    tcase_add_test(tests, two_daemons_may_take_as_long_as_they_like);
    tcase_add_loop_test(
        tests, a_daemon_that_serves_the_data_no_more_is_left_out_while_another_one_serves, 0, 2);
    tcase_add_loop_test(tests, an_overloaded_daemon_says_when_to_come_back, 0, 2);
    tcase_add_test(tests, a_daemon_cannot_send_a_trainer_away_for_an_hour);
    tcase_add_test(tests, a_daemon_that_cannot_greet_now_says_when_to_come_back);
    tcase_add_test(tests, waits_are_drawn_between_their_bounds);
    return suite_run("failover", tests);
}
