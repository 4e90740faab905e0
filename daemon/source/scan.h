/*
 * A scan: the entries of one directory, told apart without opening a file.
 *
 * Symbolic links are followed, as os.walk(followlinks=True) does.  One thread a scan.
 */
#ifndef STK_SCAN_H
#define STK_SCAN_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/source/names.h"
#include "proto/status.h"

/* The folder that a source lists; paths are relative to it. */
struct root {
    int fd;
    const char *path; /* as the operator wrote it, for sentences */
};

/* All zero is an empty scan. */
struct scan {
    struct names folders;
    struct names pictures; /* regular files named *.jpg or *.jpeg; bytes may be unknown yet */
    uint64_t ignored;      /* other files */
    uint64_t dangling;     /* pictures' names that lead to no file */
    dev_t device;          /* of the directory itself */
    ino_t inode;
};

/** Give the storage back and become empty. */
void scan_release(struct scan *scan);

/**
 * Scan a directory; what was scanned before is forgotten.
 *
 *   path    relative to the root; empty means the root
 *   error   SOURCE_ERROR_BYTES of storage for a sentence
 *
 * Returns: STK_OK, STK_UNREADABLE, STK_SYSTEM or STK_MEMORY.
 * Blocks:  on the directory.
 */
STK_MUST_CHECK enum stk_status scan_directory(struct scan *scan, const struct root *root,
                                              const char *path, char *error);

/**
 * The size of a regular file, through links.
 *
 *   directory   descriptor that name is relative to
 *   mode        set to the kind of file, 0 where name leads nowhere
 *   bytes       set to the size of a regular file, LISTING_BYTES_UNKNOWN otherwise
 *
 * Returns: 0, or an errno that is not about this one name.
 */
STK_MUST_CHECK int scan_look(int directory, const char *name, mode_t *mode, uint64_t *bytes);

#endif
