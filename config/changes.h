/*
 * What differs between two configurations in the daemon's own settings.  Pure; the streams' part of
 * it, which needs their listings, is the daemon's.
 */
#ifndef STK_CONFIG_CHANGES_H
#define STK_CONFIG_CHANGES_H

#include "config/config.h"

enum {
    CONFIG_CHANGES_MAX = 32,   /* settings outside of the streams: more than there are keys */
    CONFIG_CHANGE_BYTES = 128, /* storage for a value's text: a longer path is cut */
};

struct config_change {
    const char *key; /* constant */
    char before[CONFIG_CHANGE_BYTES];
    char after[CONFIG_CHANGE_BYTES];
};

/**
 * List the settings that differ, endpoints and streams left out.
 *
 *   changes   set to as many as are returned, in the table's order
 *
 * Owns: nothing.  Returns: their number.  Threads: any.  Blocks: no.
 */
unsigned config_changes(const struct config *before, const struct config *after,
                        struct config_change changes[CONFIG_CHANGES_MAX]);

/**
 * Give settings that hold from the start to the end of a process the values that they run with.
 *
 *   after     what a file says now; changed, its streams' recipes too
 *   running   what the process runs with
 *   held      set to the settings that differed: before is what runs, after what the file says
 *
 * Owns: nothing.  Returns: their number.  Threads: any.  Blocks: no.
 */
unsigned config_hold(struct config *after, const struct config *running,
                     struct config_change held[CONFIG_CHANGES_MAX]);

#endif
