/*
 * Lookup: a sample's record, then that of its tables.
 */
#include "daemon/index/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/index/record.h"
#include "daemon/index/record_entries.h"

enum {
    PATH_AT = RECORD_BYTES_MAX, /* in a buffer's bytes: the path, with an end mark */
    BUFFER_BYTES = RECORD_BYTES_MAX + INDEX_PATH_BYTES_MAX + 1,
};

_Static_assert(INDEX_BUFFER_BYTES_MAX >= BUFFER_BYTES + ENTRIES_MAX * sizeof(struct jpeg_entry),
               "a buffer is within its limit");

void index_buffer_release(struct index_buffer *buffer)
{
    free(buffer->record);
    free(buffer->entries);
    *buffer = (struct index_buffer){0};
}

static bool make_room_for_record(struct index_buffer *buffer)
{
    if (buffer->record == NULL)
        buffer->record = malloc(BUFFER_BYTES);
    return buffer->record != NULL;
}

static bool make_room_for_entries(struct index_buffer *buffer, size_t count)
{
    if (buffer->entries_max < count) {
        free(buffer->entries);
        buffer->entries = calloc(count, sizeof buffer->entries[0]);
        buffer->entries_max = buffer->entries != NULL ? count : 0;
    }
    return buffer->entries_max >= count;
}

enum stk_status lookup_read(int fd, void *bytes, size_t len, uint64_t offset)
{
    uint8_t *at = bytes;
    while (len > 0) {
        ssize_t part = pread(fd, at, len, (off_t)offset);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return part == 0 ? STK_CORRUPT : STK_SYSTEM;
        at += part;
        len -= (size_t)part;
        offset += (uint64_t)part;
    }
    return STK_OK;
}

/* The record of a place, whole and of the length that the place says. */
static enum index_found read_record(int fd, const struct place *place, uint8_t *record,
                                    enum record_kind *kind)
{
    size_t place_bytes = place_len(place);
    size_t len;
    enum stk_status status = lookup_read(fd, record, place_bytes, place_offset(place));
    if (status != STK_OK)
        return status == STK_CORRUPT ? INDEX_DAMAGED : INDEX_FAULT;
    return record_head(record, place_bytes, &len, kind) && len == place_bytes &&
                   record_is_whole(record, len)
               ? INDEX_FOUND
               : INDEX_DAMAGED;
}

static enum index_found add_tables(const struct lookup *lookup, uint64_t key,
                                   struct jpeg_map_tables *tables)
{
    uint8_t record[RECORD_TABLES_BYTES_MAX];
    struct place place;
    enum record_kind kind;
    uint64_t its_key;
    if (!lookup->find(lookup->context, key, &place) || place_len(&place) > sizeof record)
        return INDEX_DAMAGED;
    enum index_found found = read_record(lookup->fd, &place, record, &kind);
    if (found != INDEX_FOUND)
        return found;
    return kind == RECORD_TABLES &&
                   record_decode_tables(record, place_len(&place), tables, &its_key) &&
                   its_key == key
               ? INDEX_FOUND
               : INDEX_DAMAGED;
}

/* The sample of a place; that of another path is missing, where there is one to compare with. */
static enum index_found get(const struct lookup *lookup, const struct place *place,
                            const char *path, struct index_buffer *buffer,
                            struct index_sample *sample)
{
    enum record_kind kind;
    uint64_t tables;
    if (!make_room_for_record(buffer))
        return INDEX_FAULT;
    enum index_found found = read_record(lookup->fd, place, buffer->record, &kind);
    if (found != INDEX_FOUND)
        return found;
    if (kind != RECORD_SAMPLE)
        return INDEX_MISSING;
    if (!make_room_for_entries(buffer, record_entry_count(buffer->record, place_len(place))))
        return INDEX_FAULT;
    if (!record_decode_sample(buffer->record, place_len(place), (char *)buffer->record + PATH_AT,
                              buffer->entries, sample, &tables))
        return INDEX_DAMAGED;
    if (path != NULL && strcmp(path, sample->path) != 0)
        return INDEX_MISSING;
    return sample->contents == INDEX_ENTRIES ? add_tables(lookup, tables, &sample->map.tables)
                                             : INDEX_FOUND;
}

enum index_found lookup_get(const struct lookup *lookup, const struct place *place,
                            struct index_buffer *buffer, struct index_sample *sample)
{
    return get(lookup, place, NULL, buffer, sample);
}

enum index_found lookup_find(const struct lookup *lookup, const char *path, uint64_t bytes,
                             int64_t mtime_ns, struct index_buffer *buffer,
                             struct index_sample *sample)
{
    struct place place;
    if (!lookup->find(lookup->context, record_sample_key(path), &place))
        return INDEX_MISSING;
    enum index_found found = get(lookup, &place, path, buffer, sample);
    if (found == INDEX_FOUND && (sample->bytes != bytes || sample->mtime_ns != mtime_ns))
        found = INDEX_STALE;
    return found;
}
