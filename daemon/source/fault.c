/*
 * Faults: texts made of errno and of names that a stranger may have chosen.
 */
#include "daemon/source/fault.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/source/source.h"
#include "proto/utf8.h"

enum stk_status fault_status(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
    case EISDIR:
    case EINVAL:
    case ENXIO:
    case EOVERFLOW:
    case EFBIG:
        return STK_UNREADABLE;
    case ENOMEM:
        return STK_MEMORY;
    default:
        return STK_SYSTEM;
    }
}

struct fault_text fault_reason(int code)
{
    struct fault_text reason;
    char storage[FAULT_TEXT_BYTES];
    snprintf(reason.text, sizeof reason.text, "%s", strerror_r(code, storage, sizeof storage));
    /* "Permission denied" is lowered, "RPC struct is bad" is not. */
    if (!isupper((unsigned char)reason.text[1]))
        reason.text[0] = (char)tolower((unsigned char)reason.text[0]);
    return reason;
}

enum { PIECE_BYTES = 5 }; /* the end mark included */

/* How the next character of a text stands in quotes, or its first byte where a terminal should not
 * see the character; returns the length.  The text moves on behind it. */
static size_t escape(const char **text, char out[PIECE_BYTES])
{
    const char *at = *text;
    size_t shown = stk_utf8_shown_len(at, strnlen(at, PIECE_BYTES - 1));
    *text += shown > 0 ? shown : 1;
    if (shown == 0)
        return (size_t)snprintf(out, PIECE_BYTES, "\\x%02x", (unsigned char)*at);
    if (*at == '"' || *at == '\\')
        return (size_t)snprintf(out, PIECE_BYTES, "\\%c", *at);
    return (size_t)snprintf(out, PIECE_BYTES, "%.*s", (int)shown, at);
}

static size_t escaped_len(const char *text)
{
    char piece[PIECE_BYTES];
    size_t len = 0;
    while (*text != '\0')
        len += escape(&text, piece);
    return len;
}

static char *put_escaped(char *out, const char *text, size_t *skip)
{
    while (*text != '\0') {
        char piece[PIECE_BYTES];
        size_t len = escape(&text, piece);
        if (*skip > 0) {
            *skip -= *skip < len ? *skip : len;
            continue;
        }
        memcpy(out, piece, len);
        out += len;
    }
    return out;
}

struct fault_text fault_quote(const char *folder, const char *path)
{
    static const char dots[] = "...";
    struct fault_text quoted;
    const char *slash = *path != '\0' ? "/" : "";
    size_t len = escaped_len(folder) + strlen(slash) + escaped_len(path);
    size_t room = sizeof quoted.text - sizeof "\"\"";
    size_t skip = len > room ? len - room + sizeof dots - 1 : 0;
    char *out = stpcpy(quoted.text, "\"");
    if (skip > 0)
        out = stpcpy(out, dots);
    out = put_escaped(out, folder, &skip);
    out = put_escaped(out, slash, &skip);
    out = put_escaped(out, path, &skip);
    stpcpy(out, "\"");
    return quoted;
}

enum stk_status fault_write(char *error, enum stk_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, SOURCE_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return status;
}

bool fault_is_stopped(struct source_watch *watch)
{
    if (watch == NULL)
        return false;
    atomic_fetch_add_explicit(&watch->steps, 1, memory_order_relaxed);
    return atomic_load_explicit(&watch->stop, memory_order_relaxed);
}

enum stk_status fault_stopped(const char *path, char *error)
{
    return fault_write(error, STK_CLOSED, "the listing of %s was stopped",
                       fault_quote(path, "").text);
}
