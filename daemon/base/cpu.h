/*
 * The processor: which instructions it has that not every one of its kind has.
 */
#ifndef STK_CPU_H
#define STK_CPU_H

#include <stdbool.h>

/**
 * Whether there are AVX2 and F16C, and the system saves their registers.  Processors come with both
 * or with neither, but a hypervisor may hide one.
 *
 * Threads: any.  Blocks: no.
 */
bool cpu_has_avx2_f16c(void);

#endif
