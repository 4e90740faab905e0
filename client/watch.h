/*
 * The watch: peers that owe replies and are silent are left, and what they owe is asked elsewhere.
 *
 * Two ways of being silent.  A peer of which no byte has come for the heartbeat time, though it is
 * sent heartbeats, is dead, stopped or cut off.  A peer that answers heartbeats, but has sent no
 * reply for the heartbeat time and four times as long as it usually takes, though it owes some, or
 * owed several that another peer gave meanwhile, has a loop that is stuck; it is left only where
 * another peer has sent a batch lately, because otherwise the batches may simply take that long: a
 * welcome is no batch, or two daemons whose batches take longer would be left in turns for ever.  A
 * peer that was left is greeted anew, and asked again once it welcomes us.
 *
 * A process that was stopped finds every peer silent, since it has sent none of them a heartbeat.
 * Where nobody has looked for half the heartbeat time, a peer that is found silent within as much
 * time from then on has as long again to answer.
 *
 * A client's thread.  Private to libstoker.
 */
#ifndef STK_WATCH_H
#define STK_WATCH_H

#include "client/pump.h"

/** Leave the peers that are silent.  What has come in was received before.  Blocks: no. */
void stk_watch_peers(struct stk_client *client, uint64_t now_ns);

/** When a peer may be silent for too long, if nothing comes until then. */
uint64_t stk_watch_ns(const struct stk_client *client, uint64_t now_ns);

/** A peer has replied. */
void stk_watch_reply(struct stk_peer *peer, uint64_t now_ns);

/** A peer is asked, and has nothing in flight yet. */
void stk_watch_ask(struct stk_peer *peer, uint64_t now_ns);

#endif
