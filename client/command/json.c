/*
 * JSON: see json.h.
 */
#include "client/command/json.h"

#include <math.h>
#include <stdlib.h>

#include "client/command/command.h"

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

int json_print(json_t *value)
{
    int failed = json_dumpf(value, stdout, JSON_REAL_PRECISION(REAL_DIGITS));
    json_decref(value);
    if (failed != 0)
        return command_fail("cannot write the output");
    putchar('\n');
    return COMMAND_DONE;
}
