/*
 * Faults: what went wrong with a file or folder, as a status and as words for a person.
 *
 * Every sentence of this folder is made here, so that a name with control characters or of four
 * thousand bytes never reaches a terminal whole.  No state; any thread; nothing allocates or
 * blocks.
 */
#ifndef STK_FAULT_H
#define STK_FAULT_H

#include <stdbool.h>

#include "proto/status.h"

struct source_watch;

enum { FAULT_TEXT_BYTES = 240 };

/* A text by value, so that a sentence's parts need no storage of their caller's. */
struct fault_text {
    char text[FAULT_TEXT_BYTES];
};

/**
 * Whose fault an errno is: STK_SYSTEM and STK_MEMORY are this process's, the disk's or the
 * network's, which another attempt may not meet; all else is the file's and stays.  A sample is
 * replaced for what stays alone, because a batch's bytes must not depend on a passing fault.
 */
enum stk_status fault_status(int code);

/** An errno in lower case, e.g. "no such file or directory". */
struct fault_text fault_reason(int code);

/**
 * A path in quotes: what no terminal should see, quotes and backslashes are escaped; of a path that
 * is too long the end is kept, behind "...".
 *
 *   folder   where path starts
 *   path     below folder; empty means folder itself
 */
struct fault_text fault_quote(const char *folder, const char *path);

/**
 * Write a sentence.
 *
 *   error    SOURCE_ERROR_BYTES of storage; a longer sentence is cut
 *   status   returned, so that "return fault_write(...)" fails and explains at once
 */
enum stk_status fault_write(char *error, enum stk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Count a step of a listing; whether it is not wanted any more.  NULL: nobody watches it. */
bool fault_is_stopped(struct source_watch *watch);

/** Write that the listing of a path was stopped; STK_CLOSED. */
enum stk_status fault_stopped(const char *path, char *error);

#endif
