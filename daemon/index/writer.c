/*
 * The writer of an index.
 *
 * Records are appended under writer->lock, one write each, so that whoever is killed in the middle
 * of one leaves a record that is not whole, and nothing behind it.  Lookups take the lock for the
 * place alone, and read without it: what a record says never changes.
 */
#include "daemon/index/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/index/lookup.h"
#include "daemon/index/places.h"
#include "daemon/index/record.h"
#include "daemon/index/writer_parts.h"
#include "daemon/source/fault.h"

static const char part_suffix[] = ".part";

/* Two who open a part at once: the one's part may have become the other's index meanwhile. */
static enum stk_status open_part(struct index_writer *writer)
{
    for (;;) {
        struct stat file, named;
        writer->fd = open(writer->part,
                          O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0644);
        if (writer->fd < 0 || fstat(writer->fd, &file) != 0)
            return fault_status(errno);
        if (!S_ISREG(file.st_mode)) {
            errno = EINVAL;
            return STK_UNREADABLE;
        }
        if (flock(writer->fd, LOCK_EX | LOCK_NB) != 0)
            return errno == EWOULDBLOCK ? STK_IN_USE : STK_SYSTEM;
        if (lstat(writer->part, &named) == 0 && named.st_ino == file.st_ino &&
            named.st_dev == file.st_dev) {
            writer->file_bytes = (uint64_t)file.st_size;
            return STK_OK;
        }
        close(writer->fd);
    }
}

enum stk_status writer_explain(const struct index_writer *writer, enum stk_status status,
                               const char *what, char *error)
{
    int code = errno;
    struct fault_text part = fault_quote(writer->part, "");
    if (status == STK_MEMORY)
        return fault_write(error, status, "no memory for the index %s", part.text);
    if (status == STK_IN_USE)
        return fault_write(error, status, "another process is making the index %s", part.text);
    return fault_write(error, status, "cannot %s the index %s: %s", what, part.text,
                       fault_reason(code).text);
}

static enum stk_status set_names(struct index_writer *writer, const char *path)
{
    size_t bytes = strlen(path) + sizeof part_suffix;
    writer->name = strdup(path);
    writer->part = malloc(bytes);
    if (writer->name == NULL || writer->part == NULL)
        return STK_MEMORY;
    snprintf(writer->part, bytes, "%s%s", path, part_suffix);
    return STK_OK;
}

enum stk_status index_writer_open(const char *path, struct index_writer **writer, char *error)
{
    *writer = NULL;
    struct index_writer *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return fault_write(error, STK_MEMORY, "no memory for the index %s",
                           fault_quote(path, "").text);
    opened->fd = -1;
    pthread_mutex_init(&opened->lock, NULL);
    enum stk_status status = set_names(opened, path);
    if (status == STK_OK)
        status = open_part(opened);
    if (status == STK_OK)
        status = writer_go_on(opened);
    if (status != STK_OK) {
        if (opened->part != NULL)
            status = writer_explain(opened, status, "begin", error);
        index_writer_close(&opened);
    }
    *writer = opened;
    return status;
}

void index_writer_close(struct index_writer **writer)
{
    struct index_writer *closed = *writer;
    if (closed == NULL)
        return;
    *writer = NULL;
    if (closed->fd >= 0)
        close(closed->fd);
    pthread_mutex_destroy(&closed->lock);
    places_release(&closed->places);
    free(closed->name);
    free(closed->part);
    free(closed);
}

/* All of it, or nothing that counts: what a full disk took of it is written over by the next. */
enum stk_status writer_append(struct index_writer *writer, const uint8_t *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t part = pwrite(writer->fd, bytes + done, len - done, (off_t)(writer->end + done));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return STK_SYSTEM;
        done += (size_t)part;
    }
    writer->end += len;
    return STK_OK;
}

/* Append a record and remember where it is. */
static enum stk_status append_record(struct index_writer *writer, const uint8_t *record, size_t len,
                                     uint64_t key, uint64_t flags)
{
    struct place place = place_of(key, writer->end, len, flags);
    enum stk_status status = places_reserve(&writer->places);
    if (status == STK_OK)
        status = writer_append(writer, record, len);
    if (status == STK_OK)
        writer_note(writer, &place);
    return status;
}

void writer_note(struct index_writer *writer, const struct place *place)
{
    struct place before;
    if (places_find(&writer->places, place->key, &before)) {
        writer->samples -= place_is_sample(&before);
        writer->with_entries -= place_has_entries(&before);
    }
    writer->samples += place_is_sample(place);
    writer->with_entries += place_has_entries(place);
    places_put(&writer->places, place);
}

/* What is to be written for a sample. */
struct addition {
    uint8_t tables[RECORD_TABLES_BYTES_MAX];
    size_t tables_len; /* 0: it needs none */
    uint64_t tables_key;
    uint8_t sample[RECORD_BYTES_MAX];
    size_t sample_len;
    uint64_t sample_key;
    uint64_t flags;
    uint64_t share; /* bytes that the sample's file grants */
};

