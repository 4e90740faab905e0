/*
 * The labels of a listing that its runs do not tell, and the samples' weights.
 *
 * Arrays by sample, made while a source opens and constant afterwards; any thread reads.
 */
#ifndef STK_SOURCE_LABELS_H
#define STK_SOURCE_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/source/source.h"
#include "proto/status.h"

/* All zero: one class a sample, and the listing's runs say which. */
struct labels {
    enum stk_label_kind kind;
    uint64_t count;   /* samples; 0 where the runs say all */
    uint32_t width;   /* classes, or numbers a sample */
    uint64_t *first;  /* classes [count + 1]: where a sample's members begin */
    int32_t *members; /* class [count]; classes: class numbers, rising in a sample */
    float *numbers;   /* numbers [count, width]; finite, no minus zero */
    double *weights;  /* [count], finite, >= 0; NULL: all are 1 */
};

/** Give everything back and become zero. */
void labels_release(struct labels *labels);

/** Memory of all arrays. */
size_t labels_bytes(const struct labels *labels);

/** The one class of a sample; -1 where it has not one class.  Not of zero labels. */
int32_t labels_class(const struct labels *labels, uint64_t index);

/** Add share times a sample's target to a row of width floats; not STK_LABEL_CLASS. */
void labels_add(const struct labels *labels, uint64_t index, float share, float *row);

/** Give back what arrays have room for beyond their samples; where that fails, nothing is lost. */
void labels_trim(struct labels *labels);

/** Keep the samples whose bit is set in order; forget the others, and give their memory back. */
void labels_keep(struct labels *labels, const uint64_t *bits);

/** Count the samples of each of width classes; of numbers, each counts for every one. */
void labels_tally(const struct labels *labels, uint64_t *counts);

/** Feed what a sample's label is, beside its class number, to a hash; as source_feed_listing. */
void labels_feed(const struct labels *labels, uint64_t index,
                 void (*feed)(void *context, const void *bytes, size_t len), void *context);

#endif
