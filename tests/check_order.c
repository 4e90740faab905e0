/*
 * The order of a rank's addresses: together the ranks take each step once, alone each takes as many
 * as the others.
 */
#include "client/order.h"

#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

enum { STEPS_MAX = 64 };

/* Of the order that was made last. */
static struct stk_stream_info info;

static enum stk_status init(struct stk_order *order, uint64_t steps, enum stk_last last,
                            uint32_t rank, uint32_t world, struct stk_address start,
                            uint32_t epochs)
{
    info = (struct stk_stream_info){.steps = steps, .last = last};
    return stk_order_init(order, &info, rank, world, start, epochs);
}

static struct stk_order order_at(uint64_t steps, enum stk_last last, uint32_t rank, uint32_t world,
                                 uint64_t step, uint32_t epochs)
{
    struct stk_order order;
    ck_assert_int_eq(init(&order, steps, last, rank, world, (struct stk_address){0, step}, epochs),
                     STK_OK);
    return order;
}

/* Count how often every step of epoch 0 is taken by the ranks of a world from a step on. */
static void count_takes(uint64_t steps, enum stk_last last, uint32_t world, uint64_t step,
                        uint64_t rounds_max, unsigned takes[STEPS_MAX])
{
    for (uint32_t rank = 0; rank < world; rank++) {
        struct stk_order order = order_at(steps, last, rank, world, step, 1);
        struct stk_address address;
        for (uint64_t i = 0; i < rounds_max && stk_order_next(&order, &address); i++) {
            ck_assert_uint_eq(address.epoch, 0);
            ck_assert_uint_lt(address.step, steps);
            ck_assert_uint_eq((address.step - step) % world, rank);
            takes[address.step]++;
        }
    }
}

START_TEST(with_partial_the_ranks_take_each_step_once)
{
    for (uint64_t steps = 1; steps <= 24; steps++) {
        for (uint32_t world = 1; world <= 9; world++) {
            unsigned takes[STEPS_MAX] = {0};
            count_takes(steps, STK_LAST_PARTIAL, world, 0, UINT64_MAX, takes);
            for (uint64_t step = 0; step < steps; step++)
                ck_assert_uint_eq(takes[step], 1);
        }
    }
}
END_TEST

START_TEST(with_drop_every_rank_takes_as_many_and_none_twice)
{
    for (uint64_t steps = 1; steps <= 24; steps++) {
        for (uint32_t world = 1; world <= 9 && world <= steps; world++) {
            unsigned takes[STEPS_MAX] = {0};
            count_takes(steps, STK_LAST_DROP, world, 0, UINT64_MAX, takes);
            for (uint64_t step = 0; step < steps; step++)
                ck_assert_uint_eq(takes[step], step < steps / world * world);
            struct stk_order order = order_at(steps, STK_LAST_WRAP, world - 1, world, 0, 1);
            ck_assert_uint_eq(stk_order_count(&order, (struct stk_address){0, 0}), steps / world);
        }
    }
}
END_TEST

/* Steps behind the end are there too: they are the same for all, and have no sample that counts. */
START_TEST(with_mask_every_rank_takes_as_many_and_every_step_goes_to_one)
{
    for (uint64_t steps = 1; steps <= 24; steps++) {
        for (uint32_t world = 1; world <= 9; world++) {
            for (uint64_t base = 0; base < steps; base++) {
                unsigned takes[STEPS_MAX] = {0};
                uint64_t count = (steps - base + world - 1) / world;
                for (uint32_t rank = 0; rank < world; rank++) {
                    struct stk_order order = order_at(steps, STK_LAST_MASK, rank, world, base, 1);
                    struct stk_address address;
                    for (uint64_t i = 0; i < count; i++) {
                        ck_assert(stk_order_next(&order, &address));
                        takes[address.step]++;
                        ck_assert_uint_eq(stk_order_after(&order, address).step,
                                          i + 1 < count ? base + (i + 1) * world : steps);
                    }
                    ck_assert(!stk_order_next(&order, &address));
                }
                for (uint64_t step = 0; step < base + count * world; step++)
                    ck_assert_uint_eq(takes[step], step >= base);
            }
        }
    }
}
END_TEST

START_TEST(another_world_in_mid_epoch_goes_on_at_the_same_step)
{
    unsigned takes[STEPS_MAX] = {0};
    count_takes(24, STK_LAST_PARTIAL, 4, 0, 2, takes);           /* 0 .. 7 */
    count_takes(24, STK_LAST_PARTIAL, 3, 8, 1, takes);           /* 8 .. 10 */
    count_takes(24, STK_LAST_PARTIAL, 5, 11, UINT64_MAX, takes); /* 11 .. 23 */
    for (uint64_t step = 0; step < 24; step++)
        ck_assert_uint_eq(takes[step], 1);
}
END_TEST

