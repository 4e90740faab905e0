/*
 * Data: every sample of a stream read and decoded whole, by a thread a core.
 *
 * Threads: main's waits and draws the bar; each of the others takes the next sample, and has a
 * decoder and storage of its own.  What they find is put together under survey->lock, which main's
 * thread alone waits under.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/command/json.h"
#include "client/doctor/doctor.h"
#include "client/doctor/kind.h"
#include "daemon/base/cores.h"
#include "daemon/image/decode.h"

enum {
    BAD_ROWS_MAX = 4096, /* that are listed; all are counted */
    BAD_ROWS_SHOWN = 20, /* to a person */
    BAR_CELLS = 30,
    BAR_MS = 200,
    SIDES_LARGE = 4, /* a picture is large whose shorter side is so many times the served one */
    THREADS_MAX = CONFIG_WORKERS_MAX,
};

struct bad_row {
    uint64_t index;
    char reason[IMAGE_REASON_BYTES + 16];
};

/* What was seen; sums. */
struct tally {
    uint64_t samples, bytes, pixels;
    uint64_t gray, cmyk, progressive, large, small;
};

struct survey {
    const struct stream *stream;
    const struct pipeline_options *options;
    atomic_uint_fast64_t next; /* relaxed: a counter */
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a thread did */
    struct tally tally;   /* from here under lock */
    struct bad_row *bad;  /* BAD_ROWS_MAX of them */
    uint64_t bad_count;
    uint32_t running; /* threads */
};

static enum stk_status reserve(void *context, struct encoded *encoded, size_t bytes)
{
    const struct survey *survey = context;
    if (bytes > survey->options->encoded_bytes_max)
        return STK_LIMIT;
    if (bytes <= encoded->capacity)
        return STK_OK;
    uint8_t *data = realloc(encoded->data, bytes);
    if (data == NULL)
        return STK_MEMORY;
    encoded->data = data;
    encoded->capacity = bytes;
    return STK_OK;
}

/* All rows and columns; *height and *width are the picture's. */
static enum stk_status decode_whole(struct decode *decode, const struct encoded *encoded,
                                    uint32_t *height, uint32_t *width, char *reason)
{
    enum stk_status status =
        decode_begin(decode, encoded->data, encoded->len, height, width, reason);
    if (status != STK_OK)
        return status;
    const struct box whole = {.height = (int32_t)*height, .width = (int32_t)*width};
    status = decode_start(decode, &whole, reason);
    for (uint32_t y = 0; status == STK_OK && y < *height; y++) {
        const uint8_t *row;
        status = decode_next(decode, &row, reason);
    }
    decode_end(decode);
    return status;
}

/* The shorter side that is served first; the wider epochs of a progressive resize come later. */
static uint32_t served_side(const struct stream *stream)
{
    const struct image_format *format = &stream->phases[0].format;
    return format->height < format->width ? format->height : format->width;
}

static void count_good(struct survey *survey, const struct encoded *encoded, uint32_t height,
                       uint32_t width)
{
    struct kind kind = kind_of(encoded->data, encoded->len);
    uint32_t shorter = height < width ? height : width;
    uint32_t served = served_side(survey->stream);
    pthread_mutex_lock(&survey->lock);
    struct tally *tally = &survey->tally;
    tally->samples++;
    tally->bytes += encoded->len;
    tally->pixels += (uint64_t)height * width;
    tally->gray += kind.components == 1;
    tally->cmyk += kind.components == 4;
    tally->progressive += kind.progressive;
    tally->large += shorter >= (uint64_t)SIDES_LARGE * served;
    tally->small += shorter < served;
    pthread_mutex_unlock(&survey->lock);
}

