/*
 * Keeping memory: glibc's malloc, told that large blocks come again and again.
 */
#include <limits.h>
#include <malloc.h>

#include "client/stoker.h"

enum { MAPPED_BYTES_MIN = 1 << 30 };

/* A thread's own arena holds blocks of up to 64 MiB and maps what is larger, so libzmq's thread
 * must share the main one. */
void stk_keep_memory(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
}
