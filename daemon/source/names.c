/*
 * Names: one text for all of them, and their places in it.
 */
#include "daemon/source/names.h"

#include <stdlib.h>
#include <string.h>

void names_release(struct names *names)
{
    free(names->text);
    free(names->items);
    *names = (struct names){0};
}

void names_clear(struct names *names)
{
    names->text_len = 0;
    names->count = 0;
}

/* Storage for at least needed elements; NULL leaves data and *capacity as they were. */
static void *grow(void *data, size_t *capacity, size_t needed, size_t element_bytes)
{
    if (needed <= *capacity)
        return data;
    size_t wanted = *capacity < 64 ? 64 : *capacity;
    while (wanted < needed)
        wanted *= 2;
    void *grown = reallocarray(data, wanted, element_bytes);
    if (grown != NULL)
        *capacity = wanted;
    return grown;
}

enum stk_status names_add(struct names *names, const char *name, uint64_t bytes)
{
    size_t len = strlen(name) + 1;
    char *text = grow(names->text, &names->text_capacity, names->text_len + len, 1);
    if (text == NULL)
        return STK_MEMORY;
    names->text = text;
    struct names_item *items =
        grow(names->items, &names->capacity, names->count + 1, sizeof names->items[0]);
    if (items == NULL)
        return STK_MEMORY;
    names->items = items;
    memcpy(text + names->text_len, name, len);
    items[names->count++] = (struct names_item){.offset = names->text_len, .bytes = bytes};
    names->text_len += len;
    return STK_OK;
}

const char *names_get(const struct names *names, size_t item)
{
    return names->text + names->items[item].offset;
}

static int compare(const void *left, const void *right, void *text)
{
    const struct names_item *a = left;
    const struct names_item *b = right;
    return strcmp((const char *)text + a->offset, (const char *)text + b->offset);
}

void names_sort(struct names *names)
{
    if (names->count > 1)
        qsort_r(names->items, names->count, sizeof names->items[0], compare, names->text);
}
