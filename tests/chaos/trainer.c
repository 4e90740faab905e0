/*
 * trainer [OPTION...] URL LOG BATCHES: a trainer that may be killed at any moment.
 *
 * It streams until its log has BATCHES records, and goes on where the log ends when it is started
 * again.  A record is a line of RECORD_BYTES: epoch, step, digest, when it came and how long next
 * took, in ns of CLOCK_MONOTONIC.  The digest is XXH3-128 over the address, the fingerprint and
 * every tensor.  The log is the trainer's state: a batch is delivered once its whole line stands
 * there, and a torn last line, which is what kill -9 in the middle of write(2) can leave, is cut
 * off and its batch asked for again.
 *
 * With --state the trainer is one that saves a checkpoint every so many batches and goes back to
 * it.  What it logged since then is undone, as the weights that came of it are: those records move
 * to LOG.undone, and the batches are asked for again.
 *
 *     --rank R --world W   one of W data parallel trainers
 *     --window N           requests in flight
 *     --heartbeat-ms N     silence after which an endpoint is left
 *     --pause-us N         what a step of training takes
 *     --state FILE         the checkpoint; otherwise the log is
 *     --save-every N       batches between two checkpoints; 10
 *
 * Exit status: 0 all batches are logged, 1 failure, 2 usage, 3 ended by SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "client/stoker.h"
#include "daemon/base/clock.h"

enum {
    RECORD_BYTES = 107,
    SAVE_EVERY = 10,
    TIMEOUT_MS = 1000, /* how late SIGTERM is seen */
    EXIT_TERMINATED = 3,
};

static volatile sig_atomic_t terminated;

struct trainer {
    const char *url;
    const char *log_path;
    const char *state_path; /* NULL: the log is the state */
    uint64_t batches;
    uint64_t save_every;
    uint64_t pause_us;
    struct stk_options options;
    int log;
    uint64_t records;         /* in the log */
    struct stk_address place; /* the group's next step, as the log says */
    struct stk_state state;   /* as the checkpoint says */
    struct stk_client *client;
};

static void heed_signal(int number)
{
    (void)number;
    terminated = 1;
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "trainer: %s: %s\n", what, why);
    exit(1);
}

static void fail_system(const char *what)
{
    fail(what, strerror(errno));
}

static uint64_t number_of(const char *text)
{
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0) {
        fprintf(stderr, "trainer: '%s' is no number\n", text);
        exit(2);
    }
    return number;
}

static void write_all(int file, const char *bytes, size_t count, const char *path)
{
    if (write(file, bytes, count) != (ssize_t)count)
        fail_system(path);
}

/* Records behind the checkpoint were undone with it; they are kept for the checker's eyes. */
static void undo_records(struct trainer *trainer, uint64_t kept)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.undone", trainer->log_path);
    int undone = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (undone < 0)
        fail_system(path);
    for (uint64_t i = kept; i < trainer->records; i++) {
        char record[RECORD_BYTES];
        if (pread(trainer->log, record, RECORD_BYTES, (off_t)(i * RECORD_BYTES)) != RECORD_BYTES)
            fail_system(trainer->log_path);
        write_all(undone, record, RECORD_BYTES, path);
    }
    close(undone);
    if (ftruncate(trainer->log, (off_t)(kept * RECORD_BYTES)) != 0)
        fail_system(trainer->log_path);
    trainer->records = kept;
}

static void open_log(struct trainer *trainer)
{
    trainer->log = open(trainer->log_path, O_RDWR | O_CREAT | O_APPEND, 0644);
    struct stat stat;
    if (trainer->log < 0 || fstat(trainer->log, &stat) != 0)
        fail_system(trainer->log_path);
    trainer->records = (uint64_t)stat.st_size / RECORD_BYTES;
    if (ftruncate(trainer->log, (off_t)(trainer->records * RECORD_BYTES)) != 0)
        fail_system(trainer->log_path);
}

