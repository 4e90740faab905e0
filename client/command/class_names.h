/*
 * The names of a stream's classes, and how many samples each has, asked for a page after the other.
 */
#ifndef STK_CLASS_NAMES_H
#define STK_CLASS_NAMES_H

#include <stdint.h>

struct class_names {
    uint32_t count;
    uint32_t capacity;
    char **names;     /* [count] */
    uint64_t *counts; /* [count], samples */
};

/**
 * Ask for all classes of a stream, of the first endpoint that answers.
 *
 *   url       endpoints and a stream
 *   classes   zero; filled
 *
 * Owns:    the caller gives classes to class_names_release, also after a failure.
 * Returns: an exit code; what failed was said.
 * Blocks:  up to timeout_s a page.
 */
int class_names_fetch(const char *url, uint32_t timeout_s, struct class_names *classes);

/** The name of a class; "?" for a label that is none. */
const char *class_names_get(const struct class_names *classes, int32_t label);

/** Give everything back and become zero. */
void class_names_release(struct class_names *classes);

#endif
