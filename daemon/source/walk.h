/*
 * A walk: every directory below a root listed in parallel, every picture's size with it.
 *
 * What it finds does not depend on the number of threads: the caller sorts the directories by
 * label and path.  Starts threads and joins them before it returns; logs its progress.
 */
#ifndef STK_WALK_H
#define STK_WALK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/source/listing.h"
#include "daemon/source/names.h"
#include "daemon/source/scan.h"
#include "proto/status.h"

struct directory {
    struct directory *next;         /* of the walk's, in no order */
    struct directory *below;        /* on the stack of work; under walk->lock */
    const struct directory *parent; /* while the walk lasts; NULL for the root */
    uint32_t claimed;               /* samples given out for measuring; under walk->lock */
    bool listed;                    /* under walk->lock */
    bool looping;                   /* the same directory as one above it; not descended into */
    dev_t device;
    ino_t inode;
    uint64_t ignored;
    uint64_t dangling;      /* pictures' names that lead to no file */
    struct listing_run run; /* its own pictures, sorted; a vanished one's size stays unknown */
    char path[];            /* below the root; empty for the root */
};

/**
 * Walk the class folders of a root.
 *
 *   root          device and inode of it are scan's
 *   scan          of the root; its folders are the classes, sorted: a class's place is its label
 *   source        what the log calls it
 *   threads       1 .. 256
 *   watch         ends the walk soon after its stop is set; NULL: nobody does
 *   directories   set on success to all that were found, the root left out; NULL otherwise
 *   count         how many, 0 on failure
 *
 * Owns:    the caller owns *directories and gives them to walk_release.
 * Returns: STK_OK
 *          STK_UNREADABLE  a directory cannot be listed; error is set, as below
 *          STK_LIMIT       a path of more than 4,095 bytes, or a directory of 4 GiB of names
 *          STK_SYSTEM      no thread could be started, or no descriptor is left
 *          STK_CLOSED      it was stopped
 *          STK_MEMORY
 * Blocks:  on directories.
 */
STK_MUST_CHECK enum stk_status walk_run(const struct root *root, const struct scan *scan,
                                        const char *source, unsigned threads,
                                        struct source_watch *watch, struct directory **directories,
                                        size_t *count, char *error);

/** Give directories back with the runs that they still own; *directories becomes NULL. */
void walk_release(struct directory **directories);

#endif
