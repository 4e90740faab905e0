/*
 * Fetching one batch, for the sub-commands that look at one.
 */
#ifndef STK_FETCH_H
#define STK_FETCH_H

#include "client/stoker.h"

/**
 * Connect to a stream and fetch one batch.
 *
 *   client, batch   set on success, NULL otherwise; the batch goes before the client
 *
 * Owns:    the caller closes both.
 * Returns: an exit code; what failed was said.
 * Blocks:  up to twice timeout_s.
 */
int fetch_batch(const char *url, uint32_t epoch, uint64_t step, uint32_t timeout_s,
                struct stk_client **client, struct stk_batch **batch);

#endif
