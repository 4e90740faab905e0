/*
 * A tree: the folder that samples' paths start at, and what stands below it, as it is while the
 * daemon runs.
 *
 * A file that is gone from a folder that is there is the file's own fault and stays so.  A folder
 * that is gone or empty is a disk that is not mounted, or somebody who moves things about: it may
 * come back, and what was listed in it is not lost.  The tree's own folder is looked for again by
 * its path, so that it is found where it comes back.  Any thread.
 */
#ifndef STK_TREE_H
#define STK_TREE_H

#include <stdint.h>

#include "daemon/source/source.h"
#include "proto/status.h"

struct tree {
    int fd;     /* of the folder; the number stays, what it stands for may change */
    char *path; /* owned: where it is looked for */
};

/**
 * Take an open folder.
 *
 *   fd     of the folder; the tree's on success
 *   path   copied
 *
 * Returns: STK_OK or STK_MEMORY.
 */
STK_MUST_CHECK enum stk_status tree_init(struct tree *tree, int fd, const char *path);

/** Give the folder back. */
void tree_release(struct tree *tree);

/**
 * Read a file; as source_read.
 *
 *   path           below the tree, or absolute
 *   bytes_listed   its size when it was listed
 *
 * Returns: as source_read; STK_SYSTEM too where the file's folder is gone or empty.
 * Allocates: only on the way to a failure.
 */
STK_MUST_CHECK enum stk_status tree_read(const struct tree *tree, const char *path,
                                         uint64_t bytes_listed,
                                         const struct source_reading *reading,
                                         struct encoded *encoded, char *reason);

#endif