/* The state is what the log's last record says.  The step may lie behind its epoch's end. */
static void resume_from_log(struct trainer *trainer)
{
    char record[RECORD_BYTES + 1] = "";
    if (trainer->records == 0)
        return;
    off_t last = (off_t)((trainer->records - 1) * RECORD_BYTES);
    if (pread(trainer->log, record, RECORD_BYTES, last) != RECORD_BYTES ||
        sscanf(record, "%" SCNu32 " %" SCNu64, &trainer->place.epoch, &trainer->place.step) != 2)
        fail(trainer->log_path, "its last line is no record");
    trainer->place.step += trainer->options.world - trainer->options.rank;
}

static void read_state(struct trainer *trainer, FILE *file, uint64_t *kept)
{
    char text[STK_STATE_BYTES];
    char error[STK_ERROR_BYTES] = "is not this log's";
    if (fscanf(file, "%" SCNu64 "\n", kept) != 1 || *kept > trainer->records ||
        fgets(text, sizeof text, file) == NULL ||
        stk_state_decode(text, &trainer->state, error) != STK_OK)
        fail(trainer->state_path, error);
    trainer->options.state = &trainer->state;
}

static void resume_from_state(struct trainer *trainer)
{
    uint64_t kept = 0;
    FILE *file = fopen(trainer->state_path, "r");
    if (file == NULL && errno != ENOENT)
        fail_system(trainer->state_path);
    if (file != NULL) {
        read_state(trainer, file, &kept);
        fclose(file);
    }
    undo_records(trainer, kept);
}

/* A reader sees the old checkpoint or the new one whole: it is renamed into its place. */
static void save_state(const struct trainer *trainer)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.new", trainer->state_path);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        fail_system(path);
    struct stk_state state;
    char text[STK_STATE_BYTES];
    stk_client_state(trainer->client, &state);
    stk_state_encode(&state, text);
    fprintf(file, "%" PRIu64 "\n%s\n", trainer->records, text);
    if (fclose(file) != 0 || rename(path, trainer->state_path) != 0)
        fail_system(trainer->state_path);
}

/* A daemon that is down, or cannot just now, is waited for; anything else ends the trainer. */
static bool passes(enum stk_status status)
{
    return status == STK_TIMEOUT || status == STK_DRAINING || status == STK_OVERLOADED ||
           status == STK_MEMORY || status == STK_SYSTEM;
}

static void seek(struct trainer *trainer)
{
    const struct stk_stream_info *info = stk_client_info(trainer->client);
    uint64_t steps = stk_stream_phase(info, trainer->place.epoch).steps;
    uint64_t step = trainer->place.step < steps ? trainer->place.step : steps;
    enum stk_status status = stk_client_seek(trainer->client, trainer->place.epoch, step);
    if (status != STK_OK)
        fail(stk_status_word(status), stk_client_error(trainer->client));
}

/* Go on where the state says. */
static void open_client(struct trainer *trainer)
{
    char error[STK_ERROR_BYTES];
    enum stk_status status = STK_TIMEOUT;
    trainer->options.batches = trainer->batches - trainer->records;
    while (!terminated && passes(status))
        status = stk_client_open(trainer->url, &trainer->options, &trainer->client, error);
    if (trainer->client == NULL) {
        if (!terminated)
            fail(stk_status_word(status), error);
        return;
    }
    if (trainer->state_path == NULL)
        seek(trainer);
}

static XXH128_hash_t digest(const struct stk_batch *batch)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL || XXH3_128bits_reset(state) != XXH_OK)
        fail("XXH3", "no memory");
    XXH3_128bits_update(state, &header->address.epoch, sizeof header->address.epoch);
    XXH3_128bits_update(state, &header->address.step, sizeof header->address.step);
    XXH3_128bits_update(state, &header->fingerprint, sizeof header->fingerprint);
    for (uint32_t i = 0; i < header->tensor_count; i++)
        XXH3_128bits_update(state, stk_batch_tensor_at(batch, i),
                            stk_tensor_bytes(&header->tensors[i]));
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

