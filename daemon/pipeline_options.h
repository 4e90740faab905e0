/*
 * Pipeline options: what a configuration means for the pipeline, on so many cores.
 */
#ifndef STK_PIPELINE_OPTIONS_H
#define STK_PIPELINE_OPTIONS_H

#include "config/config.h"
#include "daemon/pipeline.h"

/** The threads and the limits of a picture.  Owns: nothing.  Threads: any.  Blocks: no. */
struct pipeline_options pipeline_options_for(const struct config *config, uint32_t cores);

#endif
