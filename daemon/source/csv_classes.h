/*
 * The classes of a CSV: names by the order in which they were met, then numbered for good.
 *
 * Where every name is a whole number, it is the class number itself, so that files of one data set
 * agree; else classes are numbered in the order of their names' bytes.  One thread.
 */
#ifndef STK_CSV_CLASSES_H
#define STK_CSV_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/source/names.h"
#include "proto/status.h"

enum { CSV_CLASS_NUMBER_MAX = (1 << 20) - 1 };

/* All zero is none. */
struct csv_classes {
    struct names names; /* in the order in which they were met; bytes is the first line */
    uint32_t *table;    /* [table_count]: open addressing; 0 is empty, else a place in names + 1 */
    size_t table_count; /* a power of two */
};

/** Give everything back and become zero. */
void csv_classes_release(struct csv_classes *classes);

/**
 * The place of a name, which is added where it is new.
 *
 *   line   where it stands, kept of the first one
 *
 * Returns: STK_OK, STK_MEMORY, or STK_LIMIT: 2^31 - 1 classes.
 */
STK_MUST_CHECK enum stk_status csv_classes_add(struct csv_classes *classes, const char *name,
                                               uint64_t line, uint32_t *place);

/**
 * Number the classes.
 *
 *   numbers   set to [names.count] on success: the class number of each place
 *   ordered   zero; set to the classes' names by class number
 *   refused   set where a name is refused: its place
 *   problem   likewise: why; a constant to stand behind the name
 *
 * Owns:    the caller frees *numbers and releases ordered, also after a failure.
 * Returns: STK_OK; STK_INVALID, a name is refused; STK_MEMORY.
 */
STK_MUST_CHECK enum stk_status csv_classes_number(const struct csv_classes *classes,
                                                  int32_t **numbers, struct names *ordered,
                                                  uint32_t *refused, const char **problem);

#endif
