/*
 * Fetching one batch, or the answer to one question, for the sub-commands that look at it.
 */
#ifndef STK_FETCH_H
#define STK_FETCH_H

#include "client/stoker.h"

enum { FETCH_ENDPOINT_BYTES = 512 };

/**
 * Connect to a stream and fetch one batch.
 *
 *   client, batch   set on success, NULL otherwise; the batch goes before the client
 *
 * Owns:    the caller closes both.
 * Returns: an exit code; what failed was said.
 * Blocks:  up to twice timeout_s.
 */
int fetch_batch(const char *url, uint32_t epoch, uint64_t step, enum stk_unmixed unmixed,
                uint32_t timeout_s, struct stk_client **client, struct stk_batch **batch);

/**
 * Ask a daemon a question that has no further keys: streams or stats.
 *
 *   url        an endpoint; a stream's name behind it is passed over
 *   endpoint   FETCH_ENDPOINT_BYTES of storage: what was asked
 *   answer     set on success, NULL otherwise
 *
 * Owns:    the caller closes answer.
 * Returns: an exit code; what failed was said.
 * Blocks:  up to timeout_s.
 */
int fetch_answer(const char *url, enum stk_kind kind, uint32_t timeout_s, char *endpoint,
                 struct stk_answer **answer);

#endif
