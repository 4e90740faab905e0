/*
 * A buffer of text that grows as it is printed to.  The caller's thread.
 */
#ifndef STK_BUFFER_H
#define STK_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *bytes; /* owned; with an end mark; NULL before the first print */
    size_t len;
    size_t capacity;
    bool failed; /* there was no memory; what is printed from then on is lost */
};

/** Print behind what is there.  Allocates: to grow. */
void buffer_print(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Give the text back; the buffer is empty afterwards. */
void buffer_release(struct buffer *buffer);

#endif
