/*
 * The window: which steps are asked for, of whom, and when a step is asked of a second peer.
 *
 * Who is asked, spread.h says.  The trainer waits for the head alone, so the head must not be stuck
 * at a peer that has become slow while others are not.  Where it is unanswered for three times as
 * long as replies of the peer that would be asked now usually take, 50 ms at least, that one is
 * asked too.  A step is asked of two peers at most, and only the head's, so the extra work is
 * bounded by one batch in the making; where all peers become slow, what is usual grows with them.
 *
 * A client's thread.  Private to libstoker.
 */
#ifndef STK_WINDOW_H
#define STK_WINDOW_H

#include "client/pump.h"

/** Fill the window: take addresses and send their requests where that can be done now. */
void stk_window_fill(struct stk_client *client);

/** Ask a second peer for the head where it is time to.  Threads: the client's. */
void stk_window_hedge(struct stk_client *client);

/** When stk_window_hedge may have something to do; UINT64_MAX where only a reply changes that. */
uint64_t stk_window_hedge_ns(const struct stk_client *client);

/** Cancel a slot's requests that are still owed. */
void stk_window_cancel(struct stk_client *client, uint64_t id);

/** Cancel what is in flight and drop what came in; the ring is empty afterwards. */
void stk_window_forget(struct stk_client *client);

#endif