static void count_bad(struct survey *survey, uint64_t index, enum stk_status status,
                      const char *reason)
{
    pthread_mutex_lock(&survey->lock);
    if (survey->bad_count < BAD_ROWS_MAX) {
        struct bad_row *row = &survey->bad[survey->bad_count];
        row->index = index;
        snprintf(row->reason, sizeof row->reason, "%s",
                 reason[0] != '\0' ? reason : stk_status_text(status));
    }
    survey->bad_count++;
    pthread_mutex_unlock(&survey->lock);
}

static void survey_samples(struct survey *survey, struct decode *decode)
{
    const struct source *source = survey->stream->source;
    const struct source_reading reading = {.reserve = reserve, .context = survey};
    struct encoded encoded = {0};
    for (;;) {
        uint64_t index = atomic_fetch_add_explicit(&survey->next, 1, memory_order_relaxed);
        if (index >= source_count(source))
            break;
        char reason[SOURCE_ERROR_BYTES] = "";
        uint32_t height = 0, width = 0;
        enum stk_status status = source_read(source, index, &reading, &encoded, reason);
        if (status == STK_OK)
            status = decode_whole(decode, &encoded, &height, &width, reason);
        if (status == STK_OK)
            count_good(survey, &encoded, height, width);
        else
            count_bad(survey, index, status, reason);
    }
    free(encoded.data);
}

static void *survey_thread(void *context)
{
    struct survey *survey = context;
    struct decode *decode;
    if (decode_open(&survey->options->limits, &decode) == STK_OK) {
        survey_samples(survey, decode);
        decode_close(&decode);
    }
    pthread_mutex_lock(&survey->lock);
    survey->running--;
    pthread_cond_signal(&survey->ended);
    pthread_mutex_unlock(&survey->lock);
    return NULL;
}

/* Under survey->lock. */
static void draw_bar(const struct survey *survey)
{
    uint64_t count = survey->stream->samples;
    uint64_t done = survey->tally.samples + survey->bad_count;
    char bar[BAR_CELLS + 1];
    size_t cells = count > 0 ? (size_t)(done * BAR_CELLS / count) : BAR_CELLS;
    cells = cells > BAR_CELLS ? BAR_CELLS : cells;
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', cells);
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "\r  [%s] %" PRIu64 " of %" PRIu64 ", %" PRIu64 " bad", bar, done, count,
            survey->bad_count);
}

/* Until no thread runs any more. */
static void await(struct survey *survey)
{
    bool shown = isatty(STDERR_FILENO);
    pthread_mutex_lock(&survey->lock);
    while (survey->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += BAR_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&survey->ended, &survey->lock, &until);
        if (shown)
            draw_bar(survey);
    }
    pthread_mutex_unlock(&survey->lock);
    if (shown)
        fputs("\r\033[K", stderr);
}

