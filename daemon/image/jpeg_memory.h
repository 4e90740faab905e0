/*
 * JPEG memory: libjpeg-turbo's memory manager on an arena, for decoding.
 *
 * libjpeg-turbo's own manager asks malloc for a picture's storage anew with every picture, and its
 * limit does not count all of it.  This one takes the place of jpeg->mem, so that decoding
 * allocates nothing once the arena has met its largest picture, and never more than the limit.
 *
 * An object's parts that were made before the manager came stay with libjpeg-turbo's own one.
 * Everything after that is a picture's, also what libjpeg-turbo calls permanent: its quantisation
 * and Huffman tables, which otherwise would stay for a later picture that brings none.
 */
#ifndef STK_JPEG_MEMORY_H
#define STK_JPEG_MEMORY_H

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

#include "daemon/image/arena.h"
#include "proto/status.h"

struct jpeg_memory {
    struct jpeg_memory_mgr methods; /* first: libjpeg-turbo hands its address to the methods */
    struct jpeg_memory_mgr *own;    /* libjpeg-turbo's, with the object's parts */
    struct arena arena;
    struct jvirt_barray_control *arrays; /* the coefficients of the picture's components */
    int limit_message;                   /* its parameter is the limit in MiB */
};

/**
 * Make a memory manager; not installed yet.
 *
 *   bytes_max       the most that a picture may take
 *   limit_message   number of the message to exit with where it would take more
 *
 * Owns:    the caller gives memory to jpeg_memory_release, also after a failure.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: one at a time.  Blocks: no.  Allocates: addresses alone.
 */
STK_MUST_CHECK enum stk_status jpeg_memory_init(struct jpeg_memory *memory, size_t bytes_max,
                                                int limit_message);

/** Give the storage back; no object uses it any more. */
void jpeg_memory_release(struct jpeg_memory *memory);

/**
 * Let an object take its storage from here until it is destroyed.
 *
 *   jpeg   created, with a source manager, nothing read
 *
 * Owns:    memory owns what the object takes, until jpeg_memory_forget.
 * Threads: the object's.  Blocks: no.  Allocates: no.
 */
void jpeg_memory_install(struct jpeg_memory *memory, struct jpeg_decompress_struct *jpeg);

/**
 * Abort the object's picture and take its storage back, its tables included: the object is as
 * jpeg_memory_install met it.
 *
 *   jpeg   with a memory installed; decoding or not, but not after error_exit
 *
 * Owns:    nothing.
 * Threads: the object's.  Blocks: no.  Allocates: no.
 */
void jpeg_memory_forget(struct jpeg_decompress_struct *jpeg);

#endif
