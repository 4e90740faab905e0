/*
 * Arena: a pointer that moves through a reserved range of addresses.
 */
#include "daemon/image/arena.h"

#include <sys/mman.h>

#include "daemon/base/check.h"

/* Pages come in steps, so that a growing arena asks the kernel seldom; untouched ones are free. */
enum { STEP_BYTES = 1 << 20 };

static size_t round_up(size_t bytes, size_t multiple)
{
    return (bytes + multiple - 1) / multiple * multiple;
}

enum stk_status arena_init(struct arena *arena, size_t bytes_max)
{
    CHECK(bytes_max > 0 && bytes_max < SIZE_MAX / 2);
    *arena = (struct arena){.bytes_max = bytes_max, .reserved = round_up(bytes_max, STEP_BYTES)};
    void *base = mmap(NULL, arena->reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return STK_MEMORY;
    arena->base = base;
    return STK_OK;
}

void arena_release(struct arena *arena)
{
    if (arena->base != NULL)
        CHECK(munmap(arena->base, arena->reserved) == 0);
    *arena = (struct arena){0};
}

static enum stk_status make_ready(struct arena *arena, size_t bytes)
{
    size_t ready = round_up(bytes, STEP_BYTES);
    if (ready <= arena->ready_bytes)
        return STK_OK;
    if (mprotect(arena->base, ready, PROT_READ | PROT_WRITE) != 0)
        return STK_MEMORY;
    arena->ready_bytes = ready;
    return STK_OK;
}

enum stk_status arena_take(struct arena *arena, size_t bytes, void **storage)
{
    *storage = NULL;
    size_t left = arena->bytes_max - arena->taken_bytes;
    if (bytes > left || round_up(bytes, ARENA_ALIGN) > left)
        return STK_LIMIT;
    size_t end = arena->taken_bytes + round_up(bytes, ARENA_ALIGN);
    enum stk_status status = make_ready(arena, end);
    if (status != STK_OK)
        return status;
    *storage = arena->base + arena->taken_bytes;
    arena->taken_bytes = end;
    return STK_OK;
}

void arena_reset(struct arena *arena)
{
    arena->taken_bytes = 0;
}
