/*
 * Listing: runs of samples, found by bisection.
 */
#include "daemon/source/listing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "proto/utf8.h"

enum stk_status listing_run_init(struct listing_run *run, uint32_t count, size_t paths_bytes)
{
    CHECK(paths_bytes <= UINT32_MAX);
    *run = (struct listing_run){0};
    size_t run_bytes = count * (sizeof run->bytes[0] + sizeof run->offsets[0]) + paths_bytes;
    uint64_t *bytes = malloc(run_bytes > 0 ? run_bytes : 1);
    if (bytes == NULL)
        return STK_MEMORY;
    run->count = count;
    run->bytes = bytes;
    run->offsets = (uint32_t *)(bytes + count);
    run->paths = (char *)(run->offsets + count);
    run->run_bytes = run_bytes;
    return STK_OK;
}

void listing_run_release(struct listing_run *run)
{
    free(run->bytes);
    *run = (struct listing_run){0};
}

/* Class names travel to clients as UTF-8, whatever bytes the folder has. */
static void replace_what_is_not_utf8(char *text)
{
    while (*text != '\0') {
        size_t len = stk_utf8_len(text, strlen(text));
        if (len == 0)
            *text = '?';
        text += len > 0 ? len : 1;
    }
}

enum stk_status listing_init(struct listing *listing, size_t run_capacity,
                             const struct names *classes)
{
    *listing = (struct listing){0};
    size_t runs_bytes = run_capacity * sizeof listing->runs[0];
    size_t classes_bytes = classes->count * sizeof listing->class_names[0] + classes->text_len;
    listing->runs = malloc(runs_bytes);
    listing->class_names = malloc(classes_bytes);
    if (listing->runs == NULL || listing->class_names == NULL) {
        listing_release(listing);
        return STK_MEMORY;
    }
    char *text = (char *)(listing->class_names + classes->count);
    for (size_t i = 0; i < classes->count; i++) {
        listing->class_names[i] = text;
        text = stpcpy(text, names_get(classes, i)) + 1;
        replace_what_is_not_utf8(listing->class_names[i]);
    }
    listing->classes = (uint32_t)classes->count;
    listing->listing_bytes = runs_bytes + classes_bytes;
    return STK_OK;
}

void listing_release(struct listing *listing)
{
    for (size_t i = 0; i < listing->run_count; i++)
        listing_run_release(&listing->runs[i]);
    free(listing->runs);
    free(listing->class_names);
    labels_release(&listing->labels);
    *listing = (struct listing){0};
}

static void leave_out_unknown(struct listing_run *run)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        if (run->bytes[i] == LISTING_BYTES_UNKNOWN)
            continue;
        run->bytes[kept] = run->bytes[i];
        run->offsets[kept++] = run->offsets[i];
    }
    run->count = kept;
}

void listing_add_run(struct listing *listing, struct listing_run *run)
{
    leave_out_unknown(run);
    if (run->count == 0) {
        listing_run_release(run);
        return;
    }
    run->first = listing->count;
    listing->count += run->count;
    listing->listing_bytes += run->run_bytes;
    listing->runs[listing->run_count++] = *run;
    *run = (struct listing_run){0};
}

void listing_set_labels(struct listing *listing, struct labels *labels)
{
    CHECK(labels->count == listing->count);
    listing->labels = *labels;
    listing->listing_bytes += labels_bytes(labels);
    *labels = (struct labels){0};
}

/* The runs are added once more, without what is not kept; a run's memory stays whole. */
void listing_keep(struct listing *listing, const uint64_t *bits)
{
    size_t run_count = listing->run_count;
    listing->run_count = 0;
    listing->count = 0;
    for (size_t r = 0; r < run_count; r++) {
        struct listing_run run = listing->runs[r];
        for (uint32_t i = 0; i < run.count; i++) {
            uint64_t index = run.first + i;
            if ((bits[index / 64] >> index % 64 & 1) == 0)
                run.bytes[i] = LISTING_BYTES_UNKNOWN;
        }
        listing->listing_bytes -= run.run_bytes;
        listing_add_run(listing, &run);
    }
    CHECK(listing->count > 0);
    size_t before = labels_bytes(&listing->labels);
    labels_keep(&listing->labels, bits);
    listing->listing_bytes -= before - labels_bytes(&listing->labels);
}

void listing_put_little_endian(uint64_t value, size_t bytes, uint8_t *out)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

struct listing_sample listing_get(const struct listing *listing, uint64_t index)
{
    CHECK(index < listing->count);
    size_t low = 0;
    size_t high = listing->run_count;
    /* runs[low].first <= index < runs[high].first, where runs[run_count].first is count. */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (listing->runs[middle].first <= index)
            low = middle;
        else
            high = middle;
    }
    const struct listing_run *run = &listing->runs[low];
    size_t i = (size_t)(index - run->first);
    bool in_runs = listing->labels.count == 0;
    return (struct listing_sample){.path = run->paths + run->offsets[i],
                                   .bytes = run->bytes[i],
                                   .label = in_runs ? run->label
                                                    : labels_class(&listing->labels, index)};
}
