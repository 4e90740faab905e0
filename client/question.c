/*
 * Questions: see question.h.
 */
#include "client/question.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/answer.h"
#include "client/context.h"
#include "client/fail.h"
#include "daemon/base/clock.h"

/* Until a socket that cannot be made is tried again. */
static const uint64_t retry_ns = 1000000000;

enum stk_status stk_question_init(struct stk_question *question, const char *endpoint,
                                  const struct stk_request *request, char *error)
{
    *question = (struct stk_question){.request = request, .id = 1};
    enum stk_status status =
        stk_url_endpoint(endpoint, strlen(endpoint), question->endpoint, error);
    if (status == STK_OK)
        status = stk_keys_find(NULL, NULL, &question->keys, error);
    if (status != STK_OK)
        return status;
    question->context = stk_context_open();
    if (question->context == NULL)
        return stk_fail(error, STK_MEMORY, "no memory to ask '%s'", question->endpoint);
    stk_channel_init(&question->channel, question->context, question->endpoint,
                     STK_HEARTBEAT_MS_DEFAULT);
    question->channel.keys = &question->keys;
    return STK_OK;
}

void stk_question_release(struct stk_question *question)
{
    stk_channel_release(&question->channel);
    stk_answer_close(&question->answer);
    stk_keys_wipe(&question->keys);
    stk_context_close(question->context);
    question->context = NULL;
}

/* Read an answer of the kind that was asked for, or the error that came instead; STK_END where it
 * answers a question of before. */
static enum stk_status read_answer(struct stk_question *question, struct stk_answer *answer)
{
    const void *bytes = zmq_msg_data(&answer->frames.frames[0]);
    size_t len = zmq_msg_size(&answer->frames.frames[0]);
    uint64_t id;
    enum stk_status status = stk_reply_kind(bytes, len, &answer->kind, &id);
    if (status == STK_OK && id > 0 && id < question->id)
        return STK_END;
    if (status == STK_OK && answer->kind == STK_KIND_ERROR) {
        struct stk_error said;
        status = stk_error_decode(bytes, len, &said);
        if (status == STK_OK)
            return stk_fail(question->error, said.status == STK_END ? STK_INVALID : said.status,
                            "'%s' says: %.*s", question->endpoint, (int)said.message.len,
                            said.message.data);
    }
    enum stk_kind asked = question->request->kind;
    if (status == STK_OK && (asked == STK_KIND_HELLO ? STK_KIND_WELCOME : asked) != answer->kind)
        status = STK_INVALID;
    return status == STK_OK ? stk_answer_decode(answer) : status;
}

/* STK_END where nothing has come in. */
static enum stk_status receive(struct stk_question *question)
{
    struct stk_answer *answer = question->answer;
    enum stk_status status = stk_channel_receive(&question->channel, &answer->frames);
    if (status == STK_END)
        return status;
    if (status == STK_OK)
        status = read_answer(question, answer);
    if (status == STK_OK) {
        stk_channel_prove(&question->channel);
        return status;
    }
    stk_frames_release(&answer->frames);
    if (status == STK_END || question->error[0] != '\0')
        return status;
    return stk_fail(question->error, status,
                    "'%s' sent an answer that cannot be read (%s): is it a stokerd of this "
                    "version?",
                    question->endpoint, stk_status_text(status));
}

static enum stk_status send_request(struct stk_question *question)
{
    struct stk_request request = *question->request;
    request.id = question->id;
    enum stk_status status = stk_channel_send(&question->channel, &request);
    if (status != STK_OK)
        return stk_fail(question->error, status, "cannot ask '%s': %s", question->endpoint,
                        stk_status_text(status));
    question->sent = true;
    return STK_OK;
}

/* A new connection owes what the old one did. */
static enum stk_channel_event next_event(struct stk_question *question)
{
    enum stk_channel_event event = stk_channel_event(&question->channel);
    if (event != STK_CHANNEL_QUIET) {
        question->up = event == STK_CHANNEL_UP;
        question->sent = false;
    }
    return event;
}

/* One turn: connect, send, receive. */
static enum stk_status work(struct stk_question *question)
{
    struct stk_channel *channel = &question->channel;
    enum stk_status refused;
    enum stk_status status = stk_channel_tend(channel, clock_now_ns(), question->error);
    if (status != STK_OK)
        stk_channel_put_off(channel, clock_now_ns() + retry_ns);
    while (status == STK_OK) {
        enum stk_channel_event event = next_event(question);
        if (question->up && !question->sent && (status = send_request(question)) != STK_OK)
            return status;
        /* In this order: the answer may have come in before its sender went away. */
        status = receive(question);
        if (event == STK_CHANNEL_DOWN)
            stk_channel_drop(channel, clock_now_ns());
        if (event == STK_CHANNEL_DOWN && status == STK_END &&
            (refused = stk_channel_refusal(channel, question->error)) != STK_OK)
            return refused;
        if (status != STK_END || event == STK_CHANNEL_QUIET)
            return status;
        status = STK_OK;
    }
    return status;
}

enum stk_status stk_question_work(struct stk_question *question, struct stk_answer **answer)
{
    *answer = NULL;
    question->error[0] = '\0';
    if (question->answer == NULL)
        question->answer = calloc(1, sizeof *question->answer);
    if (question->answer == NULL)
        return stk_fail(question->error, STK_MEMORY, "no memory to ask '%s'", question->endpoint);
    enum stk_status status = work(question);
    if (status == STK_OK) {
        *answer = question->answer;
        question->answer = NULL;
    }
    return status;
}

void stk_question_again(struct stk_question *question)
{
    question->id++;
    question->sent = false;
}

enum stk_status stk_question_late(struct stk_question *question, uint32_t timeout_ms)
{
    const char *suspicion = stk_channel_suspicion(&question->channel);
    const char *advice =
        question->sent ? "is it a stokerd?" : "is stokerd running, and does it listen there?";
    enum stk_status status =
        stk_fail(question->error, STK_TIMEOUT, "no answer from '%s' within %" PRIu32 " ms: %s",
                 question->endpoint, timeout_ms, suspicion[0] != '\0' ? suspicion : advice);
    if (question->channel.socket != NULL)
        stk_channel_drop(&question->channel, clock_now_ns());
    question->up = question->sent = false;
    return status;
}

uint32_t stk_question_wait(const struct stk_question *question, const int *others, uint32_t count,
                           uint64_t until_ns)
{
    const struct stk_channel *channel = &question->channel;
    bool waiting = channel->socket == NULL && channel->open_ns < until_ns;
    return stk_channel_wait_beside(channel, others, count, waiting ? channel->open_ns : until_ns);
}
