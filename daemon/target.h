/*
 * The target: a sealed batch's labels as dense rows.
 */
#ifndef STK_TARGET_H
#define STK_TARGET_H

#include "daemon/batch/batch.h"

/**
 * Fill the target of a batch that was sealed: its rows follow from the labels, lambdas and indices
 * that are sent beside it.  Does nothing where the stream has no target.
 *
 * Threads: the last worker.  Blocks: no.  Allocates: no.
 * Source:  PROTOCOL.md, "Target".
 */
void target_fill(struct batch *batch);

#endif
