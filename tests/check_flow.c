/*
 * Flow and track: what is asked for, on its way and ready, over time; rates; ten minutes of points.
 */
#include "daemon/flow.h"

#include "daemon/track.h"
#include "tests/suite.h"

#define S ((uint64_t)1000000000)

static struct flow flow;

static struct flow_sums recent(void)
{
    struct flow_sums sums;
    flow_recent(&flow, &sums);
    return sums;
}

START_TEST(each_batch_of_the_window_is_somewhere)
{
    flow_init(&flow, 0);
    flow_change(&flow, 4, 0, 0);
    flow_change(&flow, 2, 1, S); /* one was taken and lies ready */
    flow_change(&flow, 0, 1, 2 * S);
    flow_tick(&flow, 0, 3 * S);
    struct flow_sums sums = recent();
    ck_assert_uint_eq(sums.asked_ns, 4 * S + 2 * S);
    ck_assert_uint_eq(sums.sent_ns, 2 * S);
    ck_assert_uint_eq(sums.held_ns, S + 3 * S);
    ck_assert_uint_eq(sums.active_ns, 3 * S);
    ck_assert_uint_eq(sums.sending_ns, 2 * S);
    ck_assert_uint_eq(sums.ready_ns, 2 * S);
    ck_assert_uint_eq(sums.starved_ns, S);
}
END_TEST

START_TEST(who_asks_for_nothing_waits_for_nothing)
{
    flow_init(&flow, 0);
    flow_tick(&flow, 0, S);
    ck_assert_uint_eq(recent().active_ns, 0);
    ck_assert_uint_eq(recent().starved_ns, 0);
}
END_TEST

/* The next request may come before libzmq says that the batch has gone. */
START_TEST(a_trainer_that_asks_for_one_at_a_time_has_a_window_of_one)
{
    flow_init(&flow, 0);
    flow_change(&flow, 1, 0, 0);
    flow_change(&flow, 0, 1, S);
    flow_change(&flow, 1, 1, S);
    flow_change(&flow, 1, 0, S);
    flow_tick(&flow, 0, 2 * S);
    ck_assert_uint_eq(flow.window, 1);
    ck_assert_uint_eq(recent().starved_ns, 2 * S);
}
END_TEST

START_TEST(what_the_kernel_keeps_is_not_ready)
{
    flow_init(&flow, 0);
    flow_change(&flow, 4, 0, 0);
    flow_count(&flow, 64, 1000);
    flow_change(&flow, 0, 0, 0);
    flow_tick(&flow, 1000, S); /* a batch of four */
    ck_assert_uint_eq(recent().sent_ns, S);
    ck_assert_uint_eq(recent().held_ns, 3 * S);
    ck_assert_uint_eq(recent().sending_ns, S / 4);
    ck_assert_uint_eq(recent().ready_ns, S - S / 4);
    flow_tick(&flow, 9000, 2 * S); /* all, and more */
    ck_assert_uint_eq(recent().sent_ns, S + 4 * S);
    ck_assert_uint_eq(recent().ready_ns, S - S / 4);
    ck_assert_uint_eq(recent().starved_ns, S + S / 4);
}
END_TEST

START_TEST(what_is_long_ago_is_not_recent)
{
    flow_init(&flow, 0);
    flow_change(&flow, 1, 0, 0);
    flow_change(&flow, 0, 0, S);
    for (uint64_t i = 1; i <= FLOW_SPAN; i++)
        flow_tick(&flow, 0, i * S);
    struct flow_sums sums;
    ck_assert_uint_eq(flow_recent(&flow, &sums), (FLOW_SPAN - 1) * S);
    ck_assert_uint_eq(sums.asked_ns, 0);
    ck_assert_uint_eq(sums.held_ns, (FLOW_SPAN - 1) * S);
    ck_assert_uint_eq(flow.sums.asked_ns, S);
}
END_TEST

static struct track track;

static struct track_look look_at(uint64_t second, uint64_t images)
{
    return (struct track_look){.now_ns = second * S,
                               .counts = {.images = images, .bytes = 10 * images},
                               .flows = {.asked_ns = 10 * S, .active_ns = 10 * S},
                               .trainers = 3,
                               .readers = 1,
                               .workers = 1};
}

START_TEST(the_rate_is_that_of_ten_seconds)
{
    struct track_look look = look_at(0, 0);
    track_init(&track, &look);
    for (uint64_t i = 1; i <= 20; i++) {
        look = look_at(i, i <= 10 ? 100 * i : 1000);
        track_tick(&track, &look);
    }
    ck_assert_uint_eq(track.verdict.images_per_second, 0);
    look = look_at(21, 1500);
    track_tick(&track, &look);
    ck_assert_uint_eq(track.verdict.images_per_second, 50);
    ck_assert_int_eq(track.verdict.limit, VERDICT_DECODE);
}
END_TEST

START_TEST(the_points_of_ten_minutes_are_kept)
{
    enum { SECONDS = 1000 };
    static struct track_point points[TRACK_POINTS];
    struct track_look look = look_at(0, 0);
    track_init(&track, &look);
    ck_assert_uint_eq(track_points(&track, points), 0);
    for (uint64_t i = 1; i <= SECONDS; i++) {
        look = look_at(i, i * i);
        track_tick(&track, &look);
    }
    ck_assert_uint_eq(track_points(&track, points), TRACK_POINTS);
    for (uint32_t i = 0; i < TRACK_POINTS; i++) {
        uint64_t end = SECONDS - TRACK_POINT_TICKS * (TRACK_POINTS - 1 - i);
        uint64_t rate = (end * end - (end - 5) * (end - 5)) / 5;
        ck_assert_uint_eq(points[i].images_per_second, rate);
        ck_assert_uint_eq(points[i].bytes_per_second, 10 * rate);
        ck_assert_uint_eq(points[i].trainers, 3);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("flow");
    tcase_add_test(tests, each_batch_of_the_window_is_somewhere);
    tcase_add_test(tests, who_asks_for_nothing_waits_for_nothing);
    tcase_add_test(tests, a_trainer_that_asks_for_one_at_a_time_has_a_window_of_one);
    tcase_add_test(tests, what_the_kernel_keeps_is_not_ready);
    tcase_add_test(tests, what_is_long_ago_is_not_recent);
    tcase_add_test(tests, the_rate_is_that_of_ten_seconds);
    tcase_add_test(tests, the_points_of_ten_minutes_are_kept);
    return suite_run("flow", tests);
}
