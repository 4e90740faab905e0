/*
 * Names: a growing list of a directory's entries, kept from one directory to the next so that a
 * listing allocates what its largest directory needs, once a thread.  One thread at a time.
 */
#ifndef STK_NAMES_H
#define STK_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

struct names_item {
    size_t offset;  /* in text, of a terminated name */
    uint64_t bytes; /* what names_add was given */
};

/* All zero is an empty list. */
struct names {
    char *text;
    size_t text_len;
    size_t text_capacity;
    struct names_item *items;
    size_t count;
    size_t capacity;
};

/** Give the storage back and become empty. */
void names_release(struct names *names);

/** Forget the names, keep the storage. */
void names_clear(struct names *names);

/** Append a copy of a name.  Returns: STK_OK or STK_MEMORY, where nothing changed. */
STK_MUST_CHECK enum stk_status names_add(struct names *names, const char *name, uint64_t bytes);

/** The name of an item < count, until the next names_add. */
const char *names_get(const struct names *names, size_t item);

/** Sort by bytes, which is by code points where the names are UTF-8. */
void names_sort(struct names *names);

#endif
