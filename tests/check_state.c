/*
 * States: their text, whom they are refused for, and that they restart a trainer exactly.
 */
#include "tests/trainer.h"

enum { STEPS = 10, EPOCHS = 2, ADDRESSES = STEPS * EPOCHS };

static const char golden[] = "{\"stoker_state\": 1, \"stream\": \"train\", \"fingerprint\": "
                             "\"ab000000000000000000000000000cd7\", \"epoch\": 3, \"step\": 17, "
                             "\"rank\": 1, \"world\": 4}";

static struct stk_state golden_state(void)
{
    return (struct stk_state){.stream = "train",
                              .fingerprint.bytes = {[0] = 0xab, [14] = 0x0c, [15] = 0xd7},
                              .epoch = 3,
                              .step = 17,
                              .rank = 1,
                              .world = 4};
}

static void check_state(const struct stk_state *state, const struct stk_state *wanted)
{
    ck_assert_str_eq(state->stream, wanted->stream);
    ck_assert_mem_eq(&state->fingerprint, &wanted->fingerprint, sizeof wanted->fingerprint);
    ck_assert_uint_eq(state->epoch, wanted->epoch);
    ck_assert_uint_eq(state->step, wanted->step);
    ck_assert_uint_eq(state->rank, wanted->rank);
    ck_assert_uint_eq(state->world, wanted->world);
}

START_TEST(a_state_goes_both_ways)
{
    struct stk_state state = golden_state(), read;
    char text[STK_STATE_BYTES], error[STK_ERROR_BYTES];
    stk_state_encode(&state, text);
    ck_assert_str_eq(text, golden);
    ck_assert_int_eq(stk_state_decode(text, &read, error), STK_OK);
    ck_assert_str_eq(error, "");
    check_state(&read, &state);
}
END_TEST

START_TEST(the_largest_state_fits_its_storage)
{
    struct stk_state state = {
        .epoch = UINT32_MAX, .step = UINT64_MAX, .rank = UINT32_MAX - 1, .world = UINT32_MAX};
    memset(state.stream, 'x', STK_NAME_BYTES_MAX);
    struct stk_state read;
    char text[STK_STATE_BYTES];
    stk_state_encode(&state, text);
    ck_assert_int_eq(stk_state_decode(text, &read, NULL), STK_OK);
    check_state(&read, &state);
}
END_TEST

START_TEST(a_state_that_a_json_library_wrote_anew_is_read)
{
    const struct stk_state wanted = golden_state();
    struct stk_state read;
    ck_assert_int_eq(stk_state_decode("\n{\"epoch\":3,\"fingerprint\":"
                                      "\"ab000000000000000000000000000cd7\"\t,\n  \"rank\" : 1 ,"
                                      "\"step\":17,\"stoker_state\":1,\"stream\":\"train\",\r\n"
                                      "\"world\":4}\n",
                                      &read, NULL),
                     STK_OK);
    check_state(&read, &wanted);
}
END_TEST

#define REST "\"fingerprint\": \"ab000000000000000000000000000cd7\", \"epoch\": 3"
static const struct {
    const char *text;
    enum stk_status status;
    const char *says;
} bad[] = {
    {"", STK_INVALID, "is no state"},
    {"epoch 3 step 17", STK_INVALID, "'epoch 3 step 17' is no state"},
    {"{}", STK_INVALID, "is no state"},
    {"[]", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 2, \"place\": 7}", STK_VERSION, "version 2"},
    {"{\"stoker_state\": 0}", STK_VERSION, "version 0"},
    {"{\"stoker_state\": 1}", STK_INVALID, "'stream'"},
    {"{\"stoker_state\": \"1\"}", STK_INVALID, "'stoker_state'"},
    {"{\"stoker_state\": 1, \"place\": 7}", STK_INVALID, "'place'"},
    {"{\"stoker_state\": 1, \"step\": -1}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"step\": 1.5}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"step\": 1e3}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"step\": 01}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"step\": }", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"step\": null}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"step\": {\"a\": 1}}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"step\": 18446744073709551616}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"stream\": \"a\\u0062\"}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1,, \"stream\": \"a\"}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1 \"stream\": \"a\"}", STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"stream\": \"train\", " REST ", \"step\": 1, \"rank\": 0, "
     "\"world\": 1",
     STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"stream\": \"train\", " REST ", \"step\": 1, \"rank\": 0, "
     "\"world\": 1} x",
     STK_INVALID, "is no state"},
    {"{\"stoker_state\": 1, \"stream\": \"train\", " REST ", \"step\": 1, \"rank\": 0, "
     "\"world\": 1, \"step\": 1}",
     STK_INVALID, "'step'"},
    {"{\"stoker_state\": 1, \"stream\": \"\", " REST ", \"step\": 1, \"rank\": 0, \"world\": 1}",
     STK_INVALID, "no stream's name"},
    {"{\"stoker_state\": 1, \"stream\": 7, " REST ", \"step\": 1, \"rank\": 0, \"world\": 1}",
     STK_INVALID, "'stream'"},
    {"{\"stoker_state\": 1, \"stream\": \"train\", " REST ", \"step\": 1, \"rank\": 1, "
     "\"world\": 1}",
     STK_INVALID, "rank 1"},
    {"{\"stoker_state\": 1, \"stream\": \"train\", " REST ", \"step\": 1, \"rank\": 0, "
     "\"world\": 4294967296}",
     STK_INVALID, "'world'"},
    {"{\"stoker_state\": 1, \"stream\": \"train\", \"fingerprint\": \"ab0\", \"epoch\": 3, "
     "\"step\": 1, \"rank\": 0, \"world\": 1}",
     STK_INVALID, "'ab0'"},
    {"{\"stoker_state\": 1, \"stream\": \"train\", \"fingerprint\": "
     "\"AB000000000000000000000000000cd7\", \"epoch\": 3, \"step\": 1, \"rank\": 0, \"world\": 1}",
     STK_INVALID, "32 hexadecimal"},
};

