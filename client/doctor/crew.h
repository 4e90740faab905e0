/*
 * A crew: every sample of a source looked at, by a thread a core, with a bar on a terminal.
 *
 * Threads: main's waits and draws the bar; each of the others takes the next sample until there are
 * no more, and has whatever it needs of its own.
 */
#ifndef STK_CREW_H
#define STK_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/cores.h"
#include "daemon/image/image.h"
#include "daemon/source/source.h"

enum { CREW_THREADS_MAX = 1024 };

struct crew;

/* What a thread does: for each number of crew_next, whatever it is, then crew_done. */
typedef void crew_work(struct crew *crew, void *context);

/**
 * Run a crew until all samples are done or it is stopped.
 *
 *   count     samples
 *   threads   1 .. CREW_THREADS_MAX; 0: one a core
 *   work      called once in each thread
 *
 * Returns: whether every sample was done: a thread may find no memory to begin with, or none start.
 * Threads: main's; starts its own and joins them.  Blocks: until they end.
 */
bool crew_run(uint64_t count, uint32_t threads, crew_work *work, void *context);

/** The next sample of a thread; false where there is none, or the crew was stopped. */
bool crew_next(struct crew *crew, uint64_t *index);

/** A sample is done; whether it is one that the bar counts as bad. */
void crew_done(struct crew *crew, bool bad);

/** Let every thread end after the sample that it is at. */
void crew_stop(struct crew *crew);

/** Room for a sample's bytes in memory that grows; context is the limit's uint64_t.  A
 *  source_reserve. */
enum stk_status crew_reserve(void *context, struct encoded *encoded, size_t bytes);

#endif
