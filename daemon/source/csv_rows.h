/*
 * The rows of a CSV: what its records say of paths, labels and weights, row by row.
 *
 * All that can be judged without the file system is judged here.  One thread.
 */
#ifndef STK_CSV_ROWS_H
#define STK_CSV_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/source/labels.h"
#include "daemon/source/names.h"
#include "daemon/source/text_file.h"
#include "proto/status.h"

/* All zero is none. */
struct csv_rows {
    size_t count;
    size_t capacity;
    char **paths;         /* [count], in the text's bytes */
    uint64_t *lines;      /* [count] */
    struct labels labels; /* of the rows; its count is count */
    struct names classes; /* the classes' or the numbers' names, in order */
};

/**
 * Read all records of a text.
 *
 *   text    its bytes are taken apart in place; rows point into them
 *   rows    set on success, zero otherwise
 *   error   SOURCE_ERROR_BYTES of storage for a sentence with file and line
 *
 * Owns:    the caller gives rows to csv_rows_release, before the text.
 * Returns: STK_OK, where there is at least one row; STK_INVALID, STK_LIMIT or STK_MEMORY.
 * Blocks:  no.
 */
STK_MUST_CHECK enum stk_status csv_rows_read(struct csv_rows *rows, const struct text *text,
                                             char *error);

/** Give everything back and become zero. */
void csv_rows_release(struct csv_rows *rows);

#endif
