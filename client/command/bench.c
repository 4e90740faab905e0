/*
 * stoker bench: receive as a trainer would, touch every cache line, and say how fast it was.
 *
 * Threads: the main one waits for signals and draws the progress line; each client has a thread of
 * its own, which alone touches its struct worker until it has ended.  What the progress line shows
 * is in atomics with relaxed order: it may be a batch behind.
 *
 * SIGINT and SIGTERM are blocked everywhere and taken by sigtimedwait: the first one ends the run
 * with the figures so far, a second one ends the process.  A client that ends raises SIGUSR1 for
 * the main thread, so that it does not wait for its next look.
 */
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/command/command.h"
#include "client/command/json.h"
#include "client/command/waits.h"
#include "daemon/base/clock.h"

enum {
    CLIENTS_MAX = 256,
    SLICE_MS = 200, /* how soon a client that waits sees that the run is over */
    CACHE_LINE_BYTES = 64,
};

struct bench {
    const char *url;
    struct stk_options options;
    uint32_t clients;
    uint32_t timeout_s;
    pthread_t main_thread;
    uint64_t start_ns;
    atomic_bool stopping; /* relaxed: a batch more does not matter */
    atomic_uint ended;    /* clients; relaxed: pthread_join orders the rest */
    struct worker *workers;
};

struct worker {
    struct bench *bench;
    pthread_t thread;
    bool failed;
    char error[STK_ERROR_BYTES];

    /* Shown while it runs. */
    atomic_uint epoch;
    atomic_ullong step, steps, images, batches, wait_ns;

    /* Read when it has ended. */
    uint64_t bytes;
    uint64_t replaced;
    uint64_t first_batch_ns;
    uint64_t last_batch_ns;
    uint64_t check; /* of all bytes touched, in order */
    struct waits waits;
};

/* Read a word of every cache line, as a copy to an accelerator would read all of them, and fold
 * them so that two clients can be compared. */
static uint64_t touch(uint64_t check, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + sizeof check <= len; i += CACHE_LINE_BYTES) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        check = (check ^ word) * 0x9e3779b97f4a7c15u;
        check ^= check >> 29;
    }
    return check;
}

static void count_batch(struct worker *worker, const struct stk_client *client,
                        const struct stk_batch *batch)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    struct stk_phase phase = stk_stream_phase(stk_client_info(client), header->address.epoch);
    for (uint32_t i = 0; i < header->tensor_count; i++) {
        size_t bytes = stk_tensor_bytes(&header->tensors[i]);
        worker->bytes += bytes;
        worker->check = touch(worker->check, stk_batch_tensor_at(batch, i), bytes);
    }
    worker->replaced += header->replaced_count;
    atomic_store_explicit(&worker->epoch, header->address.epoch, memory_order_relaxed);
    atomic_store_explicit(&worker->step, header->address.step, memory_order_relaxed);
    atomic_store_explicit(&worker->steps, phase.steps, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->images, header->count, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->batches, 1, memory_order_relaxed);
}

static bool stopping(const struct worker *worker)
{
    return atomic_load_explicit(&worker->bench->stopping, memory_order_relaxed);
}

/* Whether waiting on may help: what next says at the end of a slice. */
static bool passes(enum stk_status status)
{
    return status == STK_TIMEOUT || status == STK_DRAINING || status == STK_OVERLOADED ||
           status == STK_WINDOW || status == STK_MEMORY || status == STK_SYSTEM;
}

/* The next batch, waited for in slices; STK_END where the run is stopped. */
static enum stk_status next(const struct worker *worker, struct stk_client *client,
                            struct stk_batch **batch)
{
    const uint64_t until_ns = clock_now_ns() + worker->bench->timeout_s * 1000000000ull;
    for (;;) {
        if (stopping(worker))
            return STK_END;
        enum stk_status status = stk_client_next(client, batch);
        if (!passes(status) || clock_now_ns() >= until_ns)
            return status;
    }
}

