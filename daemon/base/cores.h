/*
 * Cores: how many threads can compute at once here.
 */
#ifndef STK_CORES_H
#define STK_CORES_H

#include <stdint.h>

/**
 * Count the cores that this process may use: those of its affinity mask, or fewer where a control
 * group's quota of CPU time, its own or one above it, pays for fewer; a part of a core counts as
 * one.
 *
 *   root   what stands before /proc and /sys: "" but in tests
 *
 * What cannot be read limits nothing.
 *
 * Returns: 1 or more.
 * Threads: any.  Blocks: on reads of /proc and /sys.  Allocates: no.
 * Source:  cgroups(7); the kernel's cgroup-v2 (cpu.max) and sched-bwc (cpu.cfs_quota_us) documents.
 */
uint32_t cores_count(const char *root);

#endif
