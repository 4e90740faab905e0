/*
 * The atlas: for every data set that is served, maps of its files.
 *
 * The maps of a data set are what an index says of its samples.  They are read from an index beside
 * the data, from one in the state directory, or from a file that is named; what none of them knows
 * can be noted while it is decoded, into the state directory.  Streams over one root share them, so
 * that it is noted once.  What is found, damaged or missing changes what a picture costs, and never
 * its pixels.
 *
 *   thread    what it runs here
 *   any       maps_find, maps_wants, maps_add
 *   atlas     its own: begins indexes, finishes them, closes what nobody refers to any more
 *
 * So nobody who serves waits for a copy of an index, or for a disk to say that it has it.
 */
#ifndef STK_ATLAS_H
#define STK_ATLAS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/index/index.h"
#include "daemon/source/source.h"
#include "proto/status.h"

struct atlas;
struct maps;

/**
 * Begin an atlas without maps.
 *
 * Owns:    the caller owns *atlas and gives it to atlas_close.
 * Returns: STK_OK, STK_MEMORY, or STK_SYSTEM where its thread could not be started.
 */
STK_MUST_CHECK enum stk_status atlas_open(struct atlas **atlas);

/** *atlas becomes NULL.  Nobody refers to maps of it any more; an index that is being noted is left
 *  as it is, for who goes on.  NULL is fine.  Blocks: on the disk, where one was complete. */
void atlas_close(struct atlas **atlas);

/* What maps are wanted. */
struct maps_wish {
    const char *index;        /* as the configuration says: "auto", "off", or a file */
    const char *root;         /* where the samples' paths start */
    uint64_t samples;         /* that will be asked for */
    uint64_t index_bytes_max; /* of an index's directory in memory; 0: any */
};

/**
 * Open the maps of a data set, or refer to those that are open, where their indexes are still the
 * files that were opened.  An index that cannot be used is left out, and the log says why.
 *
 *   maps   set; NULL where none are wanted
 *
 * Owns:    the caller owns a reference and gives it to maps_unref.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: any.  Blocks: on the files.
 */
STK_MUST_CHECK enum stk_status atlas_take(struct atlas *atlas, const struct maps_wish *wish,
                                          struct maps **maps);

/** Give a reference of so many samples back; *maps becomes NULL.  NULL is fine.  Threads: any.
 *  Blocks: on a short lock. */
void maps_unref(struct maps **maps, uint64_t samples);

/** Memory that the maps hold and, where they can be added to, will hold for so many samples. */
size_t maps_bytes(struct maps *maps, uint64_t samples);

enum maps_found {
    MAPS_FOUND,   /* with entry points */
    MAPS_USELESS, /* a file that cannot be entered */
    MAPS_MISSING,
    MAPS_STALE, /* it is not as it was indexed; or what was noted of it is damaged */
};

/**
 * Find the map of a file.
 *
 *   path     as source_name has it
 *   file     as it is now
 *   buffer   where what is found is kept until its next use
 *   sample   set where MAPS_FOUND; borrows from buffer and path
 *
 * Owns: nothing.  Threads: any, a buffer each.  Blocks: on the indexes.  Allocates: to grow buffer.
 */
enum maps_found maps_find(struct maps *maps, const char *path, const struct source_state *file,
                          struct index_buffer *buffer, struct index_sample *sample);

/** Whether what is decoded should be noted now.  Threads: any.  Blocks: no. */
bool maps_wants(const struct maps *maps);

/** Note what a file was found to be.  Where that fails the log says so, once, and nothing is noted
 *  any more.  Threads: any.  Blocks: on the file system. */
void maps_add(struct maps *maps, const struct index_sample *sample);

/** The map that was found for a file did not fit it.  Threads: any.  Blocks: once a minute, on the
 *  log. */
void maps_note_stale(struct maps *maps, const char *path);

#endif
