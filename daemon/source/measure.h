/*
 * Measuring: the sizes of listed files, asked for in parallel.
 *
 * For kinds of sources that know their paths from a file and not from directories.  Starts threads
 * and joins them before it returns; logs its progress.
 */
#ifndef STK_SOURCE_MEASURE_H
#define STK_SOURCE_MEASURE_H

#include <stdatomic.h>
#include <stddef.h>

#include "daemon/source/listing.h"
#include "daemon/source/scan.h"
#include "proto/status.h"

/**
 * Set the bytes of every sample of some runs; LISTING_BYTES_UNKNOWN where a path leads to no
 * regular file, or may not be followed.
 *
 *   root      paths are relative to it; an absolute one stands for itself
 *   source    what the log calls it
 *   threads   1 .. SOURCE_THREADS_MAX
 *   watch     ends it soon after its stop is set; NULL: nobody does
 *
 * Returns: STK_OK; else error is set, a sentence for a person:
 *          STK_SYSTEM   the disk or the network failed, or no thread could be started
 *          STK_CLOSED   it was stopped
 *          STK_MEMORY
 * Blocks:  on the file system.
 */
STK_MUST_CHECK enum stk_status measure_runs(const struct root *root, struct listing_run *runs,
                                            size_t count, const char *source, unsigned threads,
                                            struct source_watch *watch, char *error);

#endif
