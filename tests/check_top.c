/*
 * stoker top without a terminal: what it remembers, and what it shows of that in so many columns.
 */
#include "client/command/top_view.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

static const uint64_t second_ns = 1000000000;

static struct top_model model;
static struct top_page page;
static struct stk_stats stats;
static struct top_view view;

static void set(struct stk_figure_row *row, const char *name, uint64_t value)
{
    for (uint32_t i = 0; i < row->count; i++) {
        if (stk_text_is(row->figures[i].name, name)) {
            row->figures[i].value = value;
            return;
        }
    }
    row->figures[row->count++] = (struct stk_figure){stk_text_of(name), value};
}

static void set_daemon(const char *name, uint64_t value)
{
    stats.figures[stats.count++] = (struct stk_figure){stk_text_of(name), value};
}

static struct stk_figure_row *add_stream(const char *name, const char *limit)
{
    struct stk_figure_row *row = &stats.streams[stats.stream_count++];
    *row = (struct stk_figure_row){.stream = stk_text_of(name), .limit = stk_text_of(limit)};
    return row;
}

static struct stk_figure_row *add_trainer(const char *name, const char *stream, uint64_t rate,
                                          uint64_t ready_permille)
{
    struct stk_figure_row *row = &stats.trainers[stats.trainer_count++];
    *row = (struct stk_figure_row){.stream = stk_text_of(stream),
                                   .name = stk_text_of(name),
                                   .number = 3,
                                   .transport = stk_text_of("tcp")};
    set(row, "images_per_second", rate);
    set(row, "readiness_permille", ready_permille);
    set(row, "window_used", 5);
    set(row, "window_granted", 8);
    set(row, "epoch", 2);
    set(row, "step", 17);
    return row;
}

static void setup(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    memset(&model, 0, sizeof model);
    memset(&stats, 0, sizeof stats);
    view = (struct top_view){.endpoint = "tcp://a:7654", .trouble = "", .clock = "12:00:00"};
    stats.version = stk_text_of("0.1.0");
}

/* The page as text, in storage that the next call takes again. */
static const char *draw(uint32_t columns, bool utf8)
{
    static char *text;
    size_t len;
    free(text);
    FILE *out = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(out);
    top_page_begin(&page, columns, utf8);
    top_view_draw(&view, &model, &page);
    top_page_print(&page, out);
    fclose(out);
    return text;
}

static bool shows(const char *words)
{
    return strstr(draw(80, true), words) != NULL;
}

START_TEST(a_page_says_what_limits_a_stream_and_how_its_trainers_fare)
{
    set_daemon("uptime_ns", 90 * 60 * second_ns);
    set_daemon("workers", 2);
    set_daemon("slab_bytes_in_use", 64 << 20);
    set_daemon("memory_bytes_max", 512 << 20);
    set_daemon("batches_cached", 7);
    set_daemon("clients", 1);
    struct stk_figure_row *row = add_stream("train", "decode");
    set(row, "images_per_second", 812);
    set(row, "images_per_second_more_cores", 1624);
    set(row, "limit_permille", 970);
    set(row, "decode_busy_permille", 995);
    set(row, "images_replaced", 3);
    set(row, "samples_bad", 1);
    add_stream("valid", "idle");
    add_trainer("resnet", "train", 812, 40);
    top_model_look(&model, &stats, second_ns);
    ck_assert_str_eq(
        draw(80, true),
        "tcp://a:7654 stokerd 0.1.0 up 1 h 30 min at 12:00:00\n"
        "812 images/s, 2 workers\n"
        "64 of 512 MiB in batches, 7 of them in the cache, 1 trainer\n"
        "\n"
        "train: limited by decode, where 97 % of its batches are\n"
        "  812 images/s, up to 1624 with 2 more cores\n"
        "  █ 5 s\n"
        "  busy: disk 0 %, decode 100 %, network 0 %, trainers 0 %\n"
        "  3 slots replaced, 1 bad sample\n"
        "\n"
        "valid: idle, nobody asks for a batch\n"
        "\n"
        "TRAINER (by rate)      IMAGES/S  READY  WINDOW   EPOCH:STEP  STREAM          VIA\n"
        "resnet 3                    812    4 %     5/8         2:17  train           tcp\n");
    ck_assert_uint_eq(page.head, 3);
}
END_TEST

START_TEST(a_narrow_page_breaks_lines_and_does_without_columns)
{
    struct stk_figure_row *row = add_stream("train", "network");
    set(row, "images_per_second", 100);
    set(row, "limit_permille", 800);
    add_trainer("a trainer with quite a name", "train", 100, 1000);
    top_model_look(&model, &stats, second_ns);
    for (uint32_t columns = 1; columns <= 200; columns++) {
        draw(columns, true);
        for (uint32_t i = 0; i < page.count; i++)
            ck_assert_uint_le(page.rows[i].columns, columns);
    }
    const char *text = draw(40, true);
    ck_assert_ptr_nonnull(strstr(text, "train: limited by network, where 80 % of\n"
                                       "  its batches are\n"));
    ck_assert_ptr_nonnull(strstr(text, "TRAINER (by rate)        IMAGES/S  READY\n"
                                       "a trainer with quite a~       100  100 %\n"));
}
END_TEST

