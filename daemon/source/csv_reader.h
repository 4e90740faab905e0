/*
 * A reader of comma-separated values, RFC 4180, over a text in memory that it takes apart in place.
 *
 * Lines end with LF or CRLF; the last one need not.  Empty lines are passed over.  What the RFC
 * does not allow (a quote inside of a field, text behind a closing one) is refused and not guessed
 * at.  Blanks belong to their field.  One thread a reader.
 */
#ifndef STK_CSV_READER_H
#define STK_CSV_READER_H

#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

enum { CSV_FIELDS_MAX = 4096 }; /* of a record */

struct csv_reader {
    char *at;
    char *end;     /* *end is an end mark */
    uint64_t line; /* that at is in, 1-based */

    uint64_t record_line; /* where the record begins */
    uint32_t count;       /* of its fields */
    uint32_t capacity;
    char **fields;       /* [capacity], owned; terminated texts in the reader's bytes */
    const char *problem; /* after STK_INVALID: what is wrong, in record_line; constant */
};

/**
 * Begin.
 *
 *   bytes   len of them and an end mark, without a zero byte before it; borrowed and overwritten
 */
void csv_reader_init(struct csv_reader *reader, char *bytes, size_t len);

/** Give back what the reader owns. */
void csv_reader_release(struct csv_reader *reader);

/**
 * Read the next record: fields, count and record_line are set.
 *
 * Owns:    fields stay the reader's, until the next call; what they point to until bytes goes.
 * Returns: STK_OK; STK_END behind the last record; STK_INVALID, where problem and record_line say
 *          what is wrong; STK_MEMORY.
 * Blocks:  no.  Allocates: fields, where a record has more than those before it.
 * Source:  RFC 4180, section 2.
 */
STK_MUST_CHECK enum stk_status csv_reader_next(struct csv_reader *reader);

#endif
