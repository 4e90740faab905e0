/*
 * The choice of a kernel.
 */
#include "daemon/image/kernel.h"

const struct kernel *kernel_fastest(void)
{
    const struct kernel *const variants[] = {kernel_avx2(), kernel_neon()};
    for (unsigned i = 0; i < sizeof variants / sizeof *variants; i++) {
        if (variants[i] != NULL)
            return variants[i];
    }
    return &kernel_plain;
}