START_TEST(no_name_moves_the_cursor_or_a_column)
{
    add_stream("tr\x1b[2Jain\n", "dis\xc2\x9bk");
    add_trainer("e\xe2\x80\xaevil\x9b", "tr\x1b[2Jain\n", 1, 0);
    add_trainer("\xe4\xba\x8c\xe9\x87\x8d", "tr\x1b[2Jain\n", 0, 0); /* two columns each */
    top_model_look(&model, &stats, second_ns);
    const char *text = draw(80, true);
    for (const char *at = text; *at != '\0'; at++)
        ck_assert(*at == '\n' || (unsigned char)*at >= ' ');
    ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
    ck_assert_ptr_nonnull(strstr(text, "\ntr?[2Jain?: limited by dis??k, where"));
    ck_assert_ptr_nonnull(strstr(text, "\ne???vil? 3                    1    0 %"));
    ck_assert_ptr_nonnull(strstr(text, "\n\xe4\xba\x8c\xe9\x87\x8d 3                        0"));
    text = draw(80, false);
    for (const char *at = text; *at != '\0'; at++)
        ck_assert(*at == '\n' || (*at >= ' ' && *at <= '~'));
    ck_assert_ptr_nonnull(strstr(text, "\n?? 3                          0"));
}
END_TEST

static void is_sorted(enum top_sort sort, const char *first, const char *second, const char *third)
{
    view.sort = sort;
    const char *text = draw(80, true);
    const char *one = strstr(text, first), *two = strstr(text, second);
    const char *three = strstr(text, third);
    ck_assert(one != NULL && one < two && two < three);
}

START_TEST(trainers_are_sorted_by_what_is_asked_for)
{
    add_stream("train", "trainer");
    add_trainer("alice", "train", 10, 900);
    add_trainer("bob", "train", 30, 1000);
    add_trainer("carol", "train", 20, 100);
    top_model_look(&model, &stats, second_ns);
    is_sorted(TOP_SORT_RATE, "bob 3", "carol 3", "alice 3");
    is_sorted(TOP_SORT_READY, "carol 3", "alice 3", "bob 3");
    is_sorted(TOP_SORT_NAME, "alice 3", "bob 3", "carol 3");
}
END_TEST

START_TEST(one_stream_is_shown_alone_where_it_is_named)
{
    add_stream("train", "disk");
    add_stream("valid", "disk");
    add_trainer("alice", "train", 10, 900);
    add_trainer("bob", "valid", 30, 1000);
    top_model_look(&model, &stats, second_ns);
    view.stream = stk_text_of("valid");
    ck_assert(shows("valid: limited by disk") && shows("bob 3"));
    ck_assert(!shows("train: limited") && !shows("alice 3"));
    view.stream = stk_text_of("vali");
    ck_assert(shows("there is no stream vali\n") && !shows("bob 3"));
}
END_TEST

START_TEST(times_and_shares_are_those_of_the_last_seconds)
{
    struct stk_figure_row *row = add_stream("train", "decode");
    for (uint64_t s = 1; s <= 100; s++) {
        bool lately = s > 90;
        set(row, "images_decoded", s * 100);
        set(row, "decode_ns_total", lately ? 90000000 + (s - 90) * 200000000 : s * 1000000);
        set(row, "requests", s * 10);
        set(row, "cache_hits", lately ? 90 + (s - 90) * 5 : s);
        top_model_look(&model, &stats, s * second_ns);
    }
    ck_assert(shows("ms a picture: 0.00 read, 2.00 decode, 0.00 mix"));
    ck_assert(shows("50 % of requests from the cache"));
}
END_TEST

START_TEST(looks_that_follow_closely_do_not_shorten_the_span)
{
    struct stk_figure_row *row = add_stream("train", "decode");
    uint64_t span_ns;
    for (uint64_t i = 0; i <= 200; i++) {
        set(row, "requests", i);
        top_model_look(&model, &stats, second_ns + i * second_ns / 10);
    }
    const struct top_stream *stream = top_model_stream(&model, stk_text_of("train"));
    uint64_t grown = top_marks_grown(&stream->marks, TOP_REQUESTS, &span_ns);
    ck_assert_uint_ge(span_ns, (TOP_SPAN_S - 1) * second_ns);
    ck_assert_uint_le(span_ns, (TOP_SPAN_S + 1) * second_ns);
    ck_assert_uint_eq(grown, span_ns / (second_ns / 10));
}
END_TEST

