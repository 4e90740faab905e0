/*
 * Data: every sample of a stream read and decoded whole, by a crew.
 *
 * Each of its threads has a decoder and storage of its own; what they find is put together under
 * survey->lock.
 */
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "client/command/json.h"
#include "client/doctor/crew.h"
#include "client/doctor/doctor.h"
#include "client/doctor/kind.h"
#include "client/doctor/rows.h"
#include "client/doctor/verify.h"
#include "daemon/image/decode.h"

enum {
    SIDES_LARGE = 4, /* a picture is large whose shorter side is so many times the served one */
};

/* What was seen; sums. */
struct tally {
    uint64_t samples, bytes, pixels;
    uint64_t gray, cmyk, progressive, large, small;
    uint64_t fresh; /* in the index as they are */
};

struct survey {
    const struct stream *stream;
    const struct pipeline_options *options;
    uint64_t encoded_bytes_max;
    struct index *index; /* NULL: there is none */
    char index_path[PATH_MAX];
    struct rows bad;
    pthread_mutex_t lock;
    struct tally tally; /* under lock */
};

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

static void count_fresh(struct survey *survey, const char *path, const struct encoded *encoded,
                        struct index_buffer *buffer)
{
    struct index_sample sample;
    if (survey->index == NULL || index_find(survey->index, path, encoded->file.bytes,
                                            encoded->file.mtime_ns, buffer, &sample) != INDEX_FOUND)
        return;
    pthread_mutex_lock(&survey->lock);
    survey->tally.fresh++;
    pthread_mutex_unlock(&survey->lock);
}

/* What a thread has of its own. */
struct surveyor {
    struct decode *decode;
    struct encoded encoded;
    struct index_buffer buffer;
};

static void survey_sample(struct survey *survey, struct crew *crew, struct surveyor *surveyor,
                          uint64_t index)
{
    const struct source *source = survey->stream->source;
    const struct source_reading reading = {.reserve = crew_reserve,
                                           .context = &survey->encoded_bytes_max};
    struct encoded *encoded = &surveyor->encoded;
    char reason[SOURCE_ERROR_BYTES] = "";
    uint32_t height = 0, width = 0;
    enum stk_status status = source_read(source, index, &reading, encoded, reason);
    if (status == STK_OK) {
        count_fresh(survey, source_name(source, index), encoded, &surveyor->buffer);
        status = decode_whole(surveyor->decode, encoded, &height, &width, reason);
    }
    if (status == STK_OK)
        count_good(survey, encoded, height, width);
    else
        rows_add(&survey->bad, index, source_name(source, index), "bad",
                 reason[0] != '\0' ? reason : stk_status_text(status));
    crew_done(crew, status != STK_OK);
}

static void survey_samples(struct crew *crew, void *context)
{
    struct survey *survey = context;
    struct surveyor surveyor = {0};
    uint64_t index;
    if (decode_open(&survey->options->limits, &surveyor.decode) != STK_OK)
        return;
    while (crew_next(crew, &index))
        survey_sample(survey, crew, &surveyor, index);
    free(surveyor.encoded.data);
    index_buffer_release(&surveyor.buffer);
    decode_close(&surveyor.decode);
}

static void tell_index(struct doctor *doctor, const struct survey *survey, json_t *row)
{
    const struct stream *stream = survey->stream;
    if (survey->index == NULL) {
        doctor_tell(doctor, "no index: \"stoker index\" makes one, and decoding costs less");
        return;
    }
    doctor_tell(doctor, "index %s: %" PRIu64 " of %" PRIu64 " samples fresh", survey->index_path,
                survey->tally.fresh, stream->samples);
    if (row != NULL) {
        json_set_text(row, "index", stk_text_of(survey->index_path));
        json_set_number(row, "fresh", survey->tally.fresh);
    }
    if (2 * survey->tally.fresh < stream->samples)
        doctor_found(doctor,
                     "stream \"%s\": most samples are not in the index as they are now: run "
                     "\"stoker index\" again",
                     stream->name);
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

static void judge(struct doctor *doctor, const struct survey *survey, bool whole)
{
    const struct stream *stream = survey->stream;
    const struct tally *tally = &survey->tally;
    if (survey->bad.count > 0)
        doctor_found(doctor,
                     "stream \"%s\": %" PRIu64 " of %" PRIu64 " samples cannot be read or decoded "
                     "and will be replaced by others: mend them, or take them out",
                     stream->name, survey->bad.count, stream->samples);
    if (!whole)
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

/* One that cannot be used is none, and somebody should know. */
static void open_index(struct doctor *doctor, const char *choice, struct survey *survey)
{
    char error[INDEX_ERROR_BYTES];
    enum stk_status status = verify_open_index(survey->stream->source, choice, survey->index_path,
                                               &survey->index, error);
    if (status != STK_OK && status != STK_END)
        doctor_found(doctor, "stream \"%s\": %s", survey->stream->name, error);
}

void doctor_check_data(struct doctor *doctor, const struct stream *stream, const char *index,
                       const struct pipeline_options *options, json_t *row)
{
    struct survey survey = {
        .stream = stream, .options = options, .encoded_bytes_max = options->encoded_bytes_max};
    if (rows_init(&survey.bad) != STK_OK) {
        doctor_found(doctor, "stream \"%s\": no memory to look at its samples", stream->name);
        return;
    }
    pthread_mutex_init(&survey.lock, NULL);
    open_index(doctor, index, &survey);
    bool whole = crew_run(stream->samples, 0, survey_samples, &survey);
    tell_tally(doctor, &survey.tally, row);
    tell_index(doctor, &survey, row);
    rows_tell(doctor, &survey.bad, row, "bad");
    judge(doctor, &survey, whole);
    index_close(&survey.index);
    pthread_mutex_destroy(&survey.lock);
    rows_release(&survey.bad);
}