START_TEST(what_is_no_state_is_refused)
{
    struct stk_state state = golden_state();
    char error[STK_ERROR_BYTES];
    ck_assert_msg(stk_state_decode(bad[_i].text, &state, error) == bad[_i].status, "%s: %s",
                  bad[_i].text, error);
    ck_contains(error, bad[_i].says);
    ck_assert_str_eq(state.stream, "");
    ck_assert_uint_eq(state.world, 0);
}
END_TEST

START_TEST(every_cut_of_a_state_is_refused)
{
    char cut[sizeof golden];
    struct stk_state state;
    for (size_t len = 0; len < sizeof golden - 1; len++) {
        snprintf(cut, sizeof cut, "%.*s", (int)len, golden);
        ck_assert_int_eq(stk_state_decode(cut, &state, NULL), STK_INVALID);
    }
}
END_TEST

START_TEST(a_state_of_another_stream_or_of_other_data_is_refused_with_both_named)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, NULL);
    expect_batch(client, 0, 0);
    struct stk_state saved, state;
    stk_client_state(client, &saved);

    state = saved;
    strcpy(state.stream, "val");
    ck_assert_int_eq(stk_client_restore(client, &state), STK_INVALID);
    ck_contains(stk_client_error(client), "'val'");
    ck_contains(stk_client_error(client), "'train'");
    state = saved;
    state.fingerprint.bytes[0] = 0xcd;
    ck_assert_int_eq(stk_client_restore(client, &state), STK_FINGERPRINT);
    ck_contains(stk_client_error(client), "ab00");
    ck_contains(stk_client_error(client), "cd00");
    ck_contains(stk_client_error(client), fake.endpoint);
    char url[256], error[STK_ERROR_BYTES];
    fake_url(&fake, url);
    ck_assert_int_eq(open_fails(url, &(struct stk_options){.state = &state}, error),
                     STK_FINGERPRINT);
    ck_contains(error, "cd00");
    state = saved;
    state.step = 11;
    ck_assert_int_eq(stk_client_restore(client, &state), STK_RANGE);

    /* Nothing has changed. */
    expect_batch(client, 0, 1);
    ck_assert_int_eq(stk_client_restore(client, &saved), STK_OK);
    expect_batch(client, 0, 1);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

/* Be each rank of a group in turn, from a state on, each for so many batches (0: to the end);
 * count what comes.  The state that rank 0 would save. */
static struct stk_state run_group(const struct fake_daemon *fake, uint32_t world, uint64_t batches,
                                  const struct stk_state *from, unsigned came[ADDRESSES])
{
    struct stk_state saved = {.epoch = 0};
    for (uint32_t rank = 0; rank < world; rank++) {
        struct stk_client *client = open_fake(
            fake,
            &(struct stk_options){.rank = rank, .world = world, .epochs = EPOCHS, .state = from});
        struct stk_batch *batch;
        for (uint64_t i = 0;
             (batches == 0 || i < batches) && stk_client_next(client, &batch) == STK_OK; i++) {
            struct stk_address address = stk_batch_header(batch)->address;
            check_content(batch);
            came[address.epoch * STEPS + address.step]++;
            stk_batch_close(&batch);
        }
        struct stk_state state;
        stk_client_state(client, &state);
        ck_assert_uint_eq(state.rank, rank);
        ck_assert_uint_eq(state.world, world);
        if (rank == 0)
            saved = state;
        if (batches > 0) {
            ck_assert_uint_eq(state.epoch, saved.epoch);
            ck_assert_uint_eq(state.step, saved.step);
        }
        stk_client_close(&client);
    }
    return saved;
}

