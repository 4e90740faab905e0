/*
 * Labels: lists of classes, rows of numbers, weights.
 */
#include "daemon/source/labels.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/source/listing.h"

void labels_release(struct labels *labels)
{
    free(labels->first);
    free(labels->members);
    free(labels->numbers);
    free(labels->weights);
    *labels = (struct labels){0};
}

size_t labels_bytes(const struct labels *labels)
{
    uint64_t members = labels->first != NULL ? labels->first[labels->count] : labels->count;
    size_t bytes = 0;
    if (labels->first != NULL)
        bytes += (labels->count + 1) * sizeof labels->first[0];
    if (labels->members != NULL)
        bytes += members * sizeof labels->members[0];
    if (labels->numbers != NULL)
        bytes += labels->count * labels->width * sizeof labels->numbers[0];
    if (labels->weights != NULL)
        bytes += labels->count * sizeof labels->weights[0];
    return bytes;
}

/* An array with less room, or as it is. */
static void *shrink(void *array, uint64_t count, size_t element_bytes)
{
    if (array == NULL)
        return NULL;
    void *smaller = realloc(array, (count > 0 ? count : 1) * element_bytes);
    return smaller != NULL ? smaller : array;
}

void labels_trim(struct labels *labels)
{
    uint64_t members = labels->first != NULL ? labels->first[labels->count] : labels->count;
    labels->first = shrink(labels->first, labels->count + 1, sizeof labels->first[0]);
    labels->members = shrink(labels->members, members, sizeof labels->members[0]);
    labels->numbers =
        shrink(labels->numbers, labels->count * labels->width, sizeof labels->numbers[0]);
    labels->weights = shrink(labels->weights, labels->count, sizeof labels->weights[0]);
}

int32_t labels_class(const struct labels *labels, uint64_t index)
{
    return labels->kind == STK_LABEL_CLASS ? labels->members[index] : -1;
}

void labels_add(const struct labels *labels, uint64_t index, float share, float *row)
{
    CHECK(labels->kind != STK_LABEL_CLASS);
    if (labels->kind == STK_LABEL_CLASSES) {
        for (uint64_t i = labels->first[index]; i < labels->first[index + 1]; i++)
            row[labels->members[i]] += share;
        return;
    }
    const float *numbers = labels->numbers + index * labels->width;
    for (uint32_t k = 0; k < labels->width; k++)
        row[k] += share * numbers[k];
}

/* Move a sample's label from one index to a lower one; members is how many are kept so far. */
static void move(struct labels *labels, uint64_t from, uint64_t to, uint64_t members)
{
    uint32_t width = labels->width;
    if (labels->kind == STK_LABEL_CLASSES) {
        uint64_t first = labels->first[from];
        memmove(labels->members + members, labels->members + first,
                (labels->first[from + 1] - first) * sizeof labels->members[0]);
        labels->first[to] = members;
    } else if (labels->kind == STK_LABEL_CLASS) {
        labels->members[to] = labels->members[from];
    } else {
        memmove(labels->numbers + to * width, labels->numbers + from * width,
                width * sizeof labels->numbers[0]);
    }
    if (labels->weights != NULL)
        labels->weights[to] = labels->weights[from];
}

void labels_keep(struct labels *labels, const uint64_t *bits)
{
    uint64_t kept = 0;
    uint64_t members = 0;
    for (uint64_t i = 0; i < labels->count; i++) {
        if ((bits[i / 64] >> i % 64 & 1) == 0)
            continue;
        /* The next sample's first is read before it is overwritten: kept <= i. */
        uint64_t more = labels->first != NULL ? labels->first[i + 1] - labels->first[i] : 0;
        move(labels, i, kept++, members);
        members += more;
    }
    if (labels->first != NULL)
        labels->first[kept] = members;
    labels->count = kept;
    labels_trim(labels);
}

void labels_tally(const struct labels *labels, uint64_t *counts)
{
    uint64_t members = labels->first != NULL ? labels->first[labels->count] : labels->count;
    if (labels->kind == STK_LABEL_NUMBERS) {
        for (uint32_t k = 0; k < labels->width; k++)
            counts[k] = labels->count;
        return;
    }
    for (uint64_t i = 0; i < members; i++)
        counts[labels->members[i]]++;
}

static void feed_u64(uint64_t value, size_t bytes,
                     void (*feed)(void *context, const void *bytes, size_t len), void *context)
{
    uint8_t out[sizeof value];
    listing_put_little_endian(value, bytes, out);
    feed(context, out, bytes);
}

static void feed_numbers(const struct labels *labels, uint64_t index,
                         void (*feed)(void *context, const void *bytes, size_t len), void *context)
{
    for (uint32_t k = 0; k < labels->width; k++) {
        uint32_t bits;
        memcpy(&bits, &labels->numbers[index * labels->width + k], sizeof bits);
        feed_u64(bits, sizeof bits, feed, context);
    }
}

void labels_feed(const struct labels *labels, uint64_t index,
                 void (*feed)(void *context, const void *bytes, size_t len), void *context)
{
    if (labels->kind == STK_LABEL_CLASSES) {
        uint64_t first = labels->first[index];
        uint64_t end = labels->first[index + 1];
        feed_u64(end - first, sizeof(uint32_t), feed, context);
        for (uint64_t i = first; i < end; i++)
            feed_u64((uint32_t)labels->members[i], sizeof(uint32_t), feed, context);
    } else if (labels->kind == STK_LABEL_NUMBERS) {
        feed_numbers(labels, index, feed, context);
    }
    if (labels->weights != NULL) {
        uint64_t bits;
        memcpy(&bits, &labels->weights[index], sizeof bits);
        feed_u64(bits, sizeof bits, feed, context);
    }
}
