/*
 * A question to one endpoint, asked once or again and again over the same connection.
 *
 * A connection that breaks is made again, and what it owed is asked again.  One question is on its
 * way at a time.
 *
 * One thread.  Private to libstoker and to the stoker command.
 */
#ifndef STK_QUESTION_H
#define STK_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "client/channel.h"
#include "client/keys.h"
#include "client/stoker.h"
#include "client/url.h"

struct stk_question {
    const struct stk_request *request; /* borrowed; the id in it is of no account */
    uint64_t id;                       /* of the question now */
    struct stk_answer *answer;         /* storage of the next one; NULL: none yet */
    void *context;
    struct stk_channel channel;
    struct stk_keys keys;
    bool up;   /* connected */
    bool sent; /* on its way, or answered */
    char endpoint[STK_ENDPOINT_BYTES];
    char error[STK_ERROR_BYTES]; /* why work failed; "" */
};

/**
 * Get ready to ask; the first stk_question_work connects.
 *
 *   endpoint   without a stream's name
 *   request    borrowed until release
 *   error      STK_ERROR_BYTES of storage
 *
 * Owns:    the caller gives the question to stk_question_release, whatever was returned.
 * Returns: STK_OK; STK_INVALID where it is no endpoint; STK_FORBIDDEN or STK_INVALID of a key;
 *          STK_MEMORY.
 * Threads: the owner's.  Blocks: on files of keys.  Allocates: libzmq does.
 */
STK_MUST_CHECK enum stk_status stk_question_init(struct stk_question *question,
                                                 const char *endpoint,
                                                 const struct stk_request *request, char *error);

/** Close the connection and wipe the keys.  Safe on a zeroed question. */
void stk_question_release(struct stk_question *question);

/**
 * Do what there is to do without waiting: connect, send, receive.
 *
 *   answer   set on success, NULL otherwise
 *
 * Owns:    the caller gives *answer to stk_answer_close.
 * Returns: STK_OK      the answer is here; nothing more comes until stk_question_again
 *          STK_END     it is not here yet
 *          else        question->error says what is wrong: of the connection, or what the daemon
 *                      answered instead
 * Threads: the owner's.  Blocks: no.  Allocates: the answer.
 */
STK_MUST_CHECK enum stk_status stk_question_work(struct stk_question *question,
                                                 struct stk_answer **answer);

/** Ask once more.  The answer to the question before, if it is still to come, is passed over. */
void stk_question_again(struct stk_question *question);

/**
 * Give up waiting after timeout_ms, and the connection with it: the peer may be dead.
 *
 * Returns: STK_TIMEOUT; question->error says what may be wrong.
 */
enum stk_status stk_question_late(struct stk_question *question, uint32_t timeout_ms);

/** Wait until there is something to do; others, count and what is returned are those of
 *  stk_channel_wait_beside. */
uint32_t stk_question_wait(const struct stk_question *question, const int *others, uint32_t count,
                           uint64_t until_ns);

#endif
