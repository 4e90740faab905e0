/*
 * libzmq without memory: preloaded into a program, this lets the N-th allocation of libzmq fail,
 * N as ZMQ_FAULT says, counted from 1.  Allocations by `new` come from the C++ library on its
 * behalf.  libzmq answers most of them with an abort.
 */
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LIBRARIES_MAX = 2 };

/* Set before main, constant afterwards: where the code of the two libraries stands. */
static struct {
    uintptr_t begin;
    uintptr_t end;
} libraries[LIBRARIES_MAX];
static int library_count;
static uint64_t number;

static _Atomic uint64_t calls; /* relaxed: each call takes one number */

/* glibc's own name for what is replaced here. */
void *__libc_malloc(size_t bytes);

static int find(struct dl_phdr_info *info, size_t len, void *context)
{
    (void)len;
    (void)context;
    if (strstr(info->dlpi_name, "libzmq.so") == NULL &&
        strstr(info->dlpi_name, "libstdc++") == NULL)
        return 0;
    uintptr_t begin = info->dlpi_addr;
    uintptr_t end = begin;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && begin + header->p_vaddr + header->p_memsz > end)
            end = begin + header->p_vaddr + header->p_memsz;
    }
    libraries[library_count].begin = begin;
    libraries[library_count].end = end;
    library_count++;
    return library_count == LIBRARIES_MAX;
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *fault = getenv("ZMQ_FAULT");
    number = fault != NULL ? strtoull(fault, NULL, 10) : 0;
    dl_iterate_phdr(find, NULL);
}

static bool is_of_libraries(uintptr_t caller)
{
    for (int i = 0; i < library_count; i++) {
        if (caller >= libraries[i].begin && caller < libraries[i].end)
            return true;
    }
    return false;
}

void *malloc(size_t bytes)
{
    if (number > 0 && is_of_libraries((uintptr_t)__builtin_return_address(0)) &&
        atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1 == number)
        return NULL;
    return __libc_malloc(bytes);
}
