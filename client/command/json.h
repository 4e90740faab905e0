/*
 * JSON: the few forms that sub-commands print.  One object a line, keys in order, numbers whole.
 */
#ifndef STK_JSON_H
#define STK_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "client/stoker.h"

/* Enough for a lambda, a multiple of 1/16384; fewer than show how a double is rounded. */
enum { REAL_DIGITS = 15 };

/** Call once, first: from then on no memory ends the command with a sentence.  jansson itself would
 *  go on and leave keys out. */
void json_init(void);

/** Set a key to a peer's text. */
void json_set_text(json_t *object, const char *key, struct stk_text text);

/** Set a key to a number. */
void json_set_number(json_t *object, const char *key, uint64_t number);

/** A number; "NaN", "Infinity" or "-Infinity", for which JSON has no number.  Python's float() and
 *  JavaScript's Number() read both. */
json_t *json_of_real(double number);

/** An array of numbers. */
json_t *json_numbers(const uint32_t *numbers, uint32_t count);

/** Print a value on a line of its own and drop it; returns an exit code.  What a terminal would
 *  obey is escaped. */
int json_print(json_t *value);

#endif
