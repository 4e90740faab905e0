/*
 * One question to one endpoint, and its answer.
 */
#include "client/stoker.h"

#include <stdlib.h>

#include "client/fail.h"
#include "client/question.h"
#include "daemon/base/clock.h"

enum { TIMEOUT_MS_DEFAULT = 30000 };

static enum stk_status ask(struct stk_question *question, uint32_t timeout_ms,
                           struct stk_answer **answer)
{
    const uint64_t until_ns = clock_now_ns() + (uint64_t)timeout_ms * 1000000;
    for (;;) {
        enum stk_status status = stk_question_work(question, answer);
        if (status != STK_END)
            return status;
        if (clock_now_ns() >= until_ns)
            return stk_question_late(question, timeout_ms);
        stk_question_wait(question, NULL, 0, until_ns);
    }
}

enum stk_status stk_ask(const char *endpoint, const struct stk_request *request,
                        uint32_t timeout_ms, struct stk_answer **answer, char *error)
{
    *answer = NULL;
    if (error != NULL)
        *error = '\0';
    struct stk_question question;
    enum stk_status status = stk_question_init(&question, endpoint, request, error);
    if (status == STK_OK) {
        status = ask(&question, timeout_ms == 0 ? TIMEOUT_MS_DEFAULT : timeout_ms, answer);
        if (status != STK_OK)
            stk_fail(error, status, "%s", question.error);
    }
    stk_question_release(&question);
    return status;
}