static enum stk_status receive_all(struct worker *worker, struct stk_client *client)
{
    const struct bench *bench = worker->bench;
    for (uint64_t i = 0;; i++) {
        struct stk_batch *batch;
        uint64_t asked_ns = clock_now_ns();
        enum stk_status status = next(worker, client, &batch);
        if (status != STK_OK)
            return status == STK_END ? STK_OK : status;
        uint64_t now_ns = clock_now_ns();
        atomic_fetch_add_explicit(&worker->wait_ns, now_ns - asked_ns, memory_order_relaxed);
        if (i == 0)
            worker->first_batch_ns = now_ns - bench->start_ns;
        else
            waits_add(&worker->waits, now_ns - asked_ns);
        count_batch(worker, client, batch);
        stk_batch_close(&batch);
        worker->last_batch_ns = clock_now_ns() - bench->start_ns;
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct bench *bench = worker->bench;
    struct stk_client *client;
    enum stk_status status = stk_client_open(bench->url, &bench->options, &client, worker->error);
    if (status == STK_OK) {
        stk_client_timeout(client, SLICE_MS);
        status = receive_all(worker, client);
        snprintf(worker->error, sizeof worker->error, "%s", stk_client_error(client));
        stk_client_close(&client);
    }
    worker->failed = status != STK_OK;
    atomic_fetch_add_explicit(&bench->ended, 1, memory_order_relaxed);
    pthread_kill(bench->main_thread, SIGUSR1);
    return NULL;
}

/* What the progress line showed last, so that it shows the rate since then. */
struct progress {
    bool shown; /* stderr is a terminal */
    uint64_t time_ns;
    uint64_t images;
    uint64_t batches;
    uint64_t wait_ns;
};

static void make_bar(char bar[25], double share)
{
    memset(bar, '-', 24);
    memset(bar, '#', (size_t)(24 * (share < 1 ? share : 1)));
    bar[24] = '\0';
}

static void show_progress(const struct bench *bench, struct progress *progress)
{
    uint64_t now_ns = clock_now_ns();
    struct progress now = {.shown = progress->shown, .time_ns = now_ns};
    for (uint32_t i = 0; i < bench->clients; i++) {
        now.images += atomic_load_explicit(&bench->workers[i].images, memory_order_relaxed);
        now.batches += atomic_load_explicit(&bench->workers[i].batches, memory_order_relaxed);
        now.wait_ns += atomic_load_explicit(&bench->workers[i].wait_ns, memory_order_relaxed);
    }
    if (!now.shown || now.batches == 0 || now_ns - progress->time_ns < 150000000)
        return;
    struct worker *first = &bench->workers[0];
    uint64_t step = atomic_load_explicit(&first->step, memory_order_relaxed) + 1;
    uint64_t steps = atomic_load_explicit(&first->steps, memory_order_relaxed);
    double seconds = (double)(now_ns - progress->time_ns) / 1e9;
    double wait_s = (double)(now.wait_ns - progress->wait_ns) / 1e9 / bench->clients;
    uint64_t batches = now.batches - progress->batches;
    double wait_ms = batches == 0 ? 0 : wait_s * 1e3 * bench->clients / (double)batches;
    char bar[25];
    make_bar(bar, steps == 0 ? 0 : (double)step / (double)steps);
    fprintf(stderr,
            "\r\033[Kepoch %u  [%s] %" PRIu64 "/%" PRIu64 "  %.0f images/s  wait %.1f ms (%.0f %%)",
            atomic_load_explicit(&first->epoch, memory_order_relaxed), bar, step, steps,
            (double)(now.images - progress->images) / seconds, wait_ms,
            100 * (wait_s < seconds ? wait_s / seconds : 1));
    fflush(stderr);
    *progress = now;
}

/* From now on a signal does what it does to any process. */
static void unblock(int signal)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, signal);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

/* Wait until every client has ended; a signal ends them early. */
static void watch(struct bench *bench, const sigset_t *signals)
{
    struct progress progress = {.shown = isatty(STDERR_FILENO) == 1, .time_ns = bench->start_ns};
    const struct timespec look = {.tv_nsec = SLICE_MS * 1000000};
    while (atomic_load_explicit(&bench->ended, memory_order_relaxed) < bench->clients) {
        int signal = sigtimedwait(signals, NULL, &look);
        if (signal == SIGINT || signal == SIGTERM) {
            atomic_store_explicit(&bench->stopping, true, memory_order_relaxed);
            unblock(signal);
        }
        show_progress(bench, &progress);
    }
    if (progress.shown && progress.batches > 0)
        fputs("\r\033[K", stderr);
}

/* The figures of all clients together. */
struct figures {
    uint64_t images, batches, bytes, replaced;
    double seconds, cpu_seconds;
    double first_batch_ms, wait_ms_p50, wait_ms_p99;
};

