/*
 * The view: see top_view.h.
 */
#include "client/command/top_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command/figures.h"

enum {
    NAME_COLUMNS_MIN = 16,
    NAME_COLUMNS_MAX = 48,
    NUMBER_BYTES = 16,
};

const char *top_sort_word(enum top_sort sort)
{
#define SORT_WORD(name, word) word,
    static const char *const words[TOP_SORT_COUNT] = {TOP_SORT_LIST(SORT_WORD)};
    return words[sort];
}

/* The daemon. */

static void say_uptime(struct top_page *page, uint64_t ns)
{
    uint64_t minutes = ns / 60000000000u;
    if (minutes < 60)
        top_page_say(page, TOP_PLAIN, "up %" PRIu64 " min", minutes);
    else if (minutes < 48 * 60)
        top_page_say(page, TOP_PLAIN, "up %" PRIu64 " h %02" PRIu64 " min", minutes / 60,
                     minutes % 60);
    else
        top_page_say(page, TOP_PLAIN, "up %" PRIu64 " days %" PRIu64 " h", minutes / 1440,
                     minutes / 60 % 24);
}

static void draw_title(const struct top_view *view, const struct top_model *model,
                       struct top_page *page)
{
    const struct stk_stats *stats = model->stats;
    top_page_row(page, 0, 2);
    top_page_text(page, TOP_STRONG, stk_text_of(view->endpoint));
    if (stats->version.len > 0) {
        top_page_say(page, TOP_PLAIN, "stokerd");
        top_page_text(page, TOP_PLAIN, stats->version);
    }
    say_uptime(page, figures_daemon_value(stats, "uptime_ns"));
    top_page_say(page, TOP_WEAK, "at %s", view->clock);
    if (view->paused)
        top_page_say(page, TOP_HEAD, "paused");
    if (view->trouble[0] != '\0') {
        top_page_row(page, 0, 2);
        top_page_text(page, TOP_BAD, stk_text_of(view->trouble));
    }
}

static uint64_t rate_of(const struct stk_stats *stats)
{
    uint64_t rate = 0;
    for (uint32_t i = 0; i < stats->stream_count; i++)
        rate += figures_value(&stats->streams[i], "images_per_second");
    return rate;
}

static void draw_work(const struct top_model *model, struct top_page *page)
{
    uint64_t span_ns;
    const struct stk_stats *stats = model->stats;
    uint64_t bytes = top_marks_grown(&model->marks, TOP_DAEMON_BYTES, &span_ns);
    uint64_t work_ns = top_marks_grown(&model->marks, TOP_DAEMON_WORK_NS, &span_ns);
    uint64_t workers = figures_daemon_value(stats, "workers");
    double span_s = (double)span_ns / 1e9;
    top_page_row(page, 0, 2);
    top_page_say(page, TOP_STRONG, "%" PRIu64 " images/s,", rate_of(stats));
    if (span_ns > 0)
        top_page_say(page, TOP_PLAIN, "%.1f MiB/s,", (double)bytes / (1 << 20) / span_s);
    top_page_say(page, TOP_PLAIN, "%" PRIu64 " worker%s", workers, workers == 1 ? "" : "s");
    if (span_ns > 0 && workers > 0)
        top_page_say(page, TOP_PLAIN, "%.0f %% busy",
                     100.0 * (double)work_ns / 1e9 / (span_s * (double)workers));
}

static void draw_memory(const struct top_model *model, struct top_page *page)
{
    const struct stk_stats *stats = model->stats;
    top_page_row(page, 0, 2);
    top_page_say(page, TOP_PLAIN, "%" PRIu64 " of %" PRIu64 " MiB in batches,",
                 figures_daemon_value(stats, "slab_bytes_in_use") >> 20,
                 figures_daemon_value(stats, "memory_bytes_max") >> 20);
    top_page_say(page, TOP_PLAIN, "%" PRIu64 " of them in the cache,",
                 figures_daemon_value(stats, "batches_cached"));
    uint64_t clients = figures_daemon_value(stats, "clients");
    top_page_say(page, TOP_PLAIN, "%" PRIu64 " trainer%s", clients, clients == 1 ? "" : "s");
}

/* The streams. */

static bool is_shown(const struct top_view *view, struct stk_text stream)
{
    return view->stream.len == 0 || (view->stream.len == stream.len &&
                                     memcmp(view->stream.data, stream.data, stream.len) == 0);
}

