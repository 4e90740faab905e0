/*
 * Places.
 */
#include "daemon/index/places.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 1024 };

void places_release(struct places *places)
{
    free(places->table);
    *places = (struct places){0};
}

/* Keys are hashes, but a file's names can be chosen for theirs: a multiplication takes apart what
 * was made alike in the bits that a table of some size looks at. */
static size_t slot_of(const struct places *places, uint64_t key)
{
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (places->capacity - 1);
}

static struct place *slot(const struct places *places, uint64_t key)
{
    size_t at = slot_of(places, key);
    while (places->table[at].what != 0 && places->table[at].key != key)
        at = (at + 1) & (places->capacity - 1);
    return &places->table[at];
}

enum stk_status places_reserve(struct places *places)
{
    if (places->count < places->capacity / 4 * 3)
        return STK_OK;
    struct places larger = {.capacity = places->capacity > 0 ? 2 * places->capacity : CAPACITY_MIN,
                            .count = places->count};
    larger.table = calloc(larger.capacity, sizeof larger.table[0]);
    if (larger.table == NULL)
        return STK_MEMORY;
    for (size_t i = 0; i < places->capacity; i++) {
        if (places->table[i].what != 0)
            *slot(&larger, places->table[i].key) = places->table[i];
    }
    free(places->table);
    *places = larger;
    return STK_OK;
}

void places_put(struct places *places, const struct place *place)
{
    struct place *its = slot(places, place->key);
    places->count += its->what == 0;
    *its = *place;
}

bool places_find(const struct places *places, uint64_t key, struct place *place)
{
    if (places->capacity == 0)
        return false;
    *place = *slot(places, key);
    return place->what != 0;
}

static int by_key(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

void places_sort(struct places *places)
{
    size_t count = 0;
    for (size_t i = 0; i < places->capacity; i++) {
        if (places->table[i].what != 0)
            places->table[count++] = places->table[i];
    }
    qsort(places->table, count, sizeof places->table[0], by_key);
}
