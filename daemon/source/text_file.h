/*
 * A text file, whole in memory, and sentences that name it with a line.
 *
 * What an operator wrote or exported: a CSV, a list of names.  No state; any thread.
 */
#ifndef STK_TEXT_FILE_H
#define STK_TEXT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

#define TEXT_BYTES_MAX ((uint64_t)4 << 30)

struct text {
    const char *path; /* borrowed; as the operator wrote it */
    char *bytes;      /* len of them and an end mark; a byte order mark is left out */
    size_t len;
};

/**
 * Read a file.
 *
 *   path        borrowed; must outlive the text
 *   bytes_max   that memory_max has room for; 0: TEXT_BYTES_MAX
 *   text        set on success, zero otherwise
 *   error       SOURCE_ERROR_BYTES of storage for a sentence
 *
 * Owns:    the caller gives the text to text_release.
 * Returns: STK_OK
 *          STK_UNREADABLE  it is not there, no file, or cannot be read
 *          STK_LIMIT       more than bytes_max or TEXT_BYTES_MAX
 *          STK_INVALID     a zero byte, which no text has
 *          STK_SYSTEM, STK_MEMORY
 * Blocks:  on the file.
 */
STK_MUST_CHECK enum stk_status text_read(const char *path, uint64_t bytes_max, struct text *text,
                                         char *error);

/** Give the bytes back; a zero text is fine. */
void text_release(struct text *text);

/**
 * Write the sentence "FILE:LINE: ...", or "FILE: ..." where line is 0; as fault_write.
 *
 * Owns: nothing.  Returns: status.  Blocks: no.
 */
enum stk_status text_fail(const struct text *text, uint64_t line, char *error,
                          enum stk_status status, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