/* What a checkpoint does to a state. */
static struct stk_state through_text(const struct stk_state *state)
{
    char text[STK_STATE_BYTES];
    stk_state_encode(state, text);
    struct stk_state read;
    ck_assert_int_eq(stk_state_decode(text, &read, NULL), STK_OK);
    return read;
}

/* One trainer stops after _i batches, three after so many rounds, two go on to the end. */
START_TEST(a_restored_group_of_any_world_receives_every_step_once)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake.last = STK_LAST_PARTIAL; /* no step is left out where a world does not divide */
    fake_start(&fake);
    const uint64_t alone = (uint64_t)_i;
    for (uint64_t rounds = 1; alone % STEPS + 3 * rounds <= STEPS; rounds++) {
        unsigned came[ADDRESSES] = {0};
        struct stk_state state = {.epoch = 0};
        if (alone > 0) {
            state = run_group(&fake, 1, alone, NULL, came);
            state = through_text(&state);
            ck_assert_uint_eq(state.epoch * STEPS + state.step, alone);
        }
        state = run_group(&fake, 3, rounds, alone > 0 ? &state : NULL, came);
        state = through_text(&state);
        for (uint64_t i = 0; i < ADDRESSES; i++)
            ck_assert_uint_eq(came[i], i < alone + 3 * rounds);
        run_group(&fake, 2, 0, &state, came);
        for (uint64_t i = 0; i < ADDRESSES; i++)
            ck_assert_msg(came[i] == 1, "address %u came %u times", (unsigned)i, came[i]);
    }
    fake_stop(&fake);
}
END_TEST

/* The epochs are the run's, not those behind the state. */
START_TEST(a_trainer_stopped_anywhere_goes_on_in_order_to_the_end_of_its_run)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_client *client = open_fake(&fake, &(struct stk_options){.epochs = EPOCHS});
    struct stk_state state;
    for (uint64_t i = 0; i < ADDRESSES; i++) {
        expect_batch(client, (uint32_t)(i / STEPS), i % STEPS);
        stk_client_state(client, &state);
        stk_client_close(&client);
        client = open_fake(&fake, &(struct stk_options){.epochs = EPOCHS, .state = &state});
    }
    expect_failure(client, STK_END, "");
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

START_TEST(a_restored_trainer_asks_for_nothing_that_it_has_had)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_state state = {.stream = "train",
                              .fingerprint.bytes = {fake.fingerprint},
                              .epoch = 1,
                              .step = 7,
                              .world = 1};
    struct stk_client *client =
        open_fake(&fake, &(struct stk_options){.epochs = EPOCHS, .state = &state});
    for (uint64_t step = 7; step < STEPS; step++)
        expect_batch(client, 1, step);
    expect_failure(client, STK_END, "");
    ck_assert_uint_eq(atomic_load(&fake.gets), 3);
    ck_assert_uint_eq(atomic_load(&fake.cancels), 0);
    stk_client_close(&client);
    fake_stop(&fake);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("state");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, a_state_goes_both_ways);
    tcase_add_test(tests, the_largest_state_fits_its_storage);
    tcase_add_test(tests, a_state_that_a_json_library_wrote_anew_is_read);
    tcase_add_loop_test(tests, what_is_no_state_is_refused, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tests, every_cut_of_a_state_is_refused);
    tcase_add_test(tests, a_state_of_another_stream_or_of_other_data_is_refused_with_both_named);
    /* Three ranks stop inside an epoch: in its last round not all have a step. */
    tcase_add_loop_test(tests, a_restored_group_of_any_world_receives_every_step_once, 0, 8);
    tcase_add_loop_test(tests, a_restored_group_of_any_world_receives_every_step_once, 10, 18);
    tcase_add_test(tests, a_trainer_stopped_anywhere_goes_on_in_order_to_the_end_of_its_run);
    tcase_add_test(tests, a_restored_trainer_asks_for_nothing_that_it_has_had);
    return suite_run("state", tests);
}
