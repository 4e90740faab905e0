/*
 * Greeting: hello and welcome, and that all daemons behind a URL serve the same data.
 *
 * The first welcome is kept, and every other one is held against it, also that of a daemon which
 * comes back.  A client's thread.  Private to libstoker.
 */
#ifndef STK_GREET_H
#define STK_GREET_H

#include "client/pump.h"

/** Say hello on a connection that has come up; the peer is lost where that cannot be sent. */
void stk_greet(struct stk_client *client, uint32_t peer);

/**
 * A welcome has come from a peer that is not live yet: it is then, or it is refused.
 *
 * Returns: STK_OK, also for a peer that is refused; STK_MEMORY, and the client's error is set.
 * Owns: nothing.  Threads: the client's.  Blocks: no.  Allocates: the first welcome's copy.
 */
STK_MUST_CHECK enum stk_status stk_greet_welcome(struct stk_client *client, uint32_t peer,
                                                 zmq_msg_t *frame);

#endif
