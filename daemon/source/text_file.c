/*
 * Text: a file read at once.
 */
#include "daemon/source/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/source/fault.h"
#include "daemon/source/file.h"
#include "daemon/source/source.h"

enum stk_status text_fail(const struct text *text, uint64_t line, char *error,
                          enum stk_status status, const char *format, ...)
{
    struct fault_text name = fault_quote(text->path, "");
    name.text[strlen(name.text) - 1] = '\0'; /* FILE:LINE stands without quotes */
    char place[sizeof name.text + 32];
    if (line > 0)
        snprintf(place, sizeof place, "%s:%" PRIu64 ": ", name.text + 1, line);
    else
        snprintf(place, sizeof place, "%s: ", name.text + 1);
    char what[SOURCE_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return fault_write(error, status, "%s%s", place, what);
}

static enum stk_status fail(const struct text *text, int code, char *error)
{
    return text_fail(text, 0, error, fault_status(code), "cannot be read: %s",
                     fault_reason(code).text);
}

/* The file may grow meanwhile: what was there at first is read. */
static enum stk_status fill(struct text *text, int fd, size_t bytes, char *error)
{
    text->bytes = malloc(bytes + 1);
    if (text->bytes == NULL)
        return text_fail(text, 0, error, STK_MEMORY, "no memory for its %zu bytes", bytes);
    while (text->len < bytes) {
        ssize_t part = read(fd, text->bytes + text->len, bytes - text->len);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return fail(text, errno, error);
        if (part == 0)
            break;
        text->len += (size_t)part;
    }
    text->bytes[text->len] = '\0';
    return STK_OK;
}

/* What is made of a text while it is listed takes about twice as much again. */
static enum stk_status check_bytes(const struct text *text, uint64_t bytes, uint64_t bytes_max,
                                   char *error)
{
    if (bytes > TEXT_BYTES_MAX)
        return text_fail(text, 0, error, STK_LIMIT, "has more than 4 GiB; divide it");
    if (bytes_max == 0 || bytes <= bytes_max)
        return STK_OK;
    return text_fail(text, 0, error, STK_LIMIT,
                     "has %" PRIu64 " bytes, and memory_max leaves %" PRIu64
                     " for a text to list; raise memory_max to %" PRIu64 " MiB, or divide the file",
                     bytes, bytes_max, (bytes >> 18) + 1);
}

static enum stk_status read_open_file(struct text *text, int fd, uint64_t bytes_max, char *error)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return fail(text, errno, error);
    if (!S_ISREG(file.st_mode))
        return text_fail(text, 0, error, STK_UNREADABLE, "is no file");
    enum stk_status status = check_bytes(text, (uint64_t)file.st_size, bytes_max, error);
    return status == STK_OK ? fill(text, fd, (size_t)file.st_size, error) : status;
}

/* Spreadsheets begin UTF-8 with one. */
static void drop_byte_order_mark(struct text *text)
{
    if (text->len < 3 || memcmp(text->bytes, "\xef\xbb\xbf", 3) != 0)
        return;
    text->len -= 3;
    memmove(text->bytes, text->bytes + 3, text->len + 1);
}

/* UTF-16, or no text at all. */
static enum stk_status refuse_zero_bytes(const struct text *text, char *error)
{
    const char *zero = memchr(text->bytes, '\0', text->len);
    if (zero == NULL)
        return STK_OK;
    uint64_t line = 1;
    for (const char *at = text->bytes; at < zero; at++)
        line += *at == '\n';
    return text_fail(text, line, error, STK_INVALID, "a zero byte; write the file as UTF-8");
}

enum stk_status text_read(const char *path, uint64_t bytes_max, struct text *text, char *error)
{
    *text = (struct text){.path = path};
    int fd = file_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    enum stk_status status =
        fd < 0 ? fail(text, errno, error) : read_open_file(text, fd, bytes_max, error);
    if (fd >= 0)
        close(fd);
    if (status == STK_OK) {
        drop_byte_order_mark(text);
        status = refuse_zero_bytes(text, error);
    }
    if (status != STK_OK)
        text_release(text);
    return status;
}

void text_release(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}
