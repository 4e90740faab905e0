/*
 * Kinds of sources: the one list of them, and how a source's text is taken apart.
 *
 * The configuration checks a source by it before anything starts, and daemon/source opens one by
 * it.  No state; any thread.
 */
#ifndef STK_CONFIG_SOURCE_KIND_H
#define STK_CONFIG_SOURCE_KIND_H

#include "proto/status.h"

/* In the order of their words; a path alone is a CONFIG_SOURCE_FOLDER. */
enum config_source_kind { CONFIG_SOURCE_FOLDER, CONFIG_SOURCE_CSV, CONFIG_SOURCE_KINDS };

struct config_source {
    enum config_source_kind kind;
    const char *path; /* borrowed from the text */
};

/**
 * Take a source's text apart: "KIND:PATH", or a path alone, which means a folder.  A colon behind a
 * slash belongs to a path.
 *
 * Owns:    nothing.
 * Returns: STK_OK, or STK_INVALID where the text names no kind that there is.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
STK_MUST_CHECK enum stk_status config_source_parse(const char *text, struct config_source *source);

/** The kinds for a person: "folder or csv".  Constant. */
extern const char config_source_words[];

#endif
