/*
 * Metrics: figures in Prometheus' text format, version 0.0.4.
 *
 * A figure's name has its unit among its words; a metric's has it at the end, in base units:
 * bytes_sent, a counter, becomes sent_bytes_total, read_ns_total becomes read_seconds_total, and
 * readiness_permille becomes readiness_ratio.  The caller's thread.
 */
#ifndef STK_METRICS_H
#define STK_METRICS_H

#include <stdint.h>

#include "daemon/base/buffer.h"

enum {
    METRICS_NAME_BYTES = 96, /* storage for a name, its end mark included */
    METRICS_LABELS_MAX = 4,
};

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE };

struct metrics_label {
    const char *name;
    const char *value; /* any bytes; NULL behind the last label */
};

/** A figure's name as a metric's, behind a prefix such as "stoker_stream_". */
void metrics_name(const char *prefix, const char *figure, enum metrics_kind kind,
                  char name[METRICS_NAME_BYTES]);

/** What is told once of a metric, in front of its samples. */
void metrics_head(struct buffer *buffer, const char *prefix, const char *figure,
                  enum metrics_kind kind, const char *help);

/** One sample of it; labels end where a value is NULL. */
void metrics_sample(struct buffer *buffer, const char *prefix, const char *figure,
                    enum metrics_kind kind, const struct metrics_label labels[METRICS_LABELS_MAX],
                    uint64_t value);

#endif
