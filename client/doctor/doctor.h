/*
 * The doctor: checks a configuration, its data and a running daemon, and says what to change.
 *
 * A finding is a sentence: what is wrong, and what to do.  A fact is told beside it.  Both are
 * printed as they come, or gathered for one JSON object.
 */
#ifndef STK_DOCTOR_H
#define STK_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "daemon/pipeline.h"
#include "daemon/stream.h"

struct doctor {
    json_t *object;     /* what --json prints; NULL: lines for a person */
    json_t *findings;   /* borrowed from object */
    uint32_t found;     /* findings so far */
    uint32_t timeout_s; /* for an answer of a daemon */
    bool quick;         /* decode nothing */
    bool verify;        /* hold checksums against the index instead */
    const char *index;  /* its file; NULL: where the daemon looks for it */
};

/** Tell a finding, a printf sentence without a full stop. */
__attribute__((format(printf, 2, 3))) void doctor_found(struct doctor *doctor, const char *format,
                                                        ...);

/** Tell a person a fact; nothing with --json, where facts are keys. */
__attribute__((format(printf, 2, 3))) void doctor_tell(const struct doctor *doctor,
                                                       const char *format, ...);

/** Set a key to a fact in numbers; nothing without --json. */
void doctor_set(const struct doctor *doctor, const char *key, uint64_t number);

/**
 * Check a configuration file, and the data of its streams.
 *
 * Returns: an exit code, where it could not even begin; COMMAND_DONE otherwise.
 * Threads: main's.  Blocks: on files, and a second for each endpoint.
 */
int doctor_check_file(struct doctor *doctor, const char *path);

/**
 * Read and decode every sample of a stream on all cores, and tell what they are like.
 *
 *   index     its file; NULL: where the daemon looks for it
 *   options   the limits of a picture
 *   row       where facts go with --json; NULL without
 *
 * Threads: main's; starts its own and joins them.  Blocks: on files.
 */
void doctor_check_data(struct doctor *doctor, const struct stream *stream, const char *index,
                       const struct pipeline_options *options, json_t *row);

/** Verify a source, by its url; returns as doctor_check_file. */
int doctor_verify_source(struct doctor *doctor, const char *url);

/** Check a running daemon; returns as doctor_check_file.  Blocks: on its answers. */
int doctor_check_daemon(struct doctor *doctor, const char *url);

#endif