static double cpu_seconds(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

static void sum_up(const struct bench *bench, struct figures *figures)
{
    *figures = (struct figures){.cpu_seconds = cpu_seconds()};
    static struct waits waits;
    uint64_t first_ns = 0, last_ns = 0;
    for (uint32_t i = 0; i < bench->clients; i++) {
        const struct worker *worker = &bench->workers[i];
        figures->images += atomic_load_explicit(&worker->images, memory_order_relaxed);
        figures->batches += atomic_load_explicit(&worker->batches, memory_order_relaxed);
        figures->bytes += worker->bytes;
        figures->replaced += worker->replaced;
        waits_merge(&waits, &worker->waits);
        first_ns = worker->first_batch_ns > first_ns ? worker->first_batch_ns : first_ns;
        last_ns = worker->last_batch_ns > last_ns ? worker->last_batch_ns : last_ns;
    }
    figures->seconds = (double)last_ns / 1e9;
    figures->first_batch_ms = (double)first_ns / 1e6;
    figures->wait_ms_p50 = (double)waits_quantile(&waits, 0.5) / 1e6;
    figures->wait_ms_p99 = (double)waits_quantile(&waits, 0.99) / 1e6;
}

static double rate(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

static void print_table(const struct bench *bench, const struct figures *figures)
{
    fputs("stream         ", stdout);
    text_print(stdout, stk_text_of(bench->url));
    putchar('\n');
    if (bench->clients > 1)
        printf("clients        %" PRIu32 ", figures together\n", bench->clients);
    printf("images         %" PRIu64 "\n", figures->images);
    printf("batches        %" PRIu64 "\n", figures->batches);
    printf("bytes          %.1f MB\n", (double)figures->bytes / 1e6);
    printf("time           %.3f s\n", figures->seconds);
    printf("rate           %.1f images/s, %.1f MB/s\n",
           rate((double)figures->images, figures->seconds),
           rate((double)figures->bytes / 1e6, figures->seconds));
    printf("first batch    %.1f ms\n", figures->first_batch_ms);
    printf("wait p50       %.3f ms\n", figures->wait_ms_p50);
    printf("wait p99       %.3f ms\n", figures->wait_ms_p99);
    printf("cpu            %.3f s in this process\n", figures->cpu_seconds);
    printf("replaced       %" PRIu64 "\n", figures->replaced);
}

static int print_json(const struct bench *bench, const struct figures *figures)
{
    const char *slash = strrchr(bench->url, '/');
    json_t *object = json_object();
    json_object_set_new(object, "endpoint", json_stringn(bench->url, (size_t)(slash - bench->url)));
    json_object_set_new(object, "stream", json_string(slash + 1));
    json_set_number(object, "clients", bench->clients);
    json_set_number(object, "window", bench->options.window);
    json_set_number(object, "rank", bench->options.rank);
    json_set_number(object, "world", bench->options.world);
    json_set_number(object, "epochs", bench->options.epochs);
    json_set_number(object, "images", figures->images);
    json_set_number(object, "batches", figures->batches);
    json_set_number(object, "bytes", figures->bytes);
    json_object_set_new(object, "seconds", json_real(figures->seconds));
    json_object_set_new(object, "images_per_s",
                        json_real(rate((double)figures->images, figures->seconds)));
    json_object_set_new(object, "bytes_per_s",
                        json_real(rate((double)figures->bytes, figures->seconds)));
    json_object_set_new(object, "first_batch_ms", json_real(figures->first_batch_ms));
    json_object_set_new(object, "wait_ms_p50", json_real(figures->wait_ms_p50));
    json_object_set_new(object, "wait_ms_p99", json_real(figures->wait_ms_p99));
    json_object_set_new(object, "cpu_seconds", json_real(figures->cpu_seconds));
    json_set_number(object, "replaced", figures->replaced);
    json_object_set_new(object, "interrupted", json_boolean(atomic_load(&bench->stopping)));
    return json_print(object);
}

/* Clients that received the same steps have received the same bytes. */
static bool checks_equal(const struct bench *bench)
{
    const struct worker *first = &bench->workers[0];
    for (uint32_t i = 1; i < bench->clients; i++) {
        const struct worker *other = &bench->workers[i];
        if (atomic_load(&other->batches) == atomic_load(&first->batches) &&
            other->check != first->check)
            return false;
    }
    return true;
}

static int report(const struct bench *bench, bool json)
{
    for (uint32_t i = 0; i < bench->clients; i++) {
        if (bench->workers[i].failed)
            return command_fail("%s", bench->workers[i].error);
    }
    struct figures figures;
    sum_up(bench, &figures);
    if (!checks_equal(bench))
        return command_fail("clients received different bytes for the same steps of '%s'",
                            bench->url);
    if (json)
        return print_json(bench, &figures);
    print_table(bench, &figures);
    return COMMAND_DONE;
}

/* Start what can be started; the clients that cannot be have failed. */
static void start(struct bench *bench)
{
    for (uint32_t i = 0; i < bench->clients; i++) {
        struct worker *worker = &bench->workers[i];
        worker->bench = bench;
        if (pthread_create(&worker->thread, NULL, work, worker) == 0)
            continue;
        snprintf(worker->error, sizeof worker->error, "cannot start a thread for client %" PRIu32,
                 i);
        worker->failed = true;
        bench->clients = i + 1;
        atomic_fetch_add_explicit(&bench->ended, 1, memory_order_relaxed);
        atomic_store_explicit(&bench->stopping, true, memory_order_relaxed);
        worker->thread = bench->main_thread;
    }
}

static int run(struct bench *bench, bool json)
{
    bench->workers = calloc(bench->clients, sizeof *bench->workers);
    if (bench->workers == NULL)
        return command_fail("no memory for %" PRIu32 " clients", bench->clients);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    bench->main_thread = pthread_self();
    bench->start_ns = clock_now_ns();
    start(bench);
    watch(bench, &signals);
    for (uint32_t i = 0; i < bench->clients; i++) {
        if (!pthread_equal(bench->workers[i].thread, bench->main_thread))
            pthread_join(bench->workers[i].thread, NULL);
    }
    int code = report(bench, json);
    free(bench->workers);
    return code;
}

int bench_command(char **words)
{
    struct bench bench = {.clients = 1, .timeout_s = TIMEOUT_SECONDS_DEFAULT};
    struct stk_options *options = &bench.options;
    options->window = 8;
    options->heartbeat_ms = STK_HEARTBEAT_MS_DEFAULT;
    options->world = 1;
    bool json = false;
    const struct flag flags[] = {
        {"epochs", FLAG_U32, &options->epochs, "N", 1, UINT32_MAX, "receive N epochs (default 1)"},
        {"batches", FLAG_U64, &options->batches, "N", 1, UINT64_MAX - 1,
         "receive N batches instead"},
        {"epoch", FLAG_U32, &options->epoch, "E", 0, UINT32_MAX, "begin at epoch E (default 0)"},
        {"step", FLAG_U64, &options->step, "S", 0, UINT64_MAX, "and step S of it (default 0)"},
        {"rank", FLAG_U32, &options->rank, "R", 0, UINT32_MAX, "be trainer R of W (default 0)"},
        {"world", FLAG_U32, &options->world, "W", 1, UINT32_MAX, "of W trainers (default 1)"},
        {"clients", FLAG_U32, &bench.clients, "N", 1, CLIENTS_MAX,
         "N clients that receive the same steps (default 1)"},
        {"window", FLAG_U32, &options->window, "N", 1, STK_WINDOW_MAX,
         "requests in flight of each (default 8)"},
        {"heartbeat", FLAG_U32, &options->heartbeat_ms, "MS", STK_HEARTBEAT_MS_MIN,
         STK_HEARTBEAT_MS_MAX, "leave an endpoint that is silent for so long (default 5000)"},
        {"json", FLAG_SWITCH, &json, NULL, 0, 0, "print one JSON object"},
        TIMEOUT_FLAG(&bench.timeout_s),
    };
    const struct arguments arguments = {"bench",
                                        "Receive batches as a trainer would, and measure.",
                                        "URL/STREAM",
                                        flags,
                                        sizeof flags / sizeof *flags,
                                        false};
    int code;
    if (!arguments_read(&arguments, words, &bench.url, &code) ||
        (code = check_url(bench.url)) != COMMAND_DONE)
        return code;
    if (options->epochs != 0 && options->batches != 0)
        return command_misuse("--epochs and --batches exclude each other");
    if (options->rank >= options->world)
        return command_misuse("--rank %" PRIu32 " is not below --world %" PRIu32, options->rank,
                              options->world);
    if (options->batches == 0 && options->epochs == 0)
        options->epochs = 1;
    options->timeout_ms = bench.timeout_s * 1000;
    options->name = "stoker bench";
    return run(&bench, json);
}