static void run(struct survey *survey)
{
    pthread_t threads[THREADS_MAX];
    uint32_t started = 0;
    uint32_t cores = cores_count("");
    for (; started < cores && started < THREADS_MAX; started++) {
        pthread_mutex_lock(&survey->lock);
        survey->running++;
        pthread_mutex_unlock(&survey->lock);
        if (pthread_create(&threads[started], NULL, survey_thread, survey) == 0)
            continue;
        pthread_mutex_lock(&survey->lock);
        survey->running--;
        pthread_mutex_unlock(&survey->lock);
        break;
    }
    await(survey);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

static int by_index(const void *one, const void *other)
{
    const struct bad_row *a = one, *b = other;
    return (a->index > b->index) - (a->index < b->index);
}

static void tell_bad(struct doctor *doctor, const struct survey *survey, json_t *row)
{
    uint64_t listed = survey->bad_count < BAD_ROWS_MAX ? survey->bad_count : BAD_ROWS_MAX;
    json_t *rows = json_array();
    qsort(survey->bad, listed, sizeof survey->bad[0], by_index);
    for (uint64_t i = 0; i < listed; i++) {
        const char *path = source_name(survey->stream->source, survey->bad[i].index);
        if (i < BAD_ROWS_SHOWN)
            doctor_tell(doctor, "bad: %s (%s)", path, survey->bad[i].reason);
        json_t *object = json_object();
        json_set_number(object, "index", survey->bad[i].index);
        json_set_text(object, "path", stk_text_of(path));
        json_set_text(object, "reason", stk_text_of(survey->bad[i].reason));
        json_array_append_new(rows, object);
    }
    if (survey->bad_count > BAD_ROWS_SHOWN)
        doctor_tell(doctor, "and %" PRIu64 " more; --json lists %d of them",
                    survey->bad_count - BAD_ROWS_SHOWN, BAD_ROWS_MAX);
    if (row != NULL)
        json_object_set(row, "bad", rows);
    json_decref(rows);
}

static void tell_tally(struct doctor *doctor, const struct tally *tally, json_t *row)
{
    double count = tally->samples > 0 ? (double)tally->samples : 1;
    doctor_tell(doctor, "%.1f MB; %.2f megapixels and %.0f kB a picture",
                (double)tally->bytes / 1e6, (double)tally->pixels / 1e6 / count,
                (double)tally->bytes / 1e3 / count);
    doctor_tell(doctor, "%" PRIu64 " gray, %" PRIu64 " CMYK, %" PRIu64 " progressive", tally->gray,
                tally->cmyk, tally->progressive);
    if (row == NULL)
        return;
    json_set_number(row, "decoded", tally->samples);
    json_set_number(row, "bytes", tally->bytes);
    json_set_number(row, "pixels", tally->pixels);
    json_set_number(row, "gray", tally->gray);
    json_set_number(row, "cmyk", tally->cmyk);
    json_set_number(row, "progressive", tally->progressive);
}

static void judge(struct doctor *doctor, const struct survey *survey)
{
    const struct stream *stream = survey->stream;
    const struct tally *tally = &survey->tally;
    if (survey->bad_count > 0)
        doctor_found(doctor,
                     "stream \"%s\": %" PRIu64 " of %" PRIu64 " samples cannot be read or decoded "
                     "and will be replaced by others: mend them, or take them out",
                     stream->name, survey->bad_count, stream->samples);
    if (tally->samples + survey->bad_count < stream->samples)
        doctor_found(doctor, "stream \"%s\": no memory to look at all of its samples",
                     stream->name);
    if (2 * tally->large > tally->samples)
        doctor_found(doctor,
                     "stream \"%s\": most pictures are at least %d times as large as the %u pixels "
                     "that are served: decoding takes nearly all the time; store them with a "
                     "shorter side of about %u",
                     stream->name, SIDES_LARGE, served_side(stream), 2 * served_side(stream));
    if (2 * tally->small > tally->samples)
        doctor_found(doctor,
                     "stream \"%s\": most pictures are smaller than the %u pixels that are served "
                     "and will be enlarged: lower size",
                     stream->name, served_side(stream));
    if (2 * tally->progressive > tally->samples)
        doctor_found(
            doctor,
            "stream \"%s\": most pictures are progressive, which take about three times "
            "as long to decode: \"jpegtran -copy all\" makes them sequential, without loss",
            stream->name);
}

void doctor_check_data(struct doctor *doctor, const struct stream *stream,
                       const struct pipeline_options *options, json_t *row)
{
    struct survey survey = {.stream = stream, .options = options};
    survey.bad = calloc(BAD_ROWS_MAX, sizeof survey.bad[0]);
    if (survey.bad == NULL) {
        doctor_found(doctor, "stream \"%s\": no memory to look at its samples", stream->name);
        return;
    }
    pthread_mutex_init(&survey.lock, NULL);
    pthread_cond_init(&survey.ended, NULL);
    run(&survey);
    tell_tally(doctor, &survey.tally, row);
    tell_bad(doctor, &survey, row);
    judge(doctor, &survey);
    pthread_cond_destroy(&survey.ended);
    pthread_mutex_destroy(&survey.lock);
    free(survey.bad);
}
