/*
 * A batch at the receiver: frames that were held against what their header says, and kept where
 * they were received.  Private to libstoker; the public functions are in stoker.h.
 */
#ifndef STK_BATCH_H
#define STK_BATCH_H

#include "client/channel.h"
#include "client/stoker.h"

/**
 * Check a batch reply and make a batch of it.
 *
 *   frames    a whole message; emptied on success
 *   info      of the stream that was asked
 *   address   that was asked
 *   batch     set on success, NULL otherwise
 *   error     STK_ERROR_BYTES of storage: where the reply breaks the protocol
 *
 * Owns:    the caller owns *batch and gives it to stk_batch_close; it still releases frames.
 * Returns: STK_OK
 *          STK_INVALID  the header is no batch header, or the batch is not the one asked for, or
 *                       frames or shapes are not what they have to be
 *          STK_LIMIT    the header is over a limit of the protocol
 *          STK_MEMORY
 * Threads: any one at a time.  Blocks: no.  Allocates: the batch; not its pixels.
 */
STK_MUST_CHECK enum stk_status stk_batch_open(struct stk_frames *frames,
                                              const struct stk_stream_info *info,
                                              struct stk_address address, struct stk_batch **batch,
                                              char *error);

#endif
