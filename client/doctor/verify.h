/*
 * Verifying: every file of a source read, and its checksum held against the index.
 *
 * Half of all flipped bits make a JPEG that decodes without a warning; a checksum finds them all.
 */
#ifndef STK_VERIFY_H
#define STK_VERIFY_H

#include <limits.h>

#include "client/doctor/doctor.h"
#include "daemon/index/index.h"
#include "daemon/source/source.h"

/**
 * Open the index of a source.
 *
 *   choice   its file; NULL: the one beside the data, else that in the state directory
 *   path     set to its file, PATH_MAX bytes of storage
 *   index    set on success, NULL otherwise
 *   error    INDEX_ERROR_BYTES of storage
 *
 * Owns:    the caller gives *index to index_close.
 * Returns: as index_open; STK_END where there is none.
 * Threads: main's.  Blocks: on files.
 */
STK_MUST_CHECK enum stk_status verify_open_index(const struct source *source, const char *choice,
                                                 char path[PATH_MAX], struct index **index,
                                                 char *error);

/**
 * Verify a source, and tell what is found.
 *
 *   what     it is, for sentences: "stream \"train\"" or its url
 *   choice   as verify_open_index
 *   row      where facts go with --json; NULL without
 *
 * Threads: main's; starts its own and joins them.  Blocks: on files.
 */
void verify_source(struct doctor *doctor, const char *what, const struct source *source,
                   const char *choice, json_t *row);

#endif