START_TEST(the_place_after_a_batch_is_the_same_for_all_ranks_of_a_round)
{
    for (uint32_t rank = 0; rank < 4; rank++) {
        struct stk_order order = order_at(24, STK_LAST_DROP, rank, 4, 3, 1);
        for (uint64_t round = 1; round <= 5; round++) {
            struct stk_address address;
            ck_assert(stk_order_next(&order, &address));
            ck_assert_uint_eq(stk_order_after(&order, address).step, 3 + 4 * round);
        }
    }
    struct stk_order order = order_at(10, STK_LAST_PARTIAL, 0, 4, 0, 1);
    const struct stk_address last = {0, 8};
    ck_assert_uint_eq(stk_order_after(&order, last).step, 10);
}
END_TEST

START_TEST(an_epoch_that_starts_in_the_middle_is_followed_by_whole_ones)
{
    struct stk_order order = order_at(7, STK_LAST_DROP, 1, 2, 3, 3);
    char taken[128] = "";
    struct stk_address address;
    while (stk_order_next(&order, &address))
        snprintf(taken + strlen(taken), sizeof taken - strlen(taken), "%u:%u ", address.epoch,
                 (unsigned)address.step);
    ck_assert_str_eq(taken, "0:4 0:6 1:1 1:3 1:5 2:1 2:3 2:5 ");
    ck_assert(!stk_order_next(&order, &address));
}
END_TEST

START_TEST(a_remainder_without_a_step_for_everybody_is_left_out)
{
    struct stk_order order = order_at(10, STK_LAST_DROP, 0, 4, 8, 2);
    struct stk_address address;
    ck_assert(stk_order_next(&order, &address));
    ck_assert_uint_eq(address.epoch, 1);
    ck_assert_uint_eq(address.step, 0);
}
END_TEST

START_TEST(the_end_of_an_epoch_is_a_place_and_what_lies_behind_is_none)
{
    struct stk_order order = order_at(10, STK_LAST_DROP, 0, 1, 10, 0);
    struct stk_address address;
    ck_assert(stk_order_next(&order, &address));
    ck_assert_uint_eq(address.epoch, 1);
    const struct stk_address behind = {0, 11};
    struct stk_order before = order;
    ck_assert_int_eq(stk_order_seek(&order, behind), STK_RANGE);
    ck_assert_mem_eq(&order, &before, sizeof order);
    ck_assert_int_eq(init(&order, 10, STK_LAST_DROP, 0, 1, behind, 1), STK_RANGE);
}
END_TEST

START_TEST(fewer_steps_than_ranks_is_refused_where_a_rank_would_search_for_ever)
{
    const struct stk_address start = {0, 0};
    struct stk_order order;
    ck_assert_int_eq(init(&order, 3, STK_LAST_DROP, 0, 4, start, 1), STK_RANGE);
    ck_assert_int_eq(init(&order, 3, STK_LAST_WRAP, 0, 4, start, 0), STK_RANGE);
    ck_assert_int_eq(init(&order, 3, STK_LAST_PARTIAL, 3, 4, start, 0), STK_RANGE);
    ck_assert_int_eq(init(&order, 0, STK_LAST_DROP, 0, 1, start, 1), STK_RANGE);
    /* An evaluation of few steps: the last rank has nothing to do, at once. */
    ck_assert_int_eq(init(&order, 3, STK_LAST_PARTIAL, 3, 4, start, UINT32_MAX), STK_OK);
    struct stk_address address;
    ck_assert(!stk_order_next(&order, &address));
}
END_TEST

START_TEST(the_last_epoch_that_a_number_can_name_is_the_end)
{
    struct stk_order order;
    const struct stk_address start = {UINT32_MAX, 0};
    ck_assert_int_eq(init(&order, 2, STK_LAST_DROP, 0, 1, start, 0), STK_OK);
    struct stk_address address;
    ck_assert(stk_order_next(&order, &address));
    ck_assert(stk_order_next(&order, &address));
    ck_assert_uint_eq(address.epoch, UINT32_MAX);
    ck_assert(!stk_order_next(&order, &address));
}
END_TEST

/* 7 steps an epoch, from epoch 2 on 3, from epoch 3 on 10. */
static struct stk_stream_info phased(enum stk_last last)
{
    return (struct stk_stream_info){
        .steps = 7,
        .last = last,
        .phase_count = 2,
        .phases = {{.epoch = 2, .steps = 3}, {.epoch = 3, .steps = 10}}};
}

START_TEST(epochs_have_the_steps_of_their_phase)
{
    struct stk_stream_info stream = phased(STK_LAST_DROP);
    struct stk_order order;
    ck_assert_int_eq(stk_order_init(&order, &stream, 1, 3, (struct stk_address){0, 0}, 4), STK_OK);
    char taken[128] = "";
    struct stk_address address;
    while (stk_order_next(&order, &address))
        snprintf(taken + strlen(taken), sizeof taken - strlen(taken), "%u:%u ", address.epoch,
                 (unsigned)address.step);
    ck_assert_str_eq(taken, "0:1 0:4 1:1 1:4 2:1 3:1 3:4 3:7 ");
}
END_TEST

