/*
 * An index that is finished: its directory in memory, sorted by key.
 */
#include "daemon/index/index.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/check.h"
#include "daemon/index/layout.h"
#include "daemon/index/lookup.h"
#include "daemon/index/record.h"
#include "daemon/source/fault.h"

struct index {
    int fd;
    struct trailer trailer;
    struct place *places; /* [count], keys rise */
    uint64_t count;       /* of those that the directory's whole blocks have */
};

/* O_NONBLOCK: a FIFO must not hold the thread. */
enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* More entry points are asked for than there is room for, so that those that there is room for can
 * be chosen; and where there is none, so that a damaged file is found all the same. */
enum { ENTRY_BYTES_MIN = 4096, ENTRY_BYTES_FACTOR = 3 };

size_t index_entry_bytes_max(uint64_t file_bytes, size_t path_len)
{
    size_t bytes = ENTRY_BYTES_FACTOR * record_room(file_bytes, path_len);
    if (bytes > JPEG_MAP_ENTRY_BYTES_MAX)
        return JPEG_MAP_ENTRY_BYTES_MAX;
    return bytes > ENTRY_BYTES_MIN ? bytes : ENTRY_BYTES_MIN;
}

static enum stk_status not_whole(const char *path, char *error)
{
    return fault_write(error, STK_CORRUPT,
                       "%s is not a whole index: make it anew with \"stoker index\"",
                       fault_quote(path, "").text);
}

static enum stk_status fail_to_read(enum stk_status status, const char *path, char *error)
{
    if (status == STK_CORRUPT)
        return not_whole(path, error);
    return fault_write(error, STK_UNREADABLE, "cannot read the index %s: %s",
                       fault_quote(path, "").text, fault_reason(errno).text);
}

static enum stk_status open_file(struct index *index, const char *path, uint64_t *bytes,
                                 char *error)
{
    struct stat file;
    do {
        index->fd = open(path, OPEN_FLAGS);
    } while (index->fd < 0 && errno == EINTR);
    if (index->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return fault_write(error, STK_END, "no index %s", fault_quote(path, "").text);
    if (index->fd < 0 || fstat(index->fd, &file) != 0)
        return fail_to_read(STK_SYSTEM, path, error);
    if (!S_ISREG(file.st_mode))
        return fault_write(error, STK_UNREADABLE, "the index %s is no regular file",
                           fault_quote(path, "").text);
    *bytes = (uint64_t)file.st_size;
    return *bytes < LAYOUT_HEAD_BYTES + LAYOUT_TRAILER_BYTES ? not_whole(path, error) : STK_OK;
}

static enum stk_status read_ends(struct index *index, const char *path, uint64_t bytes, char *error)
{
    uint8_t head[LAYOUT_HEAD_BYTES], trailer[LAYOUT_TRAILER_BYTES];
    enum stk_status status = lookup_read(index->fd, head, sizeof head, 0);
    if (status == STK_OK)
        status = lookup_read(index->fd, trailer, sizeof trailer, bytes - sizeof trailer);
    if (status != STK_OK)
        return fail_to_read(status, path, error);
    if (layout_check_head(head) == STK_VERSION)
        return fault_write(error, STK_VERSION,
                           "the index %s is one of another version of stoker: make it anew "
                           "with \"stoker index\"",
                           fault_quote(path, "").text);
    if (layout_check_head(head) != STK_OK ||
        !layout_decode_trailer(trailer, bytes, &index->trailer))
        return not_whole(path, error);
    return STK_OK;
}

/* A block that is damaged is left out: its records are missing. */
static enum stk_status read_blocks(struct index *index, uint8_t *block)
{
    uint64_t at = index->trailer.directory;
    uint64_t least = 0;
    for (uint64_t left = index->trailer.records; left > 0;) {
        size_t count = left < LAYOUT_BLOCK_PLACES ? (size_t)left : LAYOUT_BLOCK_PLACES;
        size_t len = (size_t)layout_directory_bytes(count);
        enum stk_status status = lookup_read(index->fd, block, len, at);
        if (status != STK_OK)
            return status;
        if (layout_decode_block(block, count, &least, index->trailer.directory,
                                &index->places[index->count]))
            index->count += count;
        left -= count;
        at += len;
    }
    return STK_OK;
}

static enum stk_status read_directory(struct index *index, const char *path, uint64_t bytes_max,
                                      char *error)
{
    if (index->trailer.records > bytes_max / sizeof index->places[0])
        return fault_write(error, STK_LIMIT,
                           "the index %s has %" PRIu64 " records, for which there is no memory",
                           fault_quote(path, "").text, index->trailer.records);
    uint8_t *block = malloc(LAYOUT_BLOCK_BYTES_MAX);
    index->places = calloc(index->trailer.records + 1, sizeof index->places[0]);
    enum stk_status status = STK_OK;
    if (block == NULL || index->places == NULL)
        status = fault_write(error, STK_MEMORY, "no memory for the index %s",
                             fault_quote(path, "").text);
    else if ((status = read_blocks(index, block)) != STK_OK)
        status = fail_to_read(status, path, error);
    free(block);
    return status;
}

enum stk_status index_open(const char *path, uint64_t bytes_max, struct index **index, char *error)
{
    uint64_t bytes = 0;
    *index = NULL;
    struct index *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return fault_write(error, STK_MEMORY, "no memory for the index %s",
                           fault_quote(path, "").text);
    opened->fd = -1;
    enum stk_status status = open_file(opened, path, &bytes, error);
    if (status == STK_OK)
        status = read_ends(opened, path, bytes, error);
    if (status == STK_OK)
        status = read_directory(opened, path, bytes_max, error);
    if (status != STK_OK)
        index_close(&opened);
    *index = opened;
    return status;
}

void index_close(struct index **index)
{
    struct index *closed = *index;
    if (closed == NULL)
        return;
    *index = NULL;
    if (closed->fd >= 0)
        close(closed->fd);
    free(closed->places);
    free(closed);
}

uint64_t index_count(const struct index *index)
{
    return index->trailer.samples;
}

uint64_t index_count_with_entries(const struct index *index)
{
    return index->trailer.with_entries;
}

size_t index_bytes(const struct index *index)
{
    return sizeof *index + (size_t)(index->trailer.records + 1) * sizeof index->places[0];
}

static bool find_place(void *context, uint64_t key, struct place *place)
{
    const struct index *index = context;
    uint64_t first = 0;
    for (uint64_t count = index->count; count > 0;) {
        uint64_t half = count / 2;
        if (index->places[first + half].key < key) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    if (first == index->count || index->places[first].key != key)
        return false;
    *place = index->places[first];
    return true;
}

static struct lookup lookup_of(const struct index *index)
{
    return (struct lookup){.fd = index->fd, .find = find_place, .context = (void *)index};
}

enum index_found index_find(const struct index *index, const char *path, uint64_t bytes,
                            int64_t mtime_ns, struct index_buffer *buffer,
                            struct index_sample *sample)
{
    struct lookup lookup = lookup_of(index);
    return lookup_find(&lookup, path, bytes, mtime_ns, buffer, sample);
}

uint64_t index_record_count(const struct index *index)
{
    return index->count;
}

enum index_found index_get(const struct index *index, uint64_t number, struct index_buffer *buffer,
                           struct index_sample *sample)
{
    CHECK(number < index->count);
    struct lookup lookup = lookup_of(index);
    return lookup_get(&lookup, &index->places[number], buffer, sample);
}
