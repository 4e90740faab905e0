/*
 * Reports: where an error of the configuration goes, as one line for a person.
 *
 * The first report stays: what follows from it would only distract.  Internal to config/; the
 * caller's thread.
 */
#ifndef STK_CONFIG_REPORT_H
#define STK_CONFIG_REPORT_H

#include <stdarg.h>

#include "proto/status.h"

struct config_report {
    const char *path; /* the file, as the operator named it */
    char *text;       /* CONFIG_ERROR_BYTES of storage; empty while nothing is wrong */
};

/**
 * Say what is wrong: "FILE:LINE: ...", or "FILE: ..." where line is 0.  What a hostile value
 * has that no terminal should see becomes '?', so that one error is one line; what is too long is
 * cut.
 *
 *   line     1-based, or 0 where no line is to blame
 *   format   printf's; lower case, what failed first, the name in quotes, what to do
 *
 * Owns: nothing.  Returns: STK_CONFIG, always.  Threads: the report's.  Blocks: no.  Allocates: no.
 */
__attribute__((format(printf, 3, 4))) enum stk_status
config_fail(const struct config_report *report, unsigned line, const char *format, ...);

/** The same with the values in a list; the list is used up. */
__attribute__((format(printf, 3, 0))) enum stk_status
config_fail_list(const struct config_report *report, unsigned line, const char *format,
                 va_list values);

#endif
