/*
 * The columns of a CSV: what the names in its first line mean.
 *
 *     path, filename or image   the picture; exactly one of them
 *     class                     the class's name, the whole field
 *     label                     one class, or several separated by blanks
 *     labels                    any number of classes, also none, separated by blanks
 *     weight                    how often the sample is drawn, beside the others
 *     any other name            a number, where no column names classes
 *
 * One thread.
 */
#ifndef STK_CSV_COLUMNS_H
#define STK_CSV_COLUMNS_H

#include <stdint.h>

#include "daemon/source/csv_reader.h"
#include "daemon/source/names.h"
#include "daemon/source/text_file.h"
#include "proto/status.h"

enum { CSV_NO_COLUMN = CSV_FIELDS_MAX };

/* How a column of classes is read. */
enum csv_naming { CSV_NUMBERS, CSV_CLASS, CSV_LABEL, CSV_LABELS };

struct csv_columns {
    uint32_t count;
    uint32_t path;
    uint32_t weight; /* CSV_NO_COLUMN: there is none; so for classes */
    uint32_t classes;
    enum csv_naming naming;
    struct names numbers; /* the names of CSV_NUMBERS's columns; bytes is a column's place */
};

/** Give everything back and become zero. */
void csv_columns_release(struct csv_columns *columns);

/**
 * Read the names of the columns.
 *
 *   header    the first record
 *   text      for sentences
 *   columns   set on success, zero otherwise
 *
 * Owns:    the caller gives columns to csv_columns_release.
 * Returns: STK_OK; STK_INVALID, STK_LIMIT or STK_MEMORY, where error is set.
 */
STK_MUST_CHECK enum stk_status csv_columns_init(struct csv_columns *columns,
                                                const struct csv_reader *header,
                                                const struct text *text, char *error);

#endif