/* What a trainer waits for is slow; one that computes is what is wanted. */
static enum top_style style_of(const struct stk_figure_row *row)
{
    if (figures_idle(row))
        return TOP_WEAK;
    return stk_text_is(row->limit, "trainer") ? TOP_GOOD : TOP_SLOW;
}

static void draw_verdict(const struct stk_figure_row *row, struct top_page *page)
{
    char words[FIGURES_WORDS_BYTES];
    top_page_row(page, 0, 0);
    top_page_row(page, 0, 2);
    snprintf(words, sizeof words, "%.*s:", (int)row->stream.len, row->stream.data);
    top_page_text(page, TOP_STRONG, stk_text_of(words));
    figures_limit_words(row, words);
    top_page_text(page, style_of(row), stk_text_of(words));
}

static void draw_rate(const struct stk_figure_row *row, const struct top_stream *stream,
                      struct top_page *page)
{
    char words[FIGURES_WORDS_BYTES];
    const struct top_curve *curve = &stream->curve;
    uint32_t room = page->columns > 10 ? page->columns - 10 : 0;
    uint32_t shown = curve->count < room ? curve->count : room;
    figures_rate_words(row, words);
    top_page_row(page, 2, 2);
    top_page_say(page, TOP_PLAIN, "%s", words);
    top_page_row(page, 2, 2);
    top_page_curve(page, curve->points + curve->count - shown, shown);
    uint32_t seconds = shown * TOP_POINT_S;
    page->begun = true;
    if (seconds < 120)
        top_page_say(page, TOP_WEAK, "%" PRIu32 " s", seconds);
    else
        top_page_say(page, TOP_WEAK, "%" PRIu32 " min", seconds / 60);
}

/* What a picture costs at each stage, where some were decoded lately. */
static void draw_stages(const struct top_stream *stream, struct top_page *page)
{
    static const struct {
        unsigned counter;
        const char *word;
    } stages[] = {{TOP_READ_NS, "read,"}, {TOP_DECODE_NS, "decode,"}, {TOP_MIX_NS, "mix"}};
    uint64_t span_ns;
    uint64_t images = top_marks_grown(&stream->marks, TOP_DECODED, &span_ns);
    if (images == 0)
        return;
    top_page_row(page, 2, 2);
    top_page_say(page, TOP_PLAIN, "ms a picture:");
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        uint64_t ns = top_marks_grown(&stream->marks, stages[i].counter, &span_ns);
        top_page_say(page, TOP_PLAIN, "%.2f %s", (double)ns / 1e6 / (double)images, stages[i].word);
    }
}

static void draw_busy(const struct stk_figure_row *row, struct top_page *page)
{
    top_page_row(page, 2, 2);
    top_page_say(page, TOP_PLAIN, "busy: disk %" PRIu64 " %%, decode %" PRIu64 " %%,",
                 figures_percent(row, "disk_busy_permille"),
                 figures_percent(row, "decode_busy_permille"));
    top_page_say(page, TOP_PLAIN, "network %" PRIu64 " %%, trainers %" PRIu64 " %%",
                 figures_percent(row, "network_busy_permille"),
                 figures_percent(row, "trainer_busy_permille"));
}

static void draw_cache(const struct stk_figure_row *row, const struct top_stream *stream,
                       struct top_page *page)
{
    uint64_t span_ns;
    uint64_t requests = top_marks_grown(&stream->marks, TOP_REQUESTS, &span_ns);
    uint64_t hits = top_marks_grown(&stream->marks, TOP_HITS, &span_ns);
    uint64_t replaced = figures_value(row, "images_replaced");
    uint64_t bad = figures_value(row, "samples_bad");
    if (requests == 0 && replaced == 0)
        return;
    top_page_row(page, 2, 2);
    if (requests > 0)
        top_page_say(page, TOP_PLAIN, "%.0f %% of requests from the cache%s",
                     100.0 * (double)hits / (double)requests, replaced > 0 ? ";" : "");
    if (replaced > 0)
        top_page_say(page, TOP_BAD, "%" PRIu64 " slot%s replaced, %" PRIu64 " bad sample%s",
                     replaced, replaced == 1 ? "" : "s", bad, bad == 1 ? "" : "s");
}

