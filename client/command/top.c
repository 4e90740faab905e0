/*
 * stoker top: a daemon's figures, again and again, on a terminal, as text or as lines of JSON.
 *
 * One thread: it asks, waits for answers, keys and signals, and shows.  What is asked is what
 * stoker stats asks, over a connection that lasts.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/figures.h"
#include "client/command/json.h"
#include "client/command/top_model.h"
#include "client/command/top_page.h"
#include "client/command/top_screen.h"
#include "client/command/top_view.h"
#include "client/question.h"
#include "daemon/base/clock.h"

enum {
    INTERVAL_S_DEFAULT = 1,
    INTERVAL_S_MAX = 3600,
    TEXT_COLUMNS = 80, /* where $COLUMNS does not say */
    LOOKING_MS = 200,  /* how often it is looked whether an answer is late */
    SILENT_MS = 2000,  /* without an answer, and it is told */
};

struct options {
    uint32_t interval_s;
    uint32_t timeout_s;
    uint64_t count; /* looks; 0: without end */
    bool json;
};

struct top {
    struct options options;
    struct stk_question question;
    struct stk_answer *answer; /* of the last look; the model points into it */
    struct top_model *model;
    struct top_page *page;
    struct top_view view;
    struct top_screen *screen; /* NULL: text or JSON */
    bool looking;              /* the answer is to come */
    uint64_t asked_ns;
    uint64_t looks; /* that have ended, one way or the other */
    char trouble[STK_ERROR_BYTES];
};

static const struct stk_request stats_request = {.kind = STK_KIND_STATS};
static const uint64_t second_ns = 1000000000;

/* Looking. */

enum outcome { OUTCOME_NONE, OUTCOME_NEWS, OUTCOME_TROUBLE };

static void begin_look(struct top *top, uint64_t now_ns)
{
    if (top->asked_ns != 0)
        stk_question_again(&top->question);
    top->asked_ns = now_ns;
    top->looking = true;
}

static uint64_t next_look_ns(const struct top *top)
{
    return top->asked_ns + top->options.interval_s * second_ns;
}

static void take_news(struct top *top, struct stk_answer **answer)
{
    time_t now = time(NULL);
    struct tm local;
    top_model_look(top->model, stk_answer_stats(*answer), clock_now_ns());
    stk_answer_close(&top->answer);
    top->answer = *answer;
    top->trouble[0] = '\0';
    strftime(top->view.clock, sizeof top->view.clock, "%F %T", localtime_r(&now, &local));
}

/* Not yet an answer: whether it is given up, and what is told meanwhile. */
static enum outcome wait_on(struct top *top, uint64_t now_ns)
{
    const struct options *options = &top->options;
    uint64_t waited_ns = now_ns - top->asked_ns;
    bool gone = !top->question.up && top->looks > 0;
    if (gone)
        snprintf(top->trouble, sizeof top->trouble,
                 "no connection to '%s': is stokerd running? trying again", top->question.endpoint);
    if (!top->looking)
        return OUTCOME_NONE;
    if (waited_ns >= options->timeout_s * second_ns) {
        stk_question_late(&top->question, options->timeout_s * 1000);
        snprintf(top->trouble, sizeof top->trouble, "%s", top->question.error);
        return OUTCOME_TROUBLE;
    }
    if (gone)
        return now_ns >= next_look_ns(top) ? OUTCOME_TROUBLE : OUTCOME_NONE;
    if (waited_ns >= SILENT_MS * (uint64_t)1000000)
        snprintf(top->trouble, sizeof top->trouble, "no answer from '%s' for %u s",
                 top->question.endpoint, (unsigned)(waited_ns / second_ns));
    return OUTCOME_NONE;
}

static enum outcome look(struct top *top)
{
    struct stk_answer *answer;
    enum outcome outcome;
    enum stk_status status = stk_question_work(&top->question, &answer);
    if (status == STK_END) {
        outcome = wait_on(top, clock_now_ns());
    } else if (status == STK_OK) {
        take_news(top, &answer);
        outcome = OUTCOME_NEWS;
    } else {
        snprintf(top->trouble, sizeof top->trouble, "%s", top->question.error);
        outcome = top->looking ? OUTCOME_TROUBLE : OUTCOME_NONE;
    }
    if (outcome != OUTCOME_NONE) {
        top->looking = false;
        top->looks++;
    }
    return outcome;
}

