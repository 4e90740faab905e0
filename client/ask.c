/*
 * One question to one endpoint, and its answer.
 */
#include "client/stoker.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/channel.h"
#include "client/context.h"
#include "client/fail.h"
#include "client/url.h"
#include "daemon/base/clock.h"

enum {
    QUESTION_ID = 1,
    TIMEOUT_MS_DEFAULT = 30000,
};

struct stk_answer {
    struct stk_frames frames; /* the texts of what was decoded point into the first one */
    enum stk_kind kind;
    union {
        struct stk_streams streams;
        struct stk_labels labels;
        struct stk_replaced_list replaced;
        struct stk_stats stats;
        struct stk_welcome welcome;
    } as;
};

/* A question on its way. */
struct question {
    const struct stk_request *request;
    struct stk_channel channel;
    struct stk_keys keys;
    bool sent;
    char error[STK_ERROR_BYTES];
};

static enum stk_status decode(struct stk_answer *answer, const void *bytes, size_t len)
{
    switch (answer->kind) {
    case STK_KIND_STREAMS:
        return stk_streams_decode(bytes, len, &answer->as.streams);
    case STK_KIND_LABELS:
        return stk_labels_decode(bytes, len, &answer->as.labels);
    case STK_KIND_REPLACED:
        return stk_replaced_decode(bytes, len, &answer->as.replaced);
    case STK_KIND_STATS:
        return stk_stats_decode(bytes, len, &answer->as.stats);
    case STK_KIND_WELCOME:
        return stk_welcome_decode(bytes, len, &answer->as.welcome);
    default:
        return STK_INVALID;
    }
}

/* Read an answer of the kind that was asked for, or the error that came instead. */
static enum stk_status read_answer(struct question *question, struct stk_answer *answer)
{
    const void *bytes = zmq_msg_data(&answer->frames.frames[0]);
    size_t len = zmq_msg_size(&answer->frames.frames[0]);
    uint64_t id;
    enum stk_status status = stk_reply_kind(bytes, len, &answer->kind, &id);
    if (status == STK_OK && answer->kind == STK_KIND_ERROR) {
        struct stk_error said;
        status = stk_error_decode(bytes, len, &said);
        if (status == STK_OK)
            return stk_fail(question->error, said.status == STK_END ? STK_INVALID : said.status,
                            "'%s' says: %.*s", question->channel.endpoint, (int)said.message.len,
                            said.message.data);
    }
    enum stk_kind asked = question->request->kind;
    if (status == STK_OK && (asked == STK_KIND_HELLO ? STK_KIND_WELCOME : asked) != answer->kind)
        status = STK_INVALID;
    return status == STK_OK ? decode(answer, bytes, len) : status;
}

/* STK_END where nothing has come in. */
static enum stk_status receive(struct question *question, struct stk_answer *answer)
{
    enum stk_status status = stk_channel_receive(&question->channel, &answer->frames);
    if (status == STK_END)
        return status;
    if (status == STK_OK)
        status = read_answer(question, answer);
    if (status == STK_OK || question->error[0] != '\0')
        return status;
    return stk_fail(question->error, status,
                    "'%s' sent an answer that cannot be read (%s): is it a stokerd of this "
                    "version?",
                    question->channel.endpoint, stk_status_text(status));
}

static enum stk_status send_request(struct question *question)
{
    struct stk_request request = *question->request;
    request.id = QUESTION_ID;
    enum stk_status status = stk_channel_send(&question->channel, &request);
    if (status != STK_OK)
        return stk_fail(question->error, status, "cannot ask '%s': %s", question->channel.endpoint,
                        stk_status_text(status));
    question->sent = true;
    return STK_OK;
}