/* Under the lock. */
static enum stk_status append_addition(struct index_writer *writer, const struct addition *addition)
{
    struct place place;
    uint64_t before = writer->end;
    enum stk_status status = STK_OK;
    if (addition->tables_len > 0 && !places_find(&writer->places, addition->tables_key, &place))
        status =
            append_record(writer, addition->tables, addition->tables_len, addition->tables_key, 0);
    if (status == STK_OK)
        status = append_record(writer, addition->sample, addition->sample_len, addition->sample_key,
                               addition->flags);
    if (status == STK_OK)
        writer->credit += (int64_t)addition->share - (int64_t)(writer->end - before);
    return status;
}

/* What tables take of a sample's own share: nothing where they are there already, or where the
 * records so far left enough. */
static size_t tables_cost(struct index_writer *writer, const struct addition *addition)
{
    struct place place;
    pthread_mutex_lock(&writer->lock);
    bool found = places_find(&writer->places, addition->tables_key, &place);
    int64_t credit = writer->credit;
    pthread_mutex_unlock(&writer->lock);
    if (found || credit >= (int64_t)addition->tables_len)
        return 0;
    return addition->tables_len - (size_t)(credit > 0 ? credit : 0);
}

/* How many of a sample's entry points are kept, so that its records take no more than they may. */
static uint32_t choose_thinning(struct index_writer *writer, const struct index_sample *sample,
                                const struct addition *addition)
{
    size_t room = record_room(sample->bytes, strlen(sample->path));
    size_t taken = tables_cost(writer, addition);
    return record_choose_thinning(&sample->map, room > taken ? room - taken : 0);
}

static void encode(struct index_writer *writer, const struct index_sample *sample,
                   struct addition *addition)
{
    struct index_sample copy = *sample;
    uint32_t thinning = 0;
    addition->tables_len = 0;
    addition->flags = PLACE_SAMPLE;
    addition->share = record_share(sample->bytes);
    addition->sample_key = record_sample_key(sample->path);
    if (sample->contents == INDEX_ENTRIES) {
        addition->tables_len =
            record_encode_tables(&sample->map.tables, addition->tables, &addition->tables_key);
        thinning = choose_thinning(writer, sample, addition);
    }
    if (thinning > 0) {
        addition->flags |= PLACE_ENTRIES;
    } else if (sample->contents == INDEX_ENTRIES) {
        copy.contents = INDEX_CRAMPED;
        addition->tables_len = 0;
    }
    addition->sample_len =
        record_encode_sample(&copy, thinning, addition->tables_key, addition->sample);
}

enum stk_status index_writer_add(struct index_writer *writer, const struct index_sample *sample,
                                 char *error)
{
    size_t path_len = strlen(sample->path);
    if (path_len < 1 || path_len > INDEX_PATH_BYTES_MAX)
        return fault_write(error, STK_LIMIT, "no path for an index: %s",
                           fault_quote(sample->path, "").text);
    struct addition *addition = malloc(sizeof *addition);
    if (addition == NULL)
        return writer_explain(writer, STK_MEMORY, "", error);
    encode(writer, sample, addition);
    pthread_mutex_lock(&writer->lock);
    enum stk_status status = append_addition(writer, addition);
    if (status != STK_OK)
        status = writer_explain(writer, status, "write", error);
    pthread_mutex_unlock(&writer->lock);
    free(addition);
    return status;
}

static bool find_place(void *context, uint64_t key, struct place *place)
{
    struct index_writer *writer = context;
    pthread_mutex_lock(&writer->lock);
    bool found = places_find(&writer->places, key, place);
    pthread_mutex_unlock(&writer->lock);
    return found;
}

enum index_found index_writer_find(struct index_writer *writer, const char *path, uint64_t bytes,
                                   int64_t mtime_ns, struct index_buffer *buffer,
                                   struct index_sample *sample)
{
    struct lookup lookup = {.fd = writer->fd, .find = find_place, .context = writer};
    return lookup_find(&lookup, path, bytes, mtime_ns, buffer, sample);
}

bool index_writer_has(struct index_writer *writer, const char *path)
{
    struct place place;
    return find_place(writer, record_sample_key(path), &place);
}

enum stk_status index_writer_add_all(struct index_writer *writer, const struct index *index,
                                     const atomic_bool *stop, char *error)
{
    struct index_buffer buffer = {0};
    enum stk_status status = STK_OK;
    for (uint64_t i = 0; status == STK_OK && i < index_record_count(index); i++) {
        struct index_sample sample;
        if (index_get(index, i, &buffer, &sample) == INDEX_FOUND &&
            !index_writer_has(writer, sample.path))
            status = index_writer_add(writer, &sample, error);
        if (status == STK_OK && atomic_load_explicit(stop, memory_order_relaxed))
            status = STK_CLOSED;
    }
    index_buffer_release(&buffer);
    return status;
}

struct index_writer_counts index_writer_counts(struct index_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    struct index_writer_counts counts = {
        .samples = writer->samples, .with_entries = writer->with_entries, .bytes = writer->end};
    pthread_mutex_unlock(&writer->lock);
    return counts;
}