/* A checkpoint's place is right in every phase: going on from it takes what is left. */
START_TEST(a_place_in_any_phase_is_gone_on_from_with_any_world)
{
    static const uint64_t steps[] = {7, 7, 3, 10, 10};
    struct stk_stream_info stream = phased(STK_LAST_PARTIAL);
    for (uint32_t world = 1; world <= 5; world++) {
        for (uint32_t epoch = 0; epoch < 5; epoch++) {
            for (uint32_t later = 1; later <= 5; later++) {
                unsigned takes[STEPS_MAX] = {0};
                struct stk_address place = {epoch, 0};
                for (uint32_t rank = 0; rank < world; rank++) {
                    struct stk_order order;
                    ck_assert_int_eq(stk_order_init(&order, &stream, rank, world, place, 1),
                                     STK_OK);
                    struct stk_address address;
                    if (!stk_order_next(&order, &address))
                        continue; /* fewer steps than ranks */
                    takes[address.step]++;
                    ck_assert_uint_eq(stk_order_after(&order, address).step,
                                      world < steps[epoch] ? world : steps[epoch]);
                }
                place.step = world < steps[epoch] ? world : steps[epoch];
                for (uint32_t rank = 0; rank < later; rank++) {
                    struct stk_order order;
                    ck_assert_int_eq(stk_order_init(&order, &stream, rank, later, place, 1),
                                     STK_OK);
                    struct stk_address address;
                    while (stk_order_next(&order, &address))
                        takes[address.step]++;
                }
                for (uint64_t step = 0; step < STEPS_MAX; step++)
                    ck_assert_uint_eq(takes[step], step < steps[epoch]);
            }
        }
    }
}
END_TEST

START_TEST(a_place_is_held_to_the_steps_of_its_own_epoch)
{
    struct stk_stream_info stream = phased(STK_LAST_DROP);
    struct stk_order order;
    ck_assert_int_eq(stk_order_init(&order, &stream, 0, 1, (struct stk_address){0, 8}, 0),
                     STK_RANGE);
    ck_assert_int_eq(stk_order_init(&order, &stream, 0, 1, (struct stk_address){3, 8}, 0), STK_OK);
    ck_assert_int_eq(stk_order_seek(&order, (struct stk_address){2, 4}), STK_RANGE);
    ck_assert_int_eq(stk_order_seek(&order, (struct stk_address){2, 3}), STK_OK);
    struct stk_address address;
    ck_assert(stk_order_next(&order, &address));
    ck_assert_uint_eq(address.epoch, 3);
    ck_assert_uint_eq(address.step, 0);
}
END_TEST

START_TEST(a_phase_without_a_step_for_everybody_is_refused_where_it_is_reached)
{
    struct stk_stream_info stream = phased(STK_LAST_DROP);
    struct stk_order order;
    const struct stk_address start = {0, 0}, behind = {3, 0};
    ck_assert_int_eq(stk_order_init(&order, &stream, 0, 5, start, 0), STK_RANGE);
    ck_assert_int_eq(stk_order_init(&order, &stream, 0, 5, start, 3), STK_RANGE);
    ck_assert_int_eq(stk_order_init(&order, &stream, 0, 5, start, 2), STK_OK);
    ck_assert_int_eq(stk_order_init(&order, &stream, 0, 5, behind, 0), STK_OK);
    /* Reached by a seek all the same, it is passed over. */
    struct stk_address address;
    ck_assert_int_eq(stk_order_seek(&order, (struct stk_address){2, 0}), STK_OK);
    ck_assert(stk_order_next(&order, &address));
    ck_assert_uint_eq(address.epoch, 3);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("order");
    tcase_add_test(tests, with_partial_the_ranks_take_each_step_once);
    tcase_add_test(tests, with_drop_every_rank_takes_as_many_and_none_twice);
    tcase_add_test(tests, with_mask_every_rank_takes_as_many_and_every_step_goes_to_one);
    tcase_add_test(tests, epochs_have_the_steps_of_their_phase);
    tcase_add_test(tests, a_place_in_any_phase_is_gone_on_from_with_any_world);
    tcase_add_test(tests, a_place_is_held_to_the_steps_of_its_own_epoch);
    tcase_add_test(tests, a_phase_without_a_step_for_everybody_is_refused_where_it_is_reached);
    tcase_add_test(tests, another_world_in_mid_epoch_goes_on_at_the_same_step);
    tcase_add_test(tests, the_place_after_a_batch_is_the_same_for_all_ranks_of_a_round);
    tcase_add_test(tests, an_epoch_that_starts_in_the_middle_is_followed_by_whole_ones);
    tcase_add_test(tests, a_remainder_without_a_step_for_everybody_is_left_out);
    tcase_add_test(tests, the_end_of_an_epoch_is_a_place_and_what_lies_behind_is_none);
    tcase_add_test(tests, fewer_steps_than_ranks_is_refused_where_a_rank_would_search_for_ever);
    tcase_add_test(tests, the_last_epoch_that_a_number_can_name_is_the_end);
    return suite_run("order", tests);
}