/* One turn: connect, send, receive; STK_END where the answer is not here yet. */
static enum stk_status work(struct question *question, struct stk_answer *answer)
{
    struct stk_channel *channel = &question->channel;
    enum stk_status refused;
    enum stk_status status = stk_channel_tend(channel, clock_now_ns(), question->error);
    while (status == STK_OK) {
        enum stk_channel_event event = stk_channel_event(channel);
        if (event == STK_CHANNEL_UP && (status = send_request(question)) != STK_OK)
            return status;
        /* In this order: the answer may have come in before its sender went away. */
        status = receive(question, answer);
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

static enum stk_status ask(struct question *question, uint32_t timeout_ms,
                           struct stk_answer *answer)
{
    const struct stk_channel *channel = &question->channel;
    const uint64_t until_ns = clock_now_ns() + (uint64_t)timeout_ms * 1000000;
    for (;;) {
        enum stk_status status = work(question, answer);
        if (status != STK_END)
            return status;
        if (clock_now_ns() >= until_ns)
            break;
        bool waiting = channel->socket == NULL && channel->open_ns < until_ns;
        stk_channels_wait(&channel, 1, waiting ? channel->open_ns : until_ns);
    }
    const char *suspicion = stk_channel_suspicion(channel);
    return stk_fail(question->error, STK_TIMEOUT, "no answer from '%s' within %" PRIu32 " ms: %s",
                    channel->endpoint, timeout_ms,
                    suspicion[0] != '\0' ? suspicion
                    : question->sent     ? "is it a stokerd?"
                                         : "is stokerd running, and does it listen there?");
}

enum stk_status stk_ask(const char *endpoint, const struct stk_request *request,
                        uint32_t timeout_ms, struct stk_answer **answer, char *error)
{
    *answer = NULL;
    if (error != NULL)
        *error = '\0';
    char checked[STK_ENDPOINT_BYTES];
    enum stk_status status = stk_url_endpoint(endpoint, strlen(endpoint), checked, error);
    if (status != STK_OK)
        return status;
    void *context = stk_context_open();
    struct stk_answer *made = calloc(1, sizeof *made);
    struct question question = {.request = request};
    stk_channel_init(&question.channel, context, checked, STK_HEARTBEAT_MS_DEFAULT);
    question.channel.keys = &question.keys;
    status = stk_keys_find(NULL, NULL, &question.keys, question.error);
    if (status == STK_OK && (context == NULL || made == NULL))
        status = stk_fail(question.error, STK_MEMORY, "no memory to ask '%s'", checked);
    if (status == STK_OK)
        status = ask(&question, timeout_ms == 0 ? TIMEOUT_MS_DEFAULT : timeout_ms, made);
    stk_channel_release(&question.channel);
    stk_keys_wipe(&question.keys);
    stk_context_close(context);
    if (status == STK_OK) {
        *answer = made;
        return STK_OK;
    }
    stk_answer_close(&made);
    return stk_fail(error, status, "%s", question.error);
}

const struct stk_streams *stk_answer_streams(const struct stk_answer *answer)
{
    return answer->kind == STK_KIND_STREAMS ? &answer->as.streams : NULL;
}

const struct stk_labels *stk_answer_labels(const struct stk_answer *answer)
{
    return answer->kind == STK_KIND_LABELS ? &answer->as.labels : NULL;
}

const struct stk_replaced_list *stk_answer_replaced(const struct stk_answer *answer)
{
    return answer->kind == STK_KIND_REPLACED ? &answer->as.replaced : NULL;
}

const struct stk_stats *stk_answer_stats(const struct stk_answer *answer)
{
    return answer->kind == STK_KIND_STATS ? &answer->as.stats : NULL;
}

const struct stk_welcome *stk_answer_welcome(const struct stk_answer *answer)
{
    return answer->kind == STK_KIND_WELCOME ? &answer->as.welcome : NULL;
}

void stk_answer_close(struct stk_answer **answer)
{
    if (*answer == NULL)
        return;
    stk_frames_release(&(*answer)->frames);
    free(*answer);
    *answer = NULL;
}
