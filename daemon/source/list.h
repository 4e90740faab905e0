/*
 * A list of names: the part of a source that a split serves.
 *
 * A text with a name a line, as data sets come with them.  A name is a sample's path, or its file's
 * name, each with or without its extension; "./" in front is passed over, here and
 * there.  Each must name one path, and what is a path names that one alone; where it stands in a
 * CSV several times, it names all of its samples.  One thread.
 */
#ifndef STK_SOURCE_LIST_H
#define STK_SOURCE_LIST_H

#include "daemon/source/listing.h"
#include "proto/status.h"

/**
 * Keep the samples that a file names, in the listing's order.  Classes keep their numbers.
 *
 *   path        of the file
 *   bytes_max   as text_read
 *   error       SOURCE_ERROR_BYTES of storage for a sentence with file and line
 *
 * Returns: STK_OK; STK_INVALID where a name is not there, names two samples, or stands twice, or
 *          where there is none; what text_read returns.
 * Blocks:  on the file.
 */
STK_MUST_CHECK enum stk_status list_apply(const char *path, uint64_t bytes_max,
                                          struct listing *listing, char *error);

#endif
