/*
 * Making an index.
 *
 * Each thread has a decoder, a file's bytes and a lookup's buffer of its own.  A sample that the
 * writer has fresh, from a run that was interrupted, or the index that is there, is not read: its
 * file is opened and looked at.
 */
#include "client/doctor/make.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "client/doctor/crew.h"
#include "daemon/pipeline_options.h"

/* What the daemon can be set to take at most, so that no file is left out that it would serve. */
#define PIXELS_MAX 4294836225u
#define FILE_BYTES_MAX ((uint64_t)1 << 30)

struct maker {
    struct making *making;
    struct image_decoder *decoder;
    struct encoded encoded;
    struct index_buffer buffer;
    uint64_t file_bytes_max;
    const char *path;           /* of the sample that is at hand */
    struct index_sample sample; /* where it is known already */
    bool in_part;
    bool in_base;
};

/* A sample that is known is not read; a byte has to be. */
static struct source_range choose(void *context, const struct source_state *file)
{
    struct maker *maker = context;
    const struct making *making = maker->making;
    maker->in_part = index_writer_find(making->writer, maker->path, file->bytes, file->mtime_ns,
                                       &maker->buffer, &maker->sample) == INDEX_FOUND;
    maker->in_base = !maker->in_part && making->base != NULL &&
                     index_find(making->base, maker->path, file->bytes, file->mtime_ns,
                                &maker->buffer, &maker->sample) == INDEX_FOUND;
    bool known = maker->in_part || maker->in_base;
    return (struct source_range){.from = 0, .len = known ? 1 : (size_t)file->bytes};
}

static enum stk_status reserve(void *context, struct encoded *encoded, size_t bytes)
{
    struct maker *maker = context;
    return crew_reserve(&maker->file_bytes_max, encoded, bytes);
}

static struct source_range choose_one_byte(void *context, const struct source_state *file)
{
    (void)context;
    (void)file;
    return (struct source_range){.from = 0, .len = 1};
}

/* Whether a file is still the one that was read: it may have been written to meanwhile. */
static bool is_unchanged(struct maker *maker, uint64_t index, const struct source_state *file)
{
    struct encoded byte = {0};
    char reason[SOURCE_ERROR_BYTES];
    const struct source_reading reading = {
        .reserve = reserve, .choose = choose_one_byte, .context = maker};
    enum stk_status status = source_read(maker->making->source, index, &reading, &byte, reason);
    free(byte.data);
    return status == STK_OK && byte.file.bytes == file->bytes &&
           byte.file.mtime_ns == file->mtime_ns;
}

static enum index_contents contents_of(enum stk_status status, const struct jpeg_map *map)
{
    if (status == STK_LIMIT)
        return INDEX_FOREIGN;
    if (status != STK_OK)
        return INDEX_CORRUPT;
    if (map->component_count == 0)
        return INDEX_FOREIGN;
    return map->entries.columns > 0 ? INDEX_ENTRIES : INDEX_CRAMPED;
}

static void stop(struct maker *maker, struct crew *crew, enum stk_status status, const char *error)
{
    struct making *making = maker->making;
    pthread_mutex_lock(&making->lock);
    if (making->status == STK_OK) {
        making->status = status;
        snprintf(making->error, sizeof making->error, "%s", error);
    }
    pthread_mutex_unlock(&making->lock);
    crew_stop(crew);
}

/* What the index has of a sample now. */
static void count(struct maker *maker, const struct index_sample *sample, bool kept)
{
    struct making *making = maker->making;
    pthread_mutex_lock(&making->lock);
    making->contents[sample->contents]++;
    making->kept += kept;
    making->data_bytes += sample->bytes;
    pthread_mutex_unlock(&making->lock);
}

static void count_unreadable(struct maker *maker, uint64_t index, const char *reason)
{
    struct making *making = maker->making;
    rows_add(&making->bad, index, maker->path, "unreadable", reason);
    pthread_mutex_lock(&making->lock);
    making->unreadable++;
    pthread_mutex_unlock(&making->lock);
}

