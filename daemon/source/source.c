/*
 * Source: the table of kinds, and what all kinds share: the listing.
 */
#include "daemon/source/source.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/source/fault.h"
#include "daemon/source/kind.h"
#include "daemon/source/listing.h"

struct source {
    const struct source_ops *ops;
    void *state; /* the kind's */
    struct listing listing;
};

static const struct source_ops *const kinds[] = {&source_folder};

/* The length of the kind's name before a colon; 0 where the url is a path alone. */
static size_t kind_len(const char *url)
{
    size_t len = strspn(url, "abcdefghijklmnopqrstuvwxyz0123456789");
    return url[len] == ':' ? len : 0;
}

static const struct source_ops *find_kind(const char *url, size_t len)
{
    if (len == 0)
        return &source_folder;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i]->name) == len && memcmp(kinds[i]->name, url, len) == 0)
            return kinds[i];
    }
    return NULL;
}

unsigned source_threads(unsigned cores)
{
    if (cores <= 4)
        return 8;
    return cores < 32 ? 2 * cores : 64;
}

enum stk_status source_open(const char *url, unsigned threads, struct source **source, char *error)
{
    CHECK(threads >= 1 && threads <= SOURCE_THREADS_MAX);
    *source = NULL;
    *error = '\0';
    size_t len = kind_len(url);
    const struct source_ops *ops = find_kind(url, len);
    if (ops == NULL)
        return fault_write(error, STK_INVALID,
                           "no such kind of source: %s; write \"folder:PATH\", or start a path "
                           "that has a colon with \"./\"",
                           fault_quote(url, "").text);
    struct source *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return fault_write(error, STK_MEMORY, "no memory for source %s", fault_quote(url, "").text);
    const char *path = len > 0 ? url + len + 1 : url;
    enum stk_status status = ops->open(path, url, threads, &opened->listing, &opened->state, error);
    if (status != STK_OK) {
        free(opened);
        return status;
    }
    opened->ops = ops;
    *source = opened;
    return STK_OK;
}

void source_close(struct source **source)
{
    struct source *closed = *source;
    if (closed == NULL)
        return;
    *source = NULL;
    closed->ops->close(closed->state);
    listing_release(&closed->listing);
    free(closed);
}

uint64_t source_count(const struct source *source)
{
    return source->listing.count;
}

uint32_t source_classes(const struct source *source)
{
    return source->listing.classes;
}

const char *source_class_name(const struct source *source, uint32_t class)
{
    CHECK(class < source->listing.classes);
    return source->listing.class_names[class];
}

int32_t source_label(const struct source *source, uint64_t index)
{
    return listing_get(&source->listing, index).label;
}

double source_weight(const struct source *source, uint64_t index)
{
    CHECK(index < source->listing.count);
    return 1;
}

const char *source_name(const struct source *source, uint64_t index)
{
    return listing_get(&source->listing, index).path;
}

size_t source_listing_bytes(const struct source *source)
{
    return sizeof *source + source->listing.listing_bytes;
}

enum stk_status source_read(const struct source *source, uint64_t index, source_reserve *reserve,
                            void *context, struct encoded *encoded, char *reason)
{
    struct listing_sample sample = listing_get(&source->listing, index);
    *reason = '\0';
    encoded->len = 0;
    return source->ops->read(source->state, &sample, reserve, context, encoded, reason);
}

static void put_little_endian(uint64_t value, size_t bytes, uint8_t *out)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

void source_feed_listing(const struct source *source,
                         void (*feed)(void *context, const void *bytes, size_t len), void *context)
{
    for (uint64_t i = 0; i < source->listing.count; i++) {
        struct listing_sample sample = listing_get(&source->listing, i);
        uint8_t numbers[sizeof sample.bytes + sizeof sample.label];
        put_little_endian(sample.bytes, sizeof sample.bytes, numbers);
        put_little_endian((uint32_t)sample.label, sizeof sample.label,
                          numbers + sizeof sample.bytes);
        feed(context, sample.path, strlen(sample.path) + 1);
        feed(context, numbers, sizeof numbers);
    }
}
