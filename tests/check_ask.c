/*
 * A question to a daemon, and its answer.
 */
#include "client/stoker.h"
#include "tests/trainer.h"

static struct stk_answer *ask(const struct fake_daemon *fake, const struct stk_request *request)
{
    struct stk_answer *answer;
    char error[STK_ERROR_BYTES];
    enum stk_status status = stk_ask(fake->endpoint, request, 0, &answer, error);
    ck_assert_msg(status == STK_OK, "%s: %s", stk_status_word(status), error);
    return answer;
}

START_TEST(questions_are_answered)
{
    struct fake_daemon fake;
    fake_init(&fake);
    fake_start(&fake);
    struct stk_answer *answer = ask(&fake, &(struct stk_request){.kind = STK_KIND_STREAMS});
    ck_assert_uint_eq(stk_answer_streams(answer)->count, 1);
    ck_assert(stk_text_is(stk_answer_streams(answer)->rows[0].stream, "train"));
    ck_assert_ptr_null(stk_answer_stats(answer));
    stk_answer_close(&answer);
    ck_assert_ptr_null(answer);

    answer = ask(&fake, &(struct stk_request){.kind = STK_KIND_STATS});
    ck_assert(stk_text_is(stk_answer_stats(answer)->figures[0].name, "batches_made"));
    stk_answer_close(&answer);

    answer = ask(&fake, &(struct stk_request){.kind = STK_KIND_LABELS, .first = 598});
    ck_assert_uint_eq(stk_answer_labels(answer)->count, 2);
    ck_assert(stk_text_is(stk_answer_labels(answer)->names[1], "class 599"));
    stk_answer_close(&answer);

    answer = ask(&fake, &(struct stk_request){.kind = STK_KIND_HELLO,
                                              .version = STK_PROTOCOL_VERSION,
                                              .window = 1,
                                              .stream = stk_text_of("train")});
    ck_assert_uint_eq(stk_answer_welcome(answer)->info.steps, 10);
    stk_answer_close(&answer);
    fake_stop(&fake);
}
END_TEST

START_TEST(a_question_that_is_not_answered_well_fails)
{
    struct stk_answer *answer;
    char error[STK_ERROR_BYTES];
    const struct stk_request streams = {.kind = STK_KIND_STREAMS};
    ck_assert_int_eq(stk_ask("tcp://127.0.0.1:1", &streams, SHORT_MS, &answer, error), STK_TIMEOUT);
    ck_assert_ptr_null(answer);
    ck_contains(error, "is stokerd running");
    ck_assert_int_eq(stk_ask("tcp://127.0.0.1:1/train", &streams, SHORT_MS, &answer, error),
                     STK_INVALID);

    struct fake_daemon fake;
    fake_init(&fake);
    fake.crossed = true;
    fake_start(&fake);
    const struct stk_request hello = {
        .kind = STK_KIND_HELLO, .version = STK_PROTOCOL_VERSION, .stream = stk_text_of("trial")};
    ck_assert_int_eq(stk_ask(fake.endpoint, &hello, 0, &answer, error), STK_UNKNOWN_STREAM);
    ck_contains(error, "no such stream here");
    ck_assert_int_eq(stk_ask(fake.endpoint, &streams, 0, &answer, error), STK_INVALID);
    ck_contains(error, "cannot be read");
    /* A batch is no answer to a question. */
    const struct stk_request get = {.kind = STK_KIND_GET, .stream = stk_text_of("train")};
    ck_assert_int_eq(stk_ask(fake.endpoint, &get, 0, &answer, error), STK_INVALID);
    ck_assert_ptr_null(answer);
    fake_stop(&fake);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ask");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, questions_are_answered);
    tcase_add_test(tests, a_question_that_is_not_answered_well_fails);
    return suite_run("ask", tests);
}