static void draw_streams(const struct top_view *view, const struct top_model *model,
                         struct top_page *page)
{
    bool any = false;
    for (uint32_t i = 0; i < model->stats->stream_count; i++) {
        const struct stk_figure_row *row = &model->stats->streams[i];
        const struct top_stream *stream = top_model_stream(model, row->stream);
        if (!is_shown(view, row->stream))
            continue;
        any = true;
        draw_verdict(row, page);
        if (stream == NULL || figures_idle(row))
            continue;
        draw_rate(row, stream, page);
        draw_busy(row, page);
        draw_stages(stream, page);
        draw_cache(row, stream, page);
    }
    if (any)
        return;
    top_page_row(page, 0, 0);
    top_page_row(page, 0, 2);
    if (view->stream.len == 0) {
        top_page_say(page, TOP_PLAIN, "this daemon tells of no stream");
        return;
    }
    top_page_say(page, TOP_BAD, "there is no stream");
    top_page_text(page, TOP_BAD, view->stream);
}

/* The trainers. */

/* Columns behind a trainer's name, in the order in which a narrow page does without the last. */
enum column { COLUMN_RATE, COLUMN_READY, COLUMN_WINDOW, COLUMN_PLACE, COLUMN_STREAM, COLUMN_VIA };

static const struct {
    const char *head;
    uint32_t columns; /* with the blanks in front */
} table[] = {
    [COLUMN_RATE] = {"IMAGES/S", 10}, [COLUMN_READY] = {"READY", 7},
    [COLUMN_WINDOW] = {"WINDOW", 8},  [COLUMN_PLACE] = {"EPOCH:STEP", 13},
    [COLUMN_STREAM] = {"STREAM", 16}, [COLUMN_VIA] = {"VIA", 5},
};

enum { COLUMNS = sizeof table / sizeof *table };

/* How many columns of the table fit, and the room that the name has then. */
static unsigned columns_that_fit(const struct top_page *page, uint32_t *name_columns)
{
    uint32_t used = table[COLUMN_RATE].columns + table[COLUMN_READY].columns;
    unsigned count = COLUMN_READY + 1;
    while (count < COLUMNS && used + table[count].columns + NAME_COLUMNS_MIN <= page->columns)
        used += table[count++].columns;
    *name_columns = page->columns > used ? page->columns - used : 0;
    if (*name_columns > NAME_COLUMNS_MAX)
        *name_columns = NAME_COLUMNS_MAX;
    return count;
}

static void draw_trainer(const struct stk_figure_row *row, unsigned columns, uint32_t name_columns,
                         struct top_page *page)
{
    char name[STK_NAME_BYTES_MAX + NUMBER_BYTES];
    uint64_t ready = figures_percent(row, "readiness_permille");
    snprintf(name, sizeof name, "%.*s %" PRIu32, (int)row->name.len, row->name.data, row->number);
    top_page_row(page, 0, 0);
    top_page_cell(page, TOP_PLAIN, stk_text_of(name), name_columns);
    top_page_right(page, TOP_STRONG, table[COLUMN_RATE].columns, "%" PRIu64,
                   figures_value(row, "images_per_second"));
    top_page_right(page, ready < 50 ? TOP_SLOW : TOP_GOOD, table[COLUMN_READY].columns,
                   "%" PRIu64 " %%", ready);
    if (columns > COLUMN_WINDOW)
        top_page_right(page, TOP_PLAIN, table[COLUMN_WINDOW].columns, " %" PRIu64 "/%" PRIu64,
                       figures_value(row, "window_used"), figures_value(row, "window_granted"));
    if (columns > COLUMN_PLACE)
        top_page_right(page, TOP_PLAIN, table[COLUMN_PLACE].columns, " %" PRIu64 ":%" PRIu64,
                       figures_value(row, "epoch"), figures_value(row, "step"));
    if (columns > COLUMN_STREAM) {
        top_page_cell(page, TOP_PLAIN, stk_text_of(""), 2);
        top_page_cell(page, TOP_PLAIN, row->stream, table[COLUMN_STREAM].columns - 2);
    }
    if (columns > COLUMN_VIA) {
        top_page_cell(page, TOP_PLAIN, stk_text_of(""), 2);
        top_page_cell(page, TOP_PLAIN, row->transport, table[COLUMN_VIA].columns - 2);
    }
}