/* Add a sample, and look whether it is there: the writer may have left its entry points out. */
static enum stk_status add(struct maker *maker, const struct index_sample *sample, bool kept,
                           char *error)
{
    struct index_writer *writer = maker->making->writer;
    struct index_sample found = *sample;
    enum stk_status status = index_writer_add(writer, sample, error);
    if (status != STK_OK)
        return status;
    if (index_writer_find(writer, maker->path, sample->bytes, sample->mtime_ns, &maker->buffer,
                          &found) != INDEX_FOUND) {
        snprintf(error, INDEX_ERROR_BYTES, "what was written to the index cannot be read again");
        return STK_SYSTEM;
    }
    count(maker, &found, kept);
    return STK_OK;
}

/* The map of the file that was read. */
static enum stk_status map_file(struct maker *maker, uint64_t index, bool *bad, char *error)
{
    const struct encoded *encoded = &maker->encoded;
    struct index_sample sample = {.path = maker->path,
                                  .bytes = encoded->file.bytes,
                                  .mtime_ns = encoded->file.mtime_ns,
                                  .checksum = XXH3_64bits(encoded->data, encoded->len)};
    char reason[IMAGE_REASON_BYTES] = "";
    enum stk_status status =
        image_map(maker->decoder, encoded->data, encoded->len,
                  index_entry_bytes_max(encoded->len, strlen(maker->path)), &sample.map, reason);
    if (status == STK_MEMORY) {
        snprintf(error, INDEX_ERROR_BYTES, "no memory to decode a picture");
        return status;
    }
    sample.contents = contents_of(status, &sample.map);
    *bad = sample.contents == INDEX_CORRUPT;
    if (*bad)
        rows_add(&maker->making->bad, index, maker->path, "corrupt", reason);
    return add(maker, &sample, false, error);
}

static enum stk_status make_sample(struct maker *maker, uint64_t index, bool *bad, char *error)
{
    struct making *making = maker->making;
    const struct source_reading reading = {.reserve = reserve, .choose = choose, .context = maker};
    char reason[SOURCE_ERROR_BYTES] = "";
    maker->path = source_name(making->source, index);
    enum stk_status status = source_read(making->source, index, &reading, &maker->encoded, reason);
    if (status == STK_OK && maker->in_part) {
        count(maker, &maker->sample, true);
        return STK_OK;
    }
    if (status == STK_OK && maker->in_base) {
        /* Finding it again uses the buffer that it is in. */
        struct index_buffer used = maker->buffer;
        maker->buffer = (struct index_buffer){0};
        status = add(maker, &maker->sample, true, error);
        index_buffer_release(&used);
        return status;
    }
    if (status == STK_OK && !is_unchanged(maker, index, &maker->encoded.file)) {
        status = STK_UNREADABLE;
        snprintf(reason, sizeof reason, "it changed while it was read");
    }
    *bad = status != STK_OK;
    if (*bad)
        count_unreadable(maker, index, reason);
    return *bad ? STK_OK : map_file(maker, index, bad, error);
}

static void make_samples(struct crew *crew, void *context)
{
    struct making *making = context;
    const struct config config = {.image_pixels_max = PIXELS_MAX,
                                  .image_bytes_max = FILE_BYTES_MAX};
    const struct pipeline_options options = pipeline_options_for(&config, 1);
    struct maker maker = {.making = making, .file_bytes_max = FILE_BYTES_MAX};
    uint64_t index;
    enum stk_status status = image_decoder_open(&options.limits, &maker.decoder);
    if (status != STK_OK)
        stop(&maker, crew, status, "no memory for a decoder");
    while (status == STK_OK && crew_next(crew, &index)) {
        char error[INDEX_ERROR_BYTES];
        bool bad = false;
        status = make_sample(&maker, index, &bad, error);
        if (status != STK_OK)
            stop(&maker, crew, status, error);
        else
            crew_done(crew, bad);
    }
    image_decoder_close(&maker.decoder);
    index_buffer_release(&maker.buffer);
    free(maker.encoded.data);
}

enum stk_status making_run(struct making *making)
{
    pthread_mutex_init(&making->lock, NULL);
    making->status = rows_init(&making->bad);
    if (making->status != STK_OK) {
        snprintf(making->error, sizeof making->error, "no memory to list bad files");
        return making->status;
    }
    bool whole = crew_run(source_count(making->source), making->threads, make_samples, making);
    if (!whole && making->status == STK_OK) {
        making->status = STK_SYSTEM;
        snprintf(making->error, sizeof making->error, "no thread can be started");
    }
    return making->status;
}

void making_release(struct making *making)
{
    rows_release(&making->bad);
    pthread_mutex_destroy(&making->lock);
}
