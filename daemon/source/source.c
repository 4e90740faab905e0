/*
 * Source: the table of kinds, and what all kinds share: the listing.
 */
#include "daemon/source/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/source_kind.h"
#include "daemon/base/check.h"
#include "daemon/source/fault.h"
#include "daemon/source/kind.h"
#include "daemon/source/list.h"
#include "daemon/source/listing.h"

struct source {
    const struct source_ops *ops;
    void *state; /* the kind's */
    struct listing listing;
    uint64_t *class_counts; /* [listing.classes] */
};

static const struct source_ops *const kinds[CONFIG_SOURCE_KINDS] = {
    [CONFIG_SOURCE_FOLDER] = &source_folder,
    [CONFIG_SOURCE_CSV] = &source_csv,
};

unsigned source_threads(unsigned cores)
{
    if (cores <= 4)
        return 8;
    return cores < 32 ? 2 * cores : 64;
}

/* Sources without classes of their own count in runs. */
static enum stk_status count_classes(struct source *source)
{
    const struct listing *listing = &source->listing;
    source->class_counts = calloc(listing->classes, sizeof source->class_counts[0]);
    if (source->class_counts == NULL)
        return STK_MEMORY;
    if (listing->labels.count > 0)
        labels_tally(&listing->labels, source->class_counts);
    for (size_t i = 0; i < listing->run_count && listing->labels.count == 0; i++)
        source->class_counts[listing->runs[i].label] += listing->runs[i].count;
    return STK_OK;
}

static enum stk_status list(struct source *source, const struct source_place *place,
                            const char *path, unsigned threads, char *error)
{
    enum stk_status status =
        source->ops->open(path, place, threads, &source->listing, &source->state, error);
    if (status != STK_OK)
        return status;
    if (place->list[0] != '\0')
        status = list_apply(place->list, place->text_bytes_max, &source->listing, error);
    if (status == STK_OK && count_classes(source) != STK_OK)
        status = fault_write(error, STK_MEMORY, "no memory for source %s",
                             fault_quote(place->url, "").text);
    return status;
}

enum stk_status source_open(const struct source_place *place, unsigned threads,
                            struct source **source, char *error)
{
    CHECK(threads >= 1 && threads <= SOURCE_THREADS_MAX);
    *source = NULL;
    *error = '\0';
    struct config_source kind;
    if (config_source_parse(place->url, &kind) != STK_OK)
        return fault_write(error, STK_INVALID,
                           "no such kind of source: %s; write \"folder:PATH\" or \"csv:FILE\", or "
                           "start a path that has a colon with \"./\"",
                           fault_quote(place->url, "").text);
    struct source *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return fault_write(error, STK_MEMORY, "no memory for source %s",
                           fault_quote(place->url, "").text);
    opened->ops = kinds[kind.kind];
    enum stk_status status = list(opened, place, kind.path, threads, error);
    if (status != STK_OK)
        source_close(&opened);
    *source = opened;
    return status;
}

void source_close(struct source **source)
{
    struct source *closed = *source;
    if (closed == NULL)
        return;
    *source = NULL;
    if (closed->state != NULL)
        closed->ops->close(closed->state);
    free(closed->class_counts);
    listing_release(&closed->listing);
    free(closed);
}

bool source_is_beside(const struct source *one, const struct source *other)
{
    struct statx roots[2];
    const struct source *sources[2] = {one, other};
    for (int i = 0; i < 2; i++) {
        int fd = sources[i]->ops->tree(sources[i]->state)->fd;
        if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &roots[i]) != 0)
            return false;
    }
    return roots[0].stx_ino == roots[1].stx_ino && roots[0].stx_mnt_id == roots[1].stx_mnt_id &&
           roots[0].stx_dev_major == roots[1].stx_dev_major &&
           roots[0].stx_dev_minor == roots[1].stx_dev_minor;
}

const char *source_root(const struct source *source)
{
    return source->ops->tree(source->state)->path;
}

uint64_t source_count(const struct source *source)
{
    return source->listing.count;
}

uint32_t source_classes(const struct source *source)
{
    return source->listing.classes;
}

enum stk_label_kind source_labels(const struct source *source)
{
    return source->listing.labels.kind;
}

const char *source_class_name(const struct source *source, uint32_t class)
{
    CHECK(class < source->listing.classes);
    return source->listing.class_names[class];
}

uint64_t source_class_count(const struct source *source, uint32_t class)
{
    CHECK(class < source->listing.classes);
    return source->class_counts[class];
}

int32_t source_label(const struct source *source, uint64_t index)
{
    return listing_get(&source->listing, index).label;
}

void source_add_target(const struct source *source, uint64_t index, float share, float *row)
{
    const struct listing *listing = &source->listing;
    CHECK(index < listing->count);
    if (listing->labels.kind == STK_LABEL_CLASS)
        row[source_label(source, index)] += share;
    else
        labels_add(&listing->labels, index, share, row);
}

bool source_has_weights(const struct source *source)
{
    return source->listing.labels.weights != NULL;
}

double source_weight(const struct source *source, uint64_t index)
{
    CHECK(index < source->listing.count);
    const double *weights = source->listing.labels.weights;
    return weights != NULL ? weights[index] : 1;
}

const char *source_name(const struct source *source, uint64_t index)
{
    return listing_get(&source->listing, index).path;
}

size_t source_listing_bytes(const struct source *source)
{
    return sizeof *source + source->listing.listing_bytes +
           source->listing.classes * sizeof source->class_counts[0];
}

enum stk_status source_read(const struct source *source, uint64_t index,
                            const struct source_reading *reading, struct encoded *encoded,
                            char *reason)
{
    struct listing_sample sample = listing_get(&source->listing, index);
    *reason = '\0';
    encoded->len = 0;
    return source->ops->read(source->state, &sample, reading, encoded, reason);
}

/* A word, and the names of the classes: what a label means. */
static void feed_classes(const struct listing *listing,
                         void (*feed)(void *context, const void *bytes, size_t len), void *context)
{
    const char *word = stk_label_kind_word(listing->labels.kind);
    feed(context, word, strlen(word) + 1);
    for (uint32_t class = 0; class < listing->classes; class ++)
        feed(context, listing->class_names[class], strlen(listing->class_names[class]) + 1);
}

void source_feed_listing(const struct source *source,
                         void (*feed)(void *context, const void *bytes, size_t len), void *context)
{
    for (uint64_t i = 0; i < source->listing.count; i++) {
        struct listing_sample sample = listing_get(&source->listing, i);
        uint8_t numbers[sizeof sample.bytes + sizeof sample.label];
        listing_put_little_endian(sample.bytes, sizeof sample.bytes, numbers);
        listing_put_little_endian((uint32_t)sample.label, sizeof sample.label,
                                  numbers + sizeof sample.bytes);
        feed(context, sample.path, strlen(sample.path) + 1);
        feed(context, numbers, sizeof numbers);
        if (source->listing.labels.count > 0)
            labels_feed(&source->listing.labels, i, feed, context);
    }
    feed_classes(&source->listing, feed, context);
}