/* Showing. */

static uint32_t text_columns(void)
{
    const char *said = getenv("COLUMNS");
    unsigned long columns = said == NULL ? 0 : strtoul(said, NULL, 10);
    return columns >= 1 && columns <= TOP_COLUMNS_MAX ? (uint32_t)columns : TEXT_COLUMNS;
}

static int show_json(const struct top *top, enum outcome outcome)
{
    json_t *object = outcome == OUTCOME_NEWS ? figures_json(top->model->stats) : json_object();
    if (outcome == OUTCOME_TROUBLE)
        json_set_text(object, "error", stk_text_of(top->trouble));
    return json_print(object);
}

/* Blocks are apart by an empty line. */
static void show_text(struct top *top, enum outcome outcome)
{
    if (top->looks > 1)
        putchar('\n');
    if (outcome == OUTCOME_TROUBLE) {
        text_print(stdout, stk_text_of(top->trouble));
        putchar('\n');
        return;
    }
    top_page_begin(top->page, text_columns(), !isatty(STDOUT_FILENO) || top_screen_is_utf8());
    top_view_draw(&top->view, top->model, top->page);
    top_page_print(top->page, stdout);
}

static int show_look(struct top *top, enum outcome outcome)
{
    int code = COMMAND_DONE;
    if (top->options.json)
        code = show_json(top, outcome);
    else
        show_text(top, outcome);
    if (fflush(stdout) != 0)
        return command_fail("cannot write the output");
    return code;
}

static void draw(struct top *top)
{
    top->view.trouble = top->trouble;
    top_page_begin(top->page, top_screen_columns(top->screen), top_screen_is_utf8());
    top_view_draw(&top->view, top->model, top->page);
    top_screen_draw(top->screen, top->page);
}

/* The loops. */

static uint64_t until_ns(const struct top *top)
{
    uint64_t now_ns = clock_now_ns();
    if (top->looking)
        return now_ns + LOOKING_MS * (uint64_t)1000000;
    return top->view.paused ? now_ns + 60 * second_ns : next_look_ns(top);
}

static enum outcome turn(struct top *top)
{
    uint64_t now_ns = clock_now_ns();
    bool due = top->asked_ns == 0 || now_ns >= next_look_ns(top);
    if (!top->looking && !top->view.paused && due)
        begin_look(top, now_ns);
    return look(top);
}

/* The first answer, or why there is none: what is wrong with the URL or the keys shows here. */
static int run_first(struct top *top)
{
    enum outcome outcome = OUTCOME_NONE;
    while ((outcome = turn(top)) == OUTCOME_NONE)
        stk_question_wait(&top->question, NULL, 0, until_ns(top));
    return outcome == OUTCOME_NEWS ? COMMAND_DONE : command_fail("%s", top->trouble);
}

static int run_text(struct top *top)
{
    enum outcome last = OUTCOME_NEWS;
    int code = show_look(top, last);
    while (code == COMMAND_DONE && top->looks != top->options.count) {
        stk_question_wait(&top->question, NULL, 0, until_ns(top));
        enum outcome outcome = turn(top);
        if (outcome == OUTCOME_NONE)
            continue;
        code = show_look(top, outcome);
        last = outcome;
    }
    return code == COMMAND_DONE && last == OUTCOME_TROUBLE ? COMMAND_FAILED : code;
}

/* False where it is to end. */
static bool do_key(struct top *top, enum top_key key)
{
    switch (key) {
    case TOP_KEY_QUIT:
        return false;
    case TOP_KEY_PAUSE:
        top->view.paused = !top->view.paused;
        return true;
    case TOP_KEY_SORT:
        top->view.sort = (top->view.sort + 1) % TOP_SORT_COUNT;
        return true;
    case TOP_KEY_HELP:
        top->view.help = !top->view.help;
        return true;
    default:
        return true;
    }
}

