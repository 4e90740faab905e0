/*
 * Arena: pieces are apart, aligned and bounded, and the pages of one round serve the next.
 */
#include "daemon/image/arena.h"

#include <string.h>

#include "tests/suite.h"

enum { LIMIT = 3 << 20 };

static struct arena open_arena(size_t bytes_max)
{
    struct arena arena;
    ck_assert_int_eq(arena_init(&arena, bytes_max), STK_OK);
    return arena;
}

static uint8_t *take(struct arena *arena, size_t bytes)
{
    void *storage;
    ck_assert_int_eq(arena_take(arena, bytes, &storage), STK_OK);
    return storage;
}

START_TEST(pieces_are_aligned_and_apart)
{
    struct arena arena = open_arena(LIMIT);
    const uint8_t *end = NULL;
    for (size_t bytes = 0; bytes < 300; bytes++) {
        uint8_t *piece = take(&arena, bytes);
        ck_assert_uint_eq((uintptr_t)piece % ARENA_ALIGN, 0);
        ck_assert(end == NULL || piece >= end);
        memset(piece, 0xa5, bytes);
        end = piece + bytes;
    }
    arena_release(&arena);
}
END_TEST

START_TEST(the_limit_is_exact)
{
    struct arena arena = open_arena(LIMIT);
    void *storage = &arena;
    take(&arena, LIMIT - 2 * ARENA_ALIGN);
    ck_assert_int_eq(arena_take(&arena, 2 * ARENA_ALIGN + 1, &storage), STK_LIMIT);
    ck_assert_ptr_null(storage);
    ck_assert_int_eq(arena_take(&arena, SIZE_MAX, &storage), STK_LIMIT);
    memset(take(&arena, 2 * ARENA_ALIGN), 1, 2 * ARENA_ALIGN);
    ck_assert_int_eq(arena_take(&arena, 1, &storage), STK_LIMIT);
    arena_release(&arena);
}
END_TEST

/* What fits is the same in every round, whatever was taken in the rounds before. */
START_TEST(a_reset_gives_all_back)
{
    struct arena arena = open_arena(LIMIT);
    uint8_t *first = take(&arena, 1000);
    take(&arena, LIMIT - 1024);
    for (size_t piece = 100; piece < LIMIT; piece *= 3) {
        arena_reset(&arena);
        size_t pieces = LIMIT / ((piece + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN);
        ck_assert_ptr_eq(take(&arena, piece), first);
        for (size_t i = 1; i < pieces; i++)
            memset(take(&arena, piece), 1, piece);
        void *storage;
        ck_assert_int_eq(arena_take(&arena, piece, &storage), STK_LIMIT);
    }
    arena_release(&arena);
}
END_TEST

START_TEST(releasing_nothing_is_fine)
{
    struct arena arena = {0};
    arena_release(&arena);
    arena = open_arena(1);
    arena_release(&arena);
    arena_release(&arena);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("arena");
    tcase_add_test(tests, pieces_are_aligned_and_apart);
    tcase_add_test(tests, the_limit_is_exact);
    tcase_add_test(tests, a_reset_gives_all_back);
    tcase_add_test(tests, releasing_nothing_is_fine);
    return suite_run("arena", tests);
}
