/*
 * The law of spreading: who is asked, by pace, load, silence and idleness.
 */
#include "client/spread.h"

#include "client/stoker.h"
#include "tests/suite.h"

#define MS ((uint64_t)1000000)

static struct stk_candidate open_candidate(uint64_t cost_ns, uint32_t in_flight)
{
    return (struct stk_candidate){.open = true, .pace = {cost_ns, cost_ns}, .in_flight = in_flight};
}

static uint32_t pick(const struct stk_candidate *candidates, uint32_t count, uint64_t step)
{
    uint32_t picked = UINT32_MAX;
    ck_assert(stk_spread_pick(candidates, count, step, true, &picked));
    ck_assert_uint_lt(picked, count);
    ck_assert(candidates[picked].open);
    return picked;
}

START_TEST(among_equals_the_step_decides)
{
    struct stk_candidate candidates[3];
    for (int i = 0; i < 3; i++)
        candidates[i] = open_candidate(i == 1 ? 0 : 10 * MS, 0); /* unmeasured: as the others */
    for (uint64_t step = 0; step < 12; step++)
        ck_assert_uint_eq(pick(candidates, 3, step), step % 3);
    /* Nor do some in a hundred decide: two trainers measure differently. */
    candidates[1].pace.cost_ns = 13 * MS;
    for (uint64_t step = 0; step < 12; step++)
        ck_assert_uint_eq(pick(candidates, 3, step), step % 3);
}
END_TEST

START_TEST(the_answer_that_is_expected_first_is_asked_for)
{
    struct stk_candidate candidates[2] = {open_candidate(10 * MS, 4), open_candidate(10 * MS, 1)};
    ck_assert_uint_eq(pick(candidates, 2, 0), 1);
    candidates[1].pace.cost_ns = 60 * MS;
    ck_assert_uint_eq(pick(candidates, 2, 0), 0);
    ck_assert_uint_eq(pick(candidates, 2, 1), 0);
    candidates[0].open = false;
    ck_assert_uint_eq(pick(candidates, 2, 0), 1);
    candidates[1].open = false;
    uint32_t picked;
    ck_assert(!stk_spread_pick(candidates, 2, 0, true, &picked));
}
END_TEST

START_TEST(one_that_is_silent_is_not_asked_on)
{
    struct stk_candidate candidates[2] = {open_candidate(10 * MS, 1), open_candidate(10 * MS, 4)};
    candidates[0].oldest_ns = 200 * MS;
    ck_assert_uint_eq(pick(candidates, 2, 0), 1);
}
END_TEST

START_TEST(one_that_was_idle_for_a_second_is_asked_for_a_step_that_can_wait)
{
    struct stk_candidate candidates[2] = {open_candidate(1 * MS, 1), open_candidate(9000 * MS, 0)};
    candidates[1].idle_ns = STK_PROBE_MS * MS - 1;
    ck_assert_uint_eq(pick(candidates, 2, 0), 0);
    candidates[1].idle_ns = STK_PROBE_MS * MS;
    ck_assert_uint_eq(pick(candidates, 2, 0), 1);
    uint32_t picked;
    ck_assert(stk_spread_pick(candidates, 2, 0, false, &picked));
    ck_assert_uint_eq(picked, 0);
    candidates[1].open = false;
    ck_assert_uint_eq(pick(candidates, 2, 0), 0);
}
END_TEST

/* Endpoints that serve one request after another, each in its time, and a trainer that takes steps
 * in order: how many each has served when so many were taken. */
