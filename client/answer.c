/*
 * Answers: see answer.h and stoker.h.
 */
#include "client/answer.h"

#include <stdlib.h>

enum stk_status stk_answer_decode(struct stk_answer *answer)
{
    const void *bytes = zmq_msg_data(&answer->frames.frames[0]);
    size_t len = zmq_msg_size(&answer->frames.frames[0]);
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