static void log_batch(struct trainer *trainer, const struct stk_batch *batch, uint64_t asked_ns)
{
    struct stk_address address = stk_batch_header(batch)->address;
    XXH128_hash_t hash = digest(batch);
    uint64_t now_ns = clock_now_ns();
    char record[RECORD_BYTES + 1];
    snprintf(record, sizeof record,
             "%010" PRIu32 " %020" PRIu64 " %016" PRIx64 "%016" PRIx64 " %020" PRIu64 " %020" PRIu64
             "\n",
             address.epoch, address.step, (uint64_t)hash.high64, (uint64_t)hash.low64, now_ns,
             now_ns - asked_ns);
    write_all(trainer->log, record, RECORD_BYTES, trainer->log_path);
    trainer->records++;
}

static void train(const struct trainer *trainer)
{
    struct timespec pause = {.tv_sec = (time_t)(trainer->pause_us / 1000000),
                             .tv_nsec = (long)(trainer->pause_us % 1000000 * 1000)};
    nanosleep(&pause, NULL);
}

static enum stk_status next_batch(struct trainer *trainer, struct stk_batch **batch)
{
    enum stk_status status;
    do
        status = stk_client_next(trainer->client, batch);
    while (!terminated && passes(status));
    return status;
}

static void stream(struct trainer *trainer)
{
    while (!terminated && trainer->records < trainer->batches) {
        uint64_t asked_ns = clock_now_ns();
        struct stk_batch *batch;
        enum stk_status status = next_batch(trainer, &batch);
        if (batch == NULL) {
            if (!terminated)
                fail(stk_status_word(status), stk_client_error(trainer->client));
            return;
        }
        log_batch(trainer, batch, asked_ns);
        stk_batch_close(&batch);
        if (trainer->state_path != NULL && trainer->records % trainer->save_every == 0)
            save_state(trainer);
        train(trainer);
    }
}

static void parse(struct trainer *trainer, int count, char **arguments)
{
    static const struct option options[] = {
        {"rank", 1, NULL, 'r'},         {"world", 1, NULL, 'w'}, {"window", 1, NULL, 'n'},
        {"heartbeat-ms", 1, NULL, 'h'}, {"state", 1, NULL, 's'}, {"save-every", 1, NULL, 'e'},
        {"pause-us", 1, NULL, 'p'},     {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 'r':
            trainer->options.rank = (uint32_t)number_of(optarg);
            break;
        case 'w':
            trainer->options.world = (uint32_t)number_of(optarg);
            break;
        case 'n':
            trainer->options.window = (uint32_t)number_of(optarg);
            break;
        case 'h':
            trainer->options.heartbeat_ms = (uint32_t)number_of(optarg);
            break;
        case 's':
            trainer->state_path = optarg;
            break;
        case 'e':
            trainer->save_every = number_of(optarg);
            break;
        case 'p':
            trainer->pause_us = number_of(optarg);
            break;
        default:
            exit(2);
        }
    }
    if (count - optind != 3 || trainer->save_every == 0) {
        fprintf(stderr, "usage: %s [OPTION...] URL LOG BATCHES\n", arguments[0]);
        exit(2);
    }
    trainer->url = arguments[optind];
    trainer->log_path = arguments[optind + 1];
    trainer->batches = number_of(arguments[optind + 2]);
}

int main(int count, char **arguments)
{
    struct trainer trainer = {.options = {.world = 1, .timeout_ms = TIMEOUT_MS},
                              .save_every = SAVE_EVERY};
    parse(&trainer, count, arguments);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = heed_signal}, NULL);
    open_log(&trainer);
    if (trainer.state_path != NULL)
        resume_from_state(&trainer);
    else
        resume_from_log(&trainer);
    if (trainer.records < trainer.batches)
        open_client(&trainer);
    if (trainer.client != NULL)
        stream(&trainer);
    stk_client_close(&trainer.client);
    close(trainer.log);
    return trainer.records < trainer.batches ? EXIT_TERMINATED : 0;
}
