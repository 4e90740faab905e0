/*
 * A buffer of text.
 */
#include "daemon/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTES_MIN = 4096 };

static bool grow(struct buffer *buffer, size_t len)
{
    size_t capacity = buffer->capacity < BYTES_MIN ? BYTES_MIN : buffer->capacity;
    while (capacity - buffer->len <= len)
        capacity *= 2;
    if (capacity == buffer->capacity)
        return true;
    char *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int len = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (buffer->failed || len < 0 || !grow(buffer, (size_t)len)) {
        buffer->failed = true;
        return;
    }
    va_start(values, format);
    vsnprintf(buffer->bytes + buffer->len, (size_t)len + 1, format, values);
    va_end(values);
    buffer->len += (size_t)len;
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}
