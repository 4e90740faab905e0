/*
 * Sentences: see fail.h.
 */
#include "client/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/stoker.h"
#include "proto/utf8.h"

enum stk_status stk_fail(char *error, enum stk_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, STK_ERROR_BYTES, format, arguments);
    va_end(arguments);
    stk_utf8_tame(error, strlen(error));
    return status;
}
