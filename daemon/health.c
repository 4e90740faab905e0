/*
 * Health: a bit a sample, a bounded list of bad ones with an index over it, and a clock for faults.
 */
#include "daemon/health.h"

#include <float.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
    PLACES = 2 * HEALTH_ROWS_MAX, /* a power of two; so half of them stay empty */
    WORD_BITS = 64,
};

struct health {
    struct health_options options;
    uint64_t bad_max;           /* more of them stop the stream; UINT64_MAX: none do */
    _Atomic uint64_t bad_count; /* written under lock; relaxed */

    pthread_mutex_t lock;
    uint64_t *bad;              /* under lock: a bit a sample */
    struct health_row *rows;    /* under lock: row_count of row_max */
    uint32_t row_max;           /* constant */
    uint32_t row_count;         /* under lock */
    uint16_t *places;           /* under lock: PLACES; a row's number and one, by its sample */
    _Atomic bool faulty;        /* written under lock; relaxed: a good read too many looks */
    uint64_t faults;            /* under lock: since the last good spell */
    uint64_t faults_untold;     /* under lock: since the last line */
    uint64_t fault_ns, told_ns; /* under lock: the last fault, the last line */
    char fault_reason[HEALTH_REASON_BYTES]; /* under lock: of the last one */
};

static uint32_t row_max_for(uint64_t samples)
{
    return samples < HEALTH_ROWS_MAX ? (uint32_t)samples : HEALTH_ROWS_MAX;
}

size_t health_bytes(uint64_t samples)
{
    return sizeof(struct health) + (size_t)(samples / WORD_BITS + 1) * sizeof(uint64_t) +
           row_max_for(samples) * sizeof(struct health_row) + PLACES * sizeof(uint16_t);
}

/* Whole samples; 0.29 of 100 are 29, though 0.29 * 100.0 is a little less. */
static uint64_t share_of(uint64_t samples, double share)
{
    return (uint64_t)(share * (double)samples * (1 + 4 * DBL_EPSILON));
}

enum stk_status health_open(const struct health_options *options, struct health **health)
{
    *health = NULL;
    struct health *made = calloc(1, sizeof *made);
    if (made == NULL)
        return STK_MEMORY;
    uint64_t samples = source_count(options->source);
    made->options = *options;
    made->bad_max =
        options->corrupt_max > 0 ? share_of(options->pool, options->corrupt_max) : UINT64_MAX;
    pthread_mutex_init(&made->lock, NULL);
    made->row_max = row_max_for(samples);
    made->bad = calloc(samples / WORD_BITS + 1, sizeof *made->bad);
    made->rows = calloc(made->row_max, sizeof *made->rows);
    made->places = calloc(PLACES, sizeof *made->places);
    if (made->bad == NULL || made->rows == NULL || made->places == NULL) {
        health_close(&made);
        return STK_MEMORY;
    }
    *health = made;
    return STK_OK;
}

void health_close(struct health **health)
{
    struct health *closing = *health;
    if (closing == NULL)
        return;
    pthread_mutex_destroy(&closing->lock);
    free(closing->places);
    free(closing->rows);
    free(closing->bad);
    free(closing);
    *health = NULL;
}

