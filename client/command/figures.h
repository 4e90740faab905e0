/*
 * Figures: what a daemon tells of itself, of its streams and of its trainers, by name, in words and
 * as JSON.  Those it does not tell are 0.
 */
#ifndef STK_COMMAND_FIGURES_H
#define STK_COMMAND_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/stoker.h"

enum { FIGURES_WORDS_BYTES = 160 }; /* any sentence of ours, with a limit's name in it */

/** A figure of a stream or a trainer. */
uint64_t figures_value(const struct stk_figure_row *row, const char *name);

/** A figure of the daemon. */
uint64_t figures_daemon_value(const struct stk_stats *stats, const char *name);

/** A figure in thousandths, as per cent, rounded. */
uint64_t figures_percent(const struct stk_figure_row *row, const char *name);

/** Whether a stream has nothing to do. */
bool figures_idle(const struct stk_figure_row *row);

/** What limits a stream, e.g. "limited by decode, where 97 % of its batches are"; the daemon's word
 *  is in it as it came. */
void figures_limit_words(const struct stk_figure_row *row, char words[FIGURES_WORDS_BYTES]);

/** How fast it is, e.g. "812 images/s, up to 1624 with 2 more cores". */
void figures_rate_words(const struct stk_figure_row *row, char words[FIGURES_WORDS_BYTES]);

/** All of it as the object that stoker stats --json prints; a new reference. */
json_t *figures_json(const struct stk_stats *stats);

#endif
