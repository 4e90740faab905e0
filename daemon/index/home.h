/*
 * Where indexes are: beside the data, and in the state directory of whoever runs the daemon.
 */
#ifndef STK_INDEX_HOME_H
#define STK_INDEX_HOME_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/status.h"

enum { INDEX_HOME_FREE_BYTES_MIN = 256 << 20 };

/**
 * The index beside the data.
 *
 *   root   where the samples' paths start
 *   path   set: PATH_MAX bytes of storage
 *
 * Returns: STK_OK, or STK_LIMIT where the path is too long.
 * Threads: any.  Blocks: no.
 */
STK_MUST_CHECK enum stk_status index_home_beside(const char *root, char path[PATH_MAX]);

/**
 * The index in the state directory, which is $STATE_DIRECTORY (systemd's; the first of several),
 * else stoker in $XDG_STATE_HOME, else ~/.local/state/stoker.
 *
 *   root   where the samples' paths start; its real path names the index
 *   path   set: PATH_MAX bytes of storage
 *
 * Returns: STK_OK, STK_END where there is no such directory or no such root, STK_LIMIT as above.
 * Threads: any, while none changes the environment.  Blocks: on looking at the root.
 */
STK_MUST_CHECK enum stk_status index_home_state(const char *root, char path[PATH_MAX]);

/**
 * Make the directories that a path needs.
 *
 * Returns: STK_OK, or STK_SYSTEM with errno set.
 * Threads: any.  Blocks: on the file system.
 */
STK_MUST_CHECK enum stk_status index_home_make(const char *path);

/** Whether so many bytes more, in a file at a path, leave INDEX_HOME_FREE_BYTES_MIN to others; also
 *  where that cannot be told.  Threads: any.  Blocks: on the file system. */
bool index_home_has_room(const char *path, uint64_t bytes);

#endif