static void run_screen(struct top *top)
{
    int descriptors[TOP_SCREEN_DESCRIPTORS];
    top_screen_descriptors(top->screen, descriptors);
    for (;;) {
        enum top_key key;
        while ((key = top_screen_key(top->screen)) != TOP_KEY_NONE) {
            if (!do_key(top, key))
                return;
        }
        turn(top);
        if (top->options.count > 0 && top->looks >= top->options.count)
            return;
        draw(top);
        stk_question_wait(&top->question, descriptors, TOP_SCREEN_DESCRIPTORS, until_ns(top));
    }
}

static int run(struct top *top)
{
    int code = run_first(top);
    if (code != COMMAND_DONE)
        return code;
    top->screen = top->options.json ? NULL : top_screen_open();
    if (top->screen == NULL)
        return run_text(top);
    run_screen(top);
    top_screen_close(&top->screen);
    return COMMAND_DONE;
}

/* Texts in a file are UTF-8, as those of other sub-commands; a terminal says what it shows. */
static void set_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (!isatty(STDOUT_FILENO) && !top_screen_is_utf8())
        setlocale(LC_CTYPE, "C.UTF-8");
}

static int open_and_run(const char *endpoint, struct stk_text stream, enum top_sort sort,
                        const struct options *options)
{
    char error[STK_ERROR_BYTES];
    struct top top = {
        .options = *options,
        .model = calloc(1, sizeof *top.model),
        .page = calloc(1, sizeof *top.page),
        .view = {.endpoint = endpoint, .stream = stream, .sort = sort, .trouble = ""}};
    int code = COMMAND_DONE;
    if (top.model == NULL || top.page == NULL)
        code = command_fail("no memory for what is shown");
    else if (stk_question_init(&top.question, endpoint, &stats_request, error) != STK_OK)
        code = command_fail("%s", error);
    else
        code = run(&top);
    stk_question_release(&top.question);
    stk_answer_close(&top.answer);
    free(top.page);
    free(top.model);
    return code;
}

static int sort_of_word(const char *word, enum top_sort *sort)
{
    for (unsigned i = 0; i < TOP_SORT_COUNT; i++) {
        *sort = (enum top_sort)i;
        if (strcmp(word, top_sort_word(*sort)) == 0)
            return COMMAND_DONE;
    }
    return command_misuse("--sort is '%s', and can be rate, ready or name", word);
}

int top_command(char **words)
{
    struct options options = {.interval_s = INTERVAL_S_DEFAULT,
                              .timeout_s = TIMEOUT_SECONDS_DEFAULT};
    const char *sort_word = "rate";
    const struct flag flags[] = {
        {"interval", FLAG_U32, &options.interval_s, "SECONDS", 1, INTERVAL_S_MAX,
         "look so often (default 1)"},
        {"count", FLAG_U64, &options.count, "N", 1, UINT64_MAX, "end after N looks"},
        {"sort", FLAG_TEXT, &sort_word, "KEY", 0, 0,
         "sort trainers by rate (default), ready or name"},
        {"json", FLAG_SWITCH, &options.json, NULL, 0, 0,
         "print what stats --json does, a line a look"},
        TIMEOUT_FLAG(&options.timeout_s),
    };
    const struct arguments arguments = {"top",
                                        "Watch a daemon: what limits it, and how trainers fare.",
                                        "URL[/STREAM]",
                                        flags,
                                        sizeof flags / sizeof *flags,
                                        false};
    const char *url;
    int code;
    enum top_sort sort;
    if (!arguments_read(&arguments, words, &url, &code))
        return code;
    char endpoint[FETCH_ENDPOINT_BYTES];
    code = endpoint_of_url(url, endpoint, sizeof endpoint);
    if (code == COMMAND_DONE)
        code = sort_of_word(sort_word, &sort);
    if (code != COMMAND_DONE)
        return code;
    set_locale();
    return open_and_run(endpoint, stk_text_of(stream_of_url(url, endpoint)), sort, &options);
}
