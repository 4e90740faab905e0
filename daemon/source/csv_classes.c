/*
 * The classes of a CSV: a hash table over names, and two ways to number them.
 */
#include "daemon/source/csv_classes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void csv_classes_release(struct csv_classes *classes)
{
    names_release(&classes->names);
    free(classes->table);
    *classes = (struct csv_classes){0};
}

/* Where a name is in the table, or would be. */
static uint32_t *find(const struct csv_classes *classes, const char *name)
{
    size_t mask = classes->table_count - 1;
    size_t at = (size_t)XXH3_64bits(name, strlen(name)) & mask;
    while (classes->table[at] != 0 &&
           strcmp(names_get(&classes->names, classes->table[at] - 1), name) != 0)
        at = (at + 1) & mask;
    return &classes->table[at];
}

/* The table stays less than half full. */
static enum stk_status grow(struct csv_classes *classes)
{
    size_t count = classes->names.count;
    if (2 * (count + 1) < classes->table_count)
        return STK_OK;
    size_t table_count = classes->table_count > 0 ? 2 * classes->table_count : 256;
    uint32_t *table = calloc(table_count, sizeof *table);
    if (table == NULL)
        return STK_MEMORY;
    free(classes->table);
    classes->table = table;
    classes->table_count = table_count;
    for (size_t i = 0; i < count; i++)
        *find(classes, names_get(&classes->names, i)) = (uint32_t)i + 1;
    return STK_OK;
}

enum stk_status csv_classes_add(struct csv_classes *classes, const char *name, uint64_t line,
                                uint32_t *place)
{
    if (grow(classes) != STK_OK)
        return STK_MEMORY;
    uint32_t *entry = find(classes, name);
    if (*entry == 0) {
        if (classes->names.count == INT32_MAX)
            return STK_LIMIT;
        if (names_add(&classes->names, name, line) != STK_OK)
            return STK_MEMORY;
        *entry = (uint32_t)classes->names.count;
    }
    *place = *entry - 1;
    return STK_OK;
}

/* Decimal digits without a leading zero, so that no two names are one number. */
static bool is_whole(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && name[digits] == '\0' && (name[0] != '0' || digits == 1);
}

static bool is_number(const char *name)
{
    char *end;
    strtod(name, &end);
    return end != name && *end == '\0';
}

/* How the names look, all together. */
struct look {
    bool whole;     /* every one is a whole number */
    bool number;    /* every one is a number */
    uint32_t first; /* the first that is not whole */
    uint32_t number_max;
    uint32_t number_max_place;
};

static struct look look_at(const struct names *names)
{
    struct look look = {.whole = true, .number = true};
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names_get(names, i);
        if (is_whole(name)) {
            unsigned long long value = strtoull(name, NULL, 10); /* ULLONG_MAX where it is more */
            uint32_t number = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
            if (number >= look.number_max) {
                look.number_max = number;
                look.number_max_place = (uint32_t)i;
            }
            continue;
        }
        if (look.whole)
            look.first = (uint32_t)i;
        look.whole = false;
        look.number = look.number && is_number(name);
    }
    return look;
}

static enum stk_status number_by_value(const struct names *names, uint32_t number_max,
                                       int32_t *numbers, struct names *ordered)
{
    enum stk_status status = STK_OK;
    for (size_t i = 0; i < names->count; i++)
        numbers[i] = (int32_t)strtol(names_get(names, i), NULL, 10);
    for (uint32_t i = 0; i <= number_max && status == STK_OK; i++) {
        char name[16];
        snprintf(name, sizeof name, "%" PRIu32, i);
        status = names_add(ordered, name, 0);
    }
    return status;
}

static enum stk_status number_by_name(const struct names *names, int32_t *numbers,
                                      struct names *ordered)
{
    for (size_t i = 0; i < names->count; i++) {
        if (names_add(ordered, names_get(names, i), i) != STK_OK)
            return STK_MEMORY;
    }
    names_sort(ordered);
    for (size_t i = 0; i < ordered->count; i++)
        numbers[ordered->items[i].bytes] = (int32_t)i;
    return STK_OK;
}

enum stk_status csv_classes_number(const struct csv_classes *classes, int32_t **numbers,
                                   struct names *ordered, uint32_t *refused, const char **problem)
{
    const struct names *names = &classes->names;
    struct look look = look_at(names);
    *numbers = NULL;
    if (look.number && !look.whole) {
        *refused = look.first;
        *problem = "numbers name classes where they are whole, from 0 on, without leading zeros; "
                   "for regression give the column another name";
        return STK_INVALID;
    }
    if (look.whole && look.number_max > CSV_CLASS_NUMBER_MAX) {
        *refused = look.number_max_place;
        *problem = "class numbers end at 1048575; number the classes from 0 on";
        return STK_INVALID;
    }
    *numbers = calloc(names->count + 1, sizeof **numbers);
    if (*numbers == NULL)
        return STK_MEMORY;
    return look.whole && names->count > 0
               ? number_by_value(names, look.number_max, *numbers, ordered)
               : number_by_name(names, *numbers, ordered);
}
