/*
 * JSON: see json.h.
 */
#include "client/command/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "client/command/command.h"
#include "proto/utf8.h"

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory == NULL)
        exit(command_fail("no memory for the output"));
    return memory;
}

void json_init(void)
{
    json_set_alloc_funcs(allocate, free);
}

void json_set_text(json_t *object, const char *key, struct stk_text text)
{
    json_object_set_new(object, key, json_stringn(text.data, text.len));
}

void json_set_number(json_t *object, const char *key, uint64_t number)
{
    json_object_set_new(object, key, json_integer((json_int_t)number));
}

json_t *json_of_real(double number)
{
    if (isnan(number))
        return json_string("NaN");
    if (isinf(number))
        return json_string(number > 0 ? "Infinity" : "-Infinity");
    return json_real(number);
}

json_t *json_numbers(const uint32_t *numbers, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(array, json_integer(numbers[i]));
    return array;
}

/* Whole characters, as jansson hands them out.  It escapes C0; here all else is that a terminal
 * obeys.  Such a character stands in a text, and its number has at most four digits. */
static int print_shown(const char *text, size_t len, void *out)
{
    for (size_t i = 0; i < len;) {
        size_t bytes = stk_utf8_len(text + i, len - i);
        if (bytes == 0)
            return -1;
        if (stk_utf8_shown_len(text + i, len - i) > 0)
            fwrite(text + i, 1, bytes, out);
        else
            fprintf(out, "\\u%04" PRIx32, stk_utf8_number(text + i, bytes));
        i += bytes;
    }
    return ferror(out) ? -1 : 0;
}

int json_print(json_t *value)
{
    int failed = json_dump_callback(value, print_shown, stdout, JSON_REAL_PRECISION(REAL_DIGITS));
    json_decref(value);
    if (failed != 0)
        return command_fail("cannot write the output");
    putchar('\n');
    return COMMAND_DONE;
}