START_TEST(a_daemon_that_was_started_again_counts_anew)
{
    struct stk_figure_row *row = add_stream("train", "decode");
    uint64_t span_ns;
    set(row, "requests", 1000);
    top_model_look(&model, &stats, second_ns);
    set(row, "requests", 10);
    top_model_look(&model, &stats, 2 * second_ns);
    const struct top_stream *stream = top_model_stream(&model, stk_text_of("train"));
    ck_assert_uint_eq(top_marks_grown(&stream->marks, TOP_REQUESTS, &span_ns), 0);
    ck_assert_uint_eq(span_ns, 0);
    set(row, "requests", 25);
    top_model_look(&model, &stats, 3 * second_ns);
    ck_assert_uint_eq(top_marks_grown(&stream->marks, TOP_REQUESTS, &span_ns), 15);
    ck_assert_uint_eq(stream->curve.count, 1);
}
END_TEST

START_TEST(a_curve_is_of_the_last_minutes_and_empty_where_nobody_looked)
{
    struct stk_figure_row *row = add_stream("train", "decode");
    for (uint64_t s = 0; s < 20; s++) {
        set(row, "images_per_second", s < 5 ? 0 : 700);
        top_model_look(&model, &stats, (1 + s) * second_ns);
    }
    set(row, "images_per_second", 350);
    top_model_look(&model, &stats, 31 * second_ns);
    ck_assert(shows("\n  ▁███  ▄ 35 s\n"));
    ck_assert_ptr_nonnull(strstr(draw(80, false), "\n  _###  = 35 s\n"));
    for (uint64_t s = 0; s < 1000; s++)
        top_model_look(&model, &stats, (32 + s) * second_ns);
    const struct top_stream *stream = top_model_stream(&model, stk_text_of("train"));
    ck_assert_uint_eq(stream->curve.count, TOP_POINTS);
    ck_assert(shows("█ 5 min\n"));
    top_model_look(&model, &stats, 100000 * second_ns);
    ck_assert_uint_eq(stream->curve.points[TOP_POINTS - 2], UINT32_MAX);
}
END_TEST

START_TEST(streams_that_are_gone_make_room_for_new_ones)
{
    char names[STK_STREAMS_MAX][8];
    for (int round = 0; round < 3; round++) {
        stats.stream_count = 0;
        for (int i = 0; i < STK_STREAMS_MAX; i++) {
            snprintf(names[i], sizeof names[i], "%d-%d", round, i);
            add_stream(names[i], "idle");
        }
        top_model_look(&model, &stats, (uint64_t)(round + 1) * second_ns);
        for (int i = 0; i < STK_STREAMS_MAX; i++)
            ck_assert_ptr_nonnull(top_model_stream(&model, stk_text_of(names[i])));
    }
    ck_assert_ptr_null(top_model_stream(&model, stk_text_of("1-0")));
}
END_TEST

START_TEST(the_longest_stats_fit_and_what_is_too_much_is_left_out)
{
    static char name[STK_NAME_BYTES_MAX + 1];
    memset(name, 'x', STK_NAME_BYTES_MAX);
    for (int i = 0; i < STK_STREAMS_MAX; i++)
        set(add_stream(name, name), "images_replaced", UINT64_MAX);
    for (int i = 0; i < STK_TRAINERS_MAX; i++)
        set(add_trainer(name, name, UINT64_MAX, UINT64_MAX), "step", UINT64_MAX);
    top_model_look(&model, &stats, second_ns);
    draw(1, true);
    ck_assert_uint_eq(page.count, TOP_ROWS_MAX);
    draw(TOP_COLUMNS_MAX, true);
    ck_assert_uint_le(page.count, TOP_ROWS_MAX);
}
END_TEST

START_TEST(trouble_a_pause_and_the_keys_are_told)
{
    stats.version = stk_text_of("");
    top_model_look(&model, &stats, second_ns);
    ck_assert(shows("this daemon tells of no stream") && !shows("paused") && !shows("stokerd"));
    view.trouble = "no answer";
    view.paused = true;
    ck_assert(shows("at 12:00:00 paused\nno answer\n"));
    ck_assert_uint_eq(page.head, 4);
    view.help = true;
    ck_assert(shows("q                  ") && !shows("tells of no stream"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("top");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, a_page_says_what_limits_a_stream_and_how_its_trainers_fare);
    tcase_add_test(tests, a_narrow_page_breaks_lines_and_does_without_columns);
    tcase_add_test(tests, no_name_moves_the_cursor_or_a_column);
    tcase_add_test(tests, trainers_are_sorted_by_what_is_asked_for);
    tcase_add_test(tests, one_stream_is_shown_alone_where_it_is_named);
    tcase_add_test(tests, times_and_shares_are_those_of_the_last_seconds);
    tcase_add_test(tests, looks_that_follow_closely_do_not_shorten_the_span);
    tcase_add_test(tests, a_daemon_that_was_started_again_counts_anew);
    tcase_add_test(tests, a_curve_is_of_the_last_minutes_and_empty_where_nobody_looked);
    tcase_add_test(tests, streams_that_are_gone_make_room_for_new_ones);
    tcase_add_test(tests, the_longest_stats_fit_and_what_is_too_much_is_left_out);
    tcase_add_test(tests, trouble_a_pause_and_the_keys_are_told);
    return suite_run("top", tests);
}
