/*
 * Key files: see key_file.h.
 *
 * CZMQ quotes values, and pyzmq leaves those of metadata bare; so a value is the rest of its line,
 * without blanks around it and quotes around that.
 */
#include "proto/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 16384,
    KEY_LEN = STK_KEY_BYTES - 1,
    GROUP_LEN = 5, /* characters that stand for four bytes */
};

/* In the order of their values. */
static const char alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

bool stk_key_is_valid(const char *text)
{
    if (strlen(text) != KEY_LEN)
        return false;
    uint64_t group = 0;
    for (int i = 0; i < KEY_LEN; i++) {
        const char *digit = strchr(alphabet, text[i]);
        if (digit == NULL)
            return false;
        group = (i % GROUP_LEN == 0 ? 0 : group * 85) + (uint64_t)(digit - alphabet);
        if (group > UINT32_MAX)
            return false;
    }
    return true;
}

__attribute__((format(printf, 3, 4))) static enum stk_status
fail(char *reason, enum stk_status status, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(reason, STK_KEY_REASON_BYTES, format, values);
    va_end(values);
    return status;
}

/* Cut a line's blanks off at both ends. */
static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
        text[--len] = '\0';
    return text;
}

static char *unquote(char *text)
{
    size_t len = strlen(text);
    if (len < 2 || strchr("\"'", text[0]) == NULL || text[len - 1] != text[0])
        return text;
    text[len - 1] = '\0';
    return text + 1;
}

/* A line of "NAME = VALUE"; whatever else there is has no meaning here.  False where a value is
 * too long for its place, or no key. */
static bool take_line(char *line, struct stk_key_file *file)
{
    char *sign = strchr(line, '=');
    line = trim(line);
    if (*line == '#' || sign == NULL)
        return true;
    *sign = '\0';
    const char *name = trim(line);
    const char *value = unquote(trim(sign + 1));
    bool is_public = strcmp(name, "public-key") == 0;
    if (is_public || strcmp(name, "secret-key") == 0) {
        strncpy(is_public ? file->public_key : file->secret_key, value, KEY_LEN);
        return stk_key_is_valid(value);
    }
    if (strcmp(name, "streams") != 0)
        return true;
    strncpy(file->streams, value, STK_KEY_STREAMS_BYTES - 1);
    return strlen(value) < STK_KEY_STREAMS_BYTES && *value != '\0';
}

static bool take_text(char *text, struct stk_key_file *file)
{
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (!take_line(line, file))
            return false;
    }
    return true;
}

static enum stk_status read_text(int fd, const char *path, bool secret,
                                 char text[FILE_BYTES_MAX + 1], char *reason)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return fail(reason, STK_SYSTEM, "cannot read the key file \"%s\": %s", path,
                    strerror(errno));
    if (!S_ISREG(about.st_mode))
        return fail(reason, STK_INVALID, "the key file \"%s\" is no regular file", path);
    if (secret && (about.st_mode & (S_IRWXO | S_IWGRP)) != 0)
        return fail(reason, STK_FORBIDDEN,
                    "others can use the secret key in \"%s\"; chmod 600 that file, and make a new "
                    "key if somebody may have read it",
                    path);
    ssize_t len = 0, got = 1;
    while (got > 0 && len < FILE_BYTES_MAX) {
        got = pread(fd, text + len, (size_t)(FILE_BYTES_MAX - len), len);
        len += got > 0 ? got : 0;
    }
    if (got < 0)
        return fail(reason, STK_SYSTEM, "cannot read the key file \"%s\": %s", path,
                    strerror(errno));
    text[len] = '\0';
    if (got > 0 || memchr(text, '\0', (size_t)len) != NULL)
        return fail(reason, STK_INVALID, "\"%s\" is no key file; stoker keygen makes one", path);
    return STK_OK;
}

static enum stk_status read_keys(int fd, const char *path, bool secret, struct stk_key_file *file,
                                 char *reason)
{
    char text[FILE_BYTES_MAX + 1];
    enum stk_status status = read_text(fd, path, secret, text, reason);
    if (status == STK_OK && !take_text(text, file))
        status = fail(reason, STK_INVALID, "\"%s\" has a value that is no key, or too long", path);
    if (status == STK_OK && (secret ? file->secret_key : file->public_key)[0] == '\0')
        status = fail(reason, STK_INVALID, "\"%s\" holds no %s key; stoker keygen makes one", path,
                      secret ? "secret" : "public");
    explicit_bzero(text, sizeof text);
    return status;
}

enum stk_status stk_key_file_read(const char *path, bool secret, struct stk_key_file *file,
                                  char *reason)
{
    memset(file, 0, sizeof *file);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(reason, STK_SYSTEM, "cannot read the key file \"%s\": %s", path,
                    strerror(errno));
    enum stk_status status = read_keys(fd, path, secret, file, reason);
    close(fd);
    if (status != STK_OK)
        explicit_bzero(file, sizeof *file);
    return status;
}
