/*
 * Sentences: see fail.h.
 */
#include "client/fail.h"

#include <stdarg.h>
#include <stdio.h>

#include "client/stoker.h"

enum stk_status stk_fail(char *error, enum stk_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, STK_ERROR_BYTES, format, arguments);
    va_end(arguments);
    for (unsigned char *c = (unsigned char *)error; *c != '\0'; c++) {
        if (*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    return status;
}
