/*
 * A file's bytes, read with pread: a file that shrinks meanwhile is a short read and not a
 * SIGBUS.  No state; any thread.
 */
#ifndef STK_FILE_H
#define STK_FILE_H

#include <stdint.h>

#include "daemon/source/source.h"
#include "proto/status.h"

/**
 * Open a file or a folder; opening on a network file system may be interrupted, and is tried again.
 *
 *   directory   descriptor that path is relative to, or AT_FDCWD
 *   flags       as openat(2) takes them; O_CLOEXEC is added
 *
 * Returns: a descriptor, or -1 with errno set.  Threads: any.  Blocks: on the file system.
 */
int file_open(int directory, const char *path, int flags);

struct stat;

/** When a file's bytes were last changed, as struct source_state has it; 0 where that is before
 *  1678 or after 2261. */
int64_t file_mtime_ns(const struct stat *file);

/**
 * Read a file, or a part of it.
 *
 *   directory      descriptor that path is relative to
 *   bytes_listed   its size when it was listed; another size now is a failure, since the stream's
 *                  fingerprint promises the file that was listed
 *   the rest as in source_read
 */
STK_MUST_CHECK enum stk_status file_read(int directory, const char *path, uint64_t bytes_listed,
                                         const struct source_reading *reading,
                                         struct encoded *encoded, char *reason);

#endif
