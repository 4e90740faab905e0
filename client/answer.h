/*
 * An answer: a reply's bytes, and what they say.  Private to libstoker.
 */
#ifndef STK_ANSWER_H
#define STK_ANSWER_H

#include "client/channel.h"
#include "client/stoker.h"

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

/**
 * Decode the first frame, by the answer's kind.
 *
 * Returns: STK_OK, or what the decoder of proto/message.h does; STK_INVALID of another kind.
 * Owns: nothing.  Threads: the answer's.  Blocks: no.  Allocates: for the call.
 */
STK_MUST_CHECK enum stk_status stk_answer_decode(struct stk_answer *answer);

#endif
