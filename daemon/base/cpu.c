/*
 * The processor: see cpu.h.
 */
#include "daemon/base/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* The compilers' own question knows F16C only lately. */
bool cpu_has_avx2_f16c(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

#else

bool cpu_has_avx2_f16c(void)
{
    return false;
}

#endif
