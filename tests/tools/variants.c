/*
 * variants: whether the vector variants of this processor make the bytes of plain C.
 *
 * A line a variant, "neon equal" or "neon differs", none for those that this processor lacks; exits
 * 1 if one differs.  It needs libc alone, so that it can be built for another architecture and run
 * by an emulator: tests/integration/test_variants.py does.
 */
#include <stdio.h>

#include "tests/kernels.h"

enum { CASES = 1000 };

static bool kernel_is_equal(const void *kernel)
{
    return kernels_equal(kernel, CASES);
}

int main(void)
{
    const struct {
        const char *name;
        const void *variant; /* NULL: not on this processor */
        bool (*is_equal)(const void *variant);
    } rows[] = {
        {"kernel avx2", kernel_avx2(), kernel_is_equal},
        {"kernel neon", kernel_neon(), kernel_is_equal},
    };
    int code = EXIT_SUCCESS;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].variant == NULL)
            continue;
        bool equal = rows[i].is_equal(rows[i].variant);
        printf("%s %s\n", rows[i].name, equal ? "equal" : "differs");
        code = equal ? code : EXIT_FAILURE;
    }
    return code;
}
