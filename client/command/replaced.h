/*
 * The replaced samples of a daemon's streams, for stoker stats.
 */
#ifndef STK_REPLACED_H
#define STK_REPLACED_H

#include <stdbool.h>
#include <stdint.h>

/**
 * List the samples that could not be read or decoded.
 *
 *   url    an endpoint: of every stream; with a stream's name behind it: of that one
 *   json   one object instead of a table
 *
 * Owns:    nothing.
 * Returns: an exit code; what failed was said.
 * Blocks:  up to timeout_s a question.
 */
int replaced_show(const char *url, uint32_t timeout_s, bool json);

#endif
