/*
 * Checks of the configuration that need more than one value's range: endpoints, names, sources,
 * and settings that must fit each other.  Internal to config/; the caller's thread.
 */
#ifndef STK_CONFIG_CHECK_H
#define STK_CONFIG_CHECK_H

#include <stdbool.h>

#include "config/config.h"
#include "config/report.h"
#include "config/schema.h"
#include "proto/status.h"

/* Where each row of config_keys was given in a section; 0: it was not. */
struct config_lines {
    unsigned of[CONFIG_KEYS_MAX];
};

/** The line of a section's key; 0 where it was not given.  Threads: any. */
static inline unsigned config_line_of(const struct config_lines *lines, enum config_section section,
                                      const char *name)
{
    return lines->of[config_key_find(section, name) - config_keys];
}

/**
 * Check an endpoint: tcp://HOST:PORT or ipc:///PATH, and what stands behind it.
 *
 * Returns: STK_OK or STK_CONFIG (reported).  Owns: nothing.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_check_endpoint(const struct config_report *report,
                                                     unsigned line, const char *endpoint);

/** Check that no endpoint stands twice.  Otherwise as above. */
STK_MUST_CHECK enum stk_status config_check_listen(const struct config_report *report,
                                                   const struct config_lines *lines,
                                                   const struct config *config);

/** Check who may connect: that an endpoint which others reach has keys, and that they are there.
 *  Blocks: on files.  Otherwise as above. */
STK_MUST_CHECK enum stk_status config_check_keys(const struct config_report *report,
                                                 const struct config_lines *lines,
                                                 const struct config *config);

/**
 * Check where http is served, and the token that is wanted there.
 *
 * Returns: STK_OK or STK_CONFIG (reported).  Owns: nothing.  Blocks: on the token's file.
 */
STK_MUST_CHECK enum stk_status config_check_http(const struct config_report *report,
                                                 const struct config_lines *lines,
                                                 const struct config *config);

/**
 * Check a stream's transforms: their order, what excludes what, and their settings.
 *
 *   lines   of the stream, and of the sections of its transforms
 *
 * Returns: STK_OK or STK_CONFIG (reported).  Owns: nothing.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_check_transforms(const struct config_report *report,
                                                       const struct config_lines *lines,
                                                       const struct config_stream *stream);

/**
 * Check a whole stream: its name, that its source is there, and that its settings fit.
 *
 * Returns: STK_OK or STK_CONFIG (reported).  Owns: nothing.  Blocks: on stats.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_check_stream(const struct config_report *report,
                                                   const struct config_lines *lines,
                                                   const struct config_stream *stream);

/** Check the last one of a stream's phases beside the one before it; lines are of its section. */
STK_MUST_CHECK enum stk_status config_check_phase(const struct config_report *report,
                                                  const struct config_lines *lines,
                                                  const struct config_stream *stream);

/** Check what a stream's addresses mean: sampler, repeat, last.  Part of the above. */
STK_MUST_CHECK enum stk_status config_check_address(const struct config_report *report,
                                                    const struct config_lines *lines,
                                                    const struct config_stream *stream);

/**
 * Check that the keys of a stream's mix section fit each other and the stream.
 *
 * Returns: STK_OK or STK_CONFIG (reported).  Owns: nothing.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_check_mix(const struct config_report *report,
                                                const struct config_lines *lines,
                                                const struct config_stream *stream);

/**
 * Check that what is mixed leaves room for batches of a size: the stream's, or a phase's.
 *
 *   line   that sets the size
 */
STK_MUST_CHECK enum stk_status config_check_mix_batch(const struct config_report *report,
                                                      unsigned line, const struct recipe_mix *mix,
                                                      uint32_t batch);

/** Whether a key of the mix section means anything beside the others.  Threads: any. */
bool config_mix_applies(const struct recipe_mix *mix, const char *name);

#endif
