/*
 * Reports: one line an error.
 */
#include "config/report.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "proto/utf8.h"

/* snprintf's answer as a place inside CONFIG_ERROR_BYTES. */
static size_t place_after(int printed)
{
    if (printed < 0)
        return 0;
    return printed < CONFIG_ERROR_BYTES ? (size_t)printed : CONFIG_ERROR_BYTES - 1;
}

enum stk_status config_fail_list(const struct config_report *report, unsigned line,
                                 const char *format, va_list values)
{
    char *text = report->text;
    if (text[0] != '\0')
        return STK_CONFIG;
    int printed = line > 0 ? snprintf(text, CONFIG_ERROR_BYTES, "%s:%u: ", report->path, line)
                           : snprintf(text, CONFIG_ERROR_BYTES, "%s: ", report->path);
    size_t len = place_after(printed);
    vsnprintf(text + len, CONFIG_ERROR_BYTES - len, format, values);
    stk_utf8_tame(text, strlen(text));
    return STK_CONFIG;
}

enum stk_status config_fail(const struct config_report *report, unsigned line, const char *format,
                            ...)
{
    va_list values;
    va_start(values, format);
    enum stk_status status = config_fail_list(report, line, format, values);
    va_end(values);
    return status;
}