static void draw_head(enum top_sort sort, unsigned columns, uint32_t name_columns,
                      struct top_page *page)
{
    char head[NAME_COLUMNS_MAX + 1];
    snprintf(head, sizeof head, "TRAINER (by %s)", top_sort_word(sort));
    top_page_row(page, 0, 0);
    top_page_row(page, 0, 0);
    top_page_cell(page, TOP_HEAD, stk_text_of(head), name_columns);
    for (unsigned i = 0; i < columns; i++) {
        if (i < COLUMN_STREAM) {
            top_page_right(page, TOP_HEAD, table[i].columns, "%s", table[i].head);
            continue;
        }
        top_page_cell(page, TOP_HEAD, stk_text_of(""), 2);
        top_page_cell(page, TOP_HEAD, stk_text_of(table[i].head), table[i].columns - 2);
    }
}

static int by_text(struct stk_text a, struct stk_text b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_name(const void *left, const void *right)
{
    const struct stk_figure_row *a = *(const struct stk_figure_row *const *)left;
    const struct stk_figure_row *b = *(const struct stk_figure_row *const *)right;
    int order = by_text(a->name, b->name);
    return order != 0 ? order : by_number(a->number, b->number);
}

static int by_rate(const void *left, const void *right)
{
    const struct stk_figure_row *a = *(const struct stk_figure_row *const *)left;
    const struct stk_figure_row *b = *(const struct stk_figure_row *const *)right;
    int order =
        by_number(figures_value(b, "images_per_second"), figures_value(a, "images_per_second"));
    return order != 0 ? order : by_name(left, right);
}

static int by_readiness(const void *left, const void *right)
{
    const struct stk_figure_row *a = *(const struct stk_figure_row *const *)left;
    const struct stk_figure_row *b = *(const struct stk_figure_row *const *)right;
    int order =
        by_number(figures_value(a, "readiness_permille"), figures_value(b, "readiness_permille"));
    return order != 0 ? order : by_name(left, right);
}

static void draw_trainers(const struct top_view *view, const struct stk_stats *stats,
                          struct top_page *page)
{
    static int (*const orders[TOP_SORT_COUNT])(const void *, const void *) = {
        [TOP_SORT_RATE] = by_rate, [TOP_SORT_READY] = by_readiness, [TOP_SORT_NAME] = by_name};
    const struct stk_figure_row *rows[STK_TRAINERS_MAX];
    uint32_t count = 0, name_columns;
    for (uint32_t i = 0; i < stats->trainer_count; i++) {
        if (stats->trainers[i].stream.len > 0 && is_shown(view, stats->trainers[i].stream))
            rows[count++] = &stats->trainers[i];
    }
    if (count == 0)
        return;
    qsort(rows, count, sizeof rows[0], orders[view->sort]);
    unsigned columns = columns_that_fit(page, &name_columns);
    draw_head(view->sort, columns, name_columns, page);
    for (uint32_t i = 0; i < count; i++)
        draw_trainer(rows[i], columns, name_columns, page);
}

static void draw_help(struct top_page *page)
{
    static const char *const keys[][2] = {
        {"q", "quit"},
        {"p", "stop looking, or go on"},
        {"s", "sort the trainers by rate, by readiness or by name"},
        {"arrows, page keys", "scroll"},
        {"h", "this help, or back"},
    };
    top_page_row(page, 0, 0);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        top_page_row(page, 0, 20);
        top_page_cell(page, TOP_STRONG, stk_text_of(keys[i][0]), 19);
        page->begun = true;
        top_page_say(page, TOP_PLAIN, "%s", keys[i][1]);
    }
    top_page_row(page, 0, 0);
    top_page_row(page, 0, 0);
    top_page_say(page, TOP_PLAIN,
                 "READY is how much of the time a trainer has a batch at hand: near 100 %% the "
                 "daemon keeps up. WINDOW is how many batches it had asked for at once, and may. "
                 "What limits a stream is where most of its batches are; stokerd(8) says more.");
}

void top_view_draw(const struct top_view *view, const struct top_model *model,
                   struct top_page *page)
{
    draw_title(view, model, page);
    draw_work(model, page);
    draw_memory(model, page);
    page->head = page->count;
    if (view->help) {
        draw_help(page);
        return;
    }
    draw_streams(view, model, page);
    draw_trainers(view, model->stats, page);
}