static void simulate(const uint64_t *each_ns, uint32_t count, uint64_t *served)
{
    enum { WINDOW = 16, STEPS = 2000 };
    struct stk_pace pace[STK_ENDPOINTS_MAX] = {{0}};
    uint64_t free_ns[STK_ENDPOINTS_MAX] = {0}; /* when an endpoint has served what it has */
    struct {
        uint32_t peer, beside;
        uint64_t asked_ns, done_ns;
        bool done;
    } ring[WINDOW];
    uint64_t now_ns = 0, head = 0, tail = 0;
    while (head < STEPS) {
        uint32_t in_flight[STK_ENDPOINTS_MAX] = {0};
        for (uint64_t i = head; i < tail; i++) {
            if (!ring[i % WINDOW].done && ring[i % WINDOW].done_ns <= now_ns) {
                uint32_t peer = ring[i % WINDOW].peer;
                ring[i % WINDOW].done = true;
                stk_pace_reply(&pace[peer], ring[i % WINDOW].done_ns - ring[i % WINDOW].asked_ns,
                               ring[i % WINDOW].beside, true);
                served[peer]++;
            }
            in_flight[ring[i % WINDOW].peer] += !ring[i % WINDOW].done;
        }
        while (head < tail && ring[head % WINDOW].done)
            head++;
        for (; tail < head + WINDOW; tail++) {
            struct stk_candidate candidates[STK_ENDPOINTS_MAX];
            for (uint32_t i = 0; i < count; i++)
                candidates[i] = (struct stk_candidate){
                    .open = true, .pace = pace[i], .in_flight = in_flight[i]};
            uint32_t peer = pick(candidates, count, tail);
            free_ns[peer] = (free_ns[peer] > now_ns ? free_ns[peer] : now_ns) + each_ns[peer];
            ring[tail % WINDOW].peer = peer;
            ring[tail % WINDOW].beside = ++in_flight[peer];
            ring[tail % WINDOW].asked_ns = now_ns;
            ring[tail % WINDOW].done_ns = free_ns[peer];
            ring[tail % WINDOW].done = false;
        }
        uint64_t next_ns = UINT64_MAX;
        for (uint64_t i = head; i < tail; i++) {
            if (!ring[i % WINDOW].done && ring[i % WINDOW].done_ns < next_ns)
                next_ns = ring[i % WINDOW].done_ns;
        }
        now_ns = next_ns;
    }
}

static const struct {
    uint32_t count;
    uint64_t each_ns[4];
} pools[] = {
    {2, {10 * MS, 10 * MS}},
    {2, {10 * MS, 20 * MS}},
    {2, {10 * MS, 50 * MS}},
    {3, {10 * MS, 20 * MS, 40 * MS}},
    {4, {10 * MS, 10 * MS, 10 * MS, 30 * MS}},
};

START_TEST(each_serves_as_much_as_it_is_fast)
{
    uint64_t served[STK_ENDPOINTS_MAX] = {0};
    double speed = 0, all = 0;
    simulate(pools[_i].each_ns, pools[_i].count, served);
    for (uint32_t i = 0; i < pools[_i].count; i++) {
        speed += 1.0 / (double)pools[_i].each_ns[i];
        all += (double)served[i];
    }
    for (uint32_t i = 0; i < pools[_i].count; i++) {
        double fair = 1.0 / (double)pools[_i].each_ns[i] / speed;
        double share = (double)served[i] / all;
        ck_assert_msg(share > 0.7 * fair && share < 1.4 * fair,
                      "endpoint %u: %.3f of the steps, its part of the speed is %.3f", i, share,
                      fair);
    }
}
END_TEST

START_TEST(what_gets_faster_is_believed_sooner_than_what_gets_slower)
{
    struct stk_pace pace = {0};
    stk_pace_reply(&pace, 100 * MS, 4, true);
    ck_assert_uint_eq(pace.reply_ns, 100 * MS);
    ck_assert_uint_eq(pace.cost_ns, 25 * MS);
    stk_pace_reply(&pace, 200 * MS, 1, false); /* it may have taken less */
    ck_assert_uint_eq(pace.reply_ns, 100 * MS);
    ck_assert_uint_eq(pace.cost_ns, 25 * MS);
    stk_pace_reply(&pace, 200 * MS, 2, true);
    ck_assert_uint_eq(pace.reply_ns, 125 * MS);
    stk_pace_reply(&pace, 25 * MS, 1, false);
    ck_assert_uint_eq(pace.reply_ns, 75 * MS);
    stk_pace_give_up(&pace, 1000 * MS, 2);
    ck_assert_uint_eq(pace.reply_ns, 1000 * MS);
    ck_assert_uint_eq(pace.cost_ns, 500 * MS);
    stk_pace_give_up(&pace, 10 * MS, 1);
    ck_assert_uint_eq(pace.cost_ns, 500 * MS);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("spread");
    tcase_add_test(tests, among_equals_the_step_decides);
    tcase_add_test(tests, the_answer_that_is_expected_first_is_asked_for);
    tcase_add_test(tests, one_that_is_silent_is_not_asked_on);
    tcase_add_test(tests, one_that_was_idle_for_a_second_is_asked_for_a_step_that_can_wait);
    tcase_add_loop_test(tests, each_serves_as_much_as_it_is_fast, 0, sizeof pools / sizeof *pools);
    tcase_add_test(tests, what_gets_faster_is_believed_sooner_than_what_gets_slower);
    return suite_run("spread", tests);
}