/* Under lock: where a sample's row is told, or would be. */
static uint16_t *place_of(const struct health *health, uint64_t index)
{
    size_t i = (size_t)(index * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PLACES;
    while (health->places[i] != 0 && health->rows[health->places[i] - 1].index != index)
        i = (i + 1) % PLACES;
    return &health->places[i];
}

/* Under lock: whether this is the first time that the sample is bad; remembers it. */
static bool mark(struct health *health, uint64_t index)
{
    uint64_t bit = UINT64_C(1) << index % WORD_BITS;
    uint64_t *word = &health->bad[index / WORD_BITS];
    if ((*word & bit) != 0)
        return false;
    *word |= bit;
    atomic_fetch_add_explicit(&health->bad_count, 1, memory_order_relaxed);
    return true;
}

/* Under lock. */
static void add_row(struct health *health, uint64_t index, struct stk_address address,
                    const uint64_t *stand_in, enum stk_status status, const char *reason)
{
    if (health->row_count == health->row_max)
        return;
    uint16_t *place = place_of(health, index);
    struct health_row *row = &health->rows[health->row_count];
    *place = (uint16_t)++health->row_count;
    row->index = index;
    row->address = address;
    row->replaced = stand_in != NULL;
    row->stand_in = stand_in != NULL ? *stand_in : 0;
    row->slots = 1;
    snprintf(row->reason, sizeof row->reason, "%s: %s", stk_status_word(status), reason);
}

static void log_bad(const struct health *health, uint64_t index, const uint64_t *stand_in,
                    enum stk_status status, const char *reason)
{
    const struct log_field fields[] = {
        LOG_TEXT("stream", health->options.stream),
        LOG_TEXT("path", source_name(health->options.source, index)),
        LOG_NUMBER("index", index),
        LOG_TEXT("code", stk_status_word(status)),
        LOG_TEXT("reason", reason),
        LOG_NUMBER("replaced_by", stand_in != NULL ? *stand_in : 0),
    };
    unsigned count = sizeof fields / sizeof fields[0];
    log_write(LOG_LEVEL_WARN, "image.corrupt", fields, stand_in != NULL ? count : count - 1);
}

void health_bad(struct health *health, uint64_t index, struct stk_address address,
                const uint64_t *stand_in, enum stk_status status, const char *reason)
{
    pthread_mutex_lock(&health->lock);
    bool first = mark(health, index);
    uint16_t *place = first ? NULL : place_of(health, index);
    if (first)
        add_row(health, index, address, stand_in, status, reason);
    else if (*place != 0)
        health->rows[*place - 1].slots++;
    uint64_t count = health_bad_count(health);
    pthread_mutex_unlock(&health->lock);
    if (!first)
        return;
    log_bad(health, index, stand_in, status, reason);
    if (count - 1 == health->bad_max)
        LOG(ERROR, "stream.stopped", LOG_TEXT("stream", health->options.stream),
            LOG_NUMBER("bad", count), LOG_NUMBER("samples", health->options.pool),
            LOG_TEXT("reason", "more of its samples are bad than corrupt_max allows"));
}

uint64_t health_bad_count(const struct health *health)
{
    return atomic_load_explicit(&health->bad_count, memory_order_relaxed);
}

bool health_is_stopped(const struct health *health, char *sentence)
{
    uint64_t count = health_bad_count(health);
    if (count <= health->bad_max)
        return false;
    snprintf(sentence, HEALTH_SENTENCE_BYTES,
             "stream \"%s\" is stopped: %" PRIu64 " of its %" PRIu64
             " samples cannot be read or decoded, and corrupt_max is %g; \"stoker stats "
             "--replaced\" lists them",
             health->options.stream, count, health->options.pool, health->options.corrupt_max);
    return true;
}

/* Under lock: faults to tell now, 0 where a line was written less than a second ago. */
static uint64_t faults_due(struct health *health)
{
    if (health->told_ns != 0 && health->fault_ns - health->told_ns < SECOND_NS)
        return 0;
    uint64_t due = health->faults_untold;
    health->told_ns = health->fault_ns;
    health->faults_untold = 0;
    return due;
}

void health_fault(struct health *health, uint64_t index, const char *reason)
{
    pthread_mutex_lock(&health->lock);
    atomic_store_explicit(&health->faulty, true, memory_order_relaxed);
    health->fault_ns = clock_now_ns();
    health->faults++;
    health->faults_untold++;
    snprintf(health->fault_reason, sizeof health->fault_reason, "%s", reason);
    uint64_t due = faults_due(health);
    pthread_mutex_unlock(&health->lock);
    if (due > 0)
        LOG(WARN, "image.fault", LOG_TEXT("stream", health->options.stream),
            LOG_TEXT("path", source_name(health->options.source, index)),
            LOG_NUMBER("index", index), LOG_TEXT("reason", reason), LOG_NUMBER("faults", due));
}

bool health_is_faulty(struct health *health, char *sentence)
{
    if (!atomic_load_explicit(&health->faulty, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&health->lock);
    snprintf(sentence, HEALTH_SENTENCE_BYTES, "samples cannot be read: %s", health->fault_reason);
    pthread_mutex_unlock(&health->lock);
    return true;
}

/* Among faults a good read says little: it is over when there was none for a second. */
void health_fine(struct health *health)
{
    if (!atomic_load_explicit(&health->faulty, memory_order_relaxed))
        return;
    pthread_mutex_lock(&health->lock);
    uint64_t faults = 0;
    if (health->faults > 0 && clock_now_ns() - health->fault_ns >= SECOND_NS) {
        faults = health->faults;
        health->faults = 0;
        health->faults_untold = 0;
        atomic_store_explicit(&health->faulty, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&health->lock);
    if (faults > 0)
        LOG(NOTICE, "image.recovered", LOG_TEXT("stream", health->options.stream),
            LOG_NUMBER("faults", faults));
}

uint32_t health_list(struct health *health, uint32_t first, struct health_row *rows,
                     uint32_t count_max)
{
    pthread_mutex_lock(&health->lock);
    uint32_t left = first < health->row_count ? health->row_count - first : 0;
    uint32_t count = left < count_max ? left : count_max;
    if (count > 0)
        memcpy(rows, &health->rows[first], count * sizeof *rows);
    pthread_mutex_unlock(&health->lock);
    return count;
}
