/*
 * The verdict: the law of verdict.h on spans that were made up.
 */
#include "daemon/base/verdict.h"

#include "tests/suite.h"

#define S ((uint64_t)1000000000)

/* Ten seconds of one trainer with a window of 8, and 2 workers that sleep. */
static struct verdict_span span_of(uint64_t asked, uint64_t sent, uint64_t held)
{
    return (struct verdict_span){.span_ns = 10 * S,
                                 .images = 5000,
                                 .asked_ns = asked * 10 * S,
                                 .sent_ns = sent * 10 * S,
                                 .held_ns = held * 10 * S,
                                 .trainer_ns = 10 * S,
                                 .sending_ns = sent > 0 ? 9 * S : S,
                                 .ready_ns = held > 0 ? 9 * S : S,
                                 .readers = 8,
                                 .workers = 2};
}

static enum verdict_limit limit_of(struct verdict_span span)
{
    return verdict_of(&span).limit;
}

START_TEST(where_nobody_asks_it_is_idle)
{
    struct verdict_span span = span_of(0, 0, 8);
    span.images = 0;
    struct verdict verdict = verdict_of(&span);
    ck_assert_int_eq(verdict.limit, VERDICT_IDLE);
    ck_assert_uint_eq(verdict.images_per_second, 0);
    span = (struct verdict_span){0};
    ck_assert_int_eq(limit_of(span), VERDICT_IDLE);
    ck_assert_str_eq(verdict_word(VERDICT_IDLE), "idle");
}
END_TEST

START_TEST(where_batches_lie_ready_it_is_the_trainer)
{
    struct verdict_span span = span_of(1, 1, 6);
    struct verdict verdict = verdict_of(&span);
    ck_assert_int_eq(verdict.limit, VERDICT_TRAINER);
    ck_assert_uint_eq(verdict.share_permille, 750);
    ck_assert_uint_eq(verdict.trainer_permille, 900);
    ck_assert_uint_eq(verdict.images_per_second, 500);
    ck_assert_uint_eq(verdict.images_per_second_more_cores, 500);
}
END_TEST

/* The workers are busy, with another stream's pictures. */
START_TEST(a_slow_trainer_is_told_beside_a_stream_that_takes_all_cores)
{
    struct verdict_span span = span_of(1, 0, 7);
    span.work_ns = 20 * S;
    ck_assert_int_eq(limit_of(span), VERDICT_TRAINER);
}
END_TEST

START_TEST(where_batches_are_on_their_way_it_is_the_network)
{
    struct verdict_span span = span_of(2, 5, 1);
    span.work_ns = 4 * S;
    struct verdict verdict = verdict_of(&span);
    ck_assert_int_eq(verdict.limit, VERDICT_NETWORK);
    ck_assert_uint_eq(verdict.share_permille, 625);
    ck_assert_uint_eq(verdict.images_per_second_more_cores, 500);
}
END_TEST

/* The rest is asked for and cannot be begun. */
START_TEST(batches_on_their_way_that_hold_all_memory_are_the_networks)
{
    struct verdict_span span = span_of(6, 2, 0);
    span.sending_ns = 10 * S;
    span.work_ns = 4 * S;
    struct verdict verdict = verdict_of(&span);
    ck_assert_int_eq(verdict.limit, VERDICT_NETWORK);
    ck_assert_uint_eq(verdict.share_permille, 750);
}
END_TEST

START_TEST(where_batches_are_unmade_it_is_what_is_busier)
{
    struct verdict_span span = span_of(8, 0, 0);
    span.work_ns = 19 * S;
    span.read_ns = 10 * S;
    ck_assert_int_eq(limit_of(span), VERDICT_DECODE);
    span.work_ns = 5 * S;
    span.read_ns = 79 * S;
    struct verdict verdict = verdict_of(&span);
    ck_assert_int_eq(verdict.limit, VERDICT_DISK);
    ck_assert_uint_eq(verdict.disk_permille, 988);
    ck_assert_uint_eq(verdict.decode_permille, 250);
    ck_assert_uint_eq(verdict.images_per_second_more_cores, verdict.images_per_second);
}
END_TEST

START_TEST(two_more_cores_double_the_rate_of_two_where_nothing_else_is_near)
{
    struct verdict_span span = span_of(8, 0, 0);
    span.work_ns = 20 * S;
    ck_assert_uint_eq(verdict_of(&span).images_per_second_more_cores, 1000);
    span.workers = 1;
    span.work_ns = 10 * S;
    ck_assert_uint_eq(verdict_of(&span).images_per_second_more_cores, 1500);
}
END_TEST

/* At 0.8 of what the disk, or the link, can do. */
START_TEST(the_next_limit_bounds_what_more_cores_give)
{
    struct verdict_span span = span_of(8, 0, 0);
    span.work_ns = 20 * S;
    span.read_ns = 64 * S;
    ck_assert_uint_eq(verdict_of(&span).images_per_second_more_cores, 625);
    span.read_ns = 0;
    span.sending_ns = 5 * S;
    ck_assert_uint_eq(verdict_of(&span).images_per_second_more_cores, 1000);
    span.sending_ns = 8 * S;
    ck_assert_uint_eq(verdict_of(&span).images_per_second_more_cores, 625);
}
END_TEST

/* A picture that takes longer than the span is counted in the span in which it ends. */
START_TEST(no_share_is_more_than_all)
{
    struct verdict_span span = span_of(8, 0, 0);
    span.work_ns = 500 * S;
    ck_assert_uint_eq(verdict_of(&span).decode_permille, 1000);
}
END_TEST

START_TEST(a_verdict_is_told_in_words)
{
    char sentence[VERDICT_SENTENCE_BYTES];
    struct verdict verdict = {.limit = VERDICT_IDLE};
    verdict_sentence(&verdict, sentence);
    ck_assert_str_eq(sentence, "idle, nobody asks for a batch");
    verdict = (struct verdict){.limit = VERDICT_DECODE,
                               .share_permille = 967,
                               .images_per_second = 812,
                               .images_per_second_more_cores = 1624};
    verdict_sentence(&verdict, sentence);
    ck_assert_str_eq(sentence, "limited by decode, where 97 % of its batches are; 812 images/s, "
                               "up to 1624 with 2 more cores");
    verdict.limit = VERDICT_TRAINER;
    verdict_sentence(&verdict, sentence);
    ck_assert_str_eq(sentence, "limited by trainer, where 97 % of its batches are; 812 images/s");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("verdict");
    tcase_add_test(tests, where_nobody_asks_it_is_idle);
    tcase_add_test(tests, where_batches_lie_ready_it_is_the_trainer);
    tcase_add_test(tests, a_slow_trainer_is_told_beside_a_stream_that_takes_all_cores);
    tcase_add_test(tests, where_batches_are_on_their_way_it_is_the_network);
    tcase_add_test(tests, batches_on_their_way_that_hold_all_memory_are_the_networks);
    tcase_add_test(tests, where_batches_are_unmade_it_is_what_is_busier);
    tcase_add_test(tests, two_more_cores_double_the_rate_of_two_where_nothing_else_is_near);
    tcase_add_test(tests, the_next_limit_bounds_what_more_cores_give);
    tcase_add_test(tests, no_share_is_more_than_all);
    tcase_add_test(tests, a_verdict_is_told_in_words);
    return suite_run("verdict", tests);
}
