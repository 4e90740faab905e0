/*
 * Going on with a part: its records are read one by one, and count up to the first that is damaged.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/index/lookup.h"
#include "daemon/index/record.h"
#include "daemon/index/writer_parts.h"

enum { WINDOW_BYTES = 16 * RECORD_BYTES_MAX };

/* The part's bytes from an offset on. */
struct window {
    uint8_t *bytes; /* WINDOW_BYTES */
    uint64_t from;
    size_t len;
};

/* Let the largest record at an offset be in the window, as far as the file goes. */
static enum stk_status move(const struct index_writer *writer, struct window *window, uint64_t at)
{
    uint64_t left = writer->file_bytes - at;
    uint64_t needed = left < RECORD_BYTES_MAX ? left : RECORD_BYTES_MAX;
    if (at >= window->from && at + needed <= window->from + window->len)
        return STK_OK;
    window->from = at;
    window->len = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
    return lookup_read(writer->fd, window->bytes, window->len, at);
}

/* Note the record at the end of what is known; false where there is none that is whole. */
static bool note_record(struct index_writer *writer, const struct window *window)
{
    const uint8_t *record = window->bytes + (writer->end - window->from);
    size_t len;
    enum record_kind kind;
    uint64_t key;
    if (!record_head(record, window->len - (size_t)(writer->end - window->from), &len, &kind) ||
        !record_is_whole(record, len) || !record_key(record, len, kind, &key))
        return false;
    uint64_t flags = kind == RECORD_SAMPLE ? PLACE_SAMPLE : 0;
    if (kind == RECORD_SAMPLE && record_has_entries(record))
        flags |= PLACE_ENTRIES;
    struct place place = place_of(key, writer->end, len, flags);
    writer_note(writer, &place);
    writer->end += len;
    return true;
}

static enum stk_status note_records(struct index_writer *writer, struct window *window)
{
    for (;;) {
        enum stk_status status = places_reserve(&writer->places);
        if (status == STK_OK)
            status = move(writer, window, writer->end);
        if (status != STK_OK || !note_record(writer, window))
            return status;
    }
}

static enum stk_status begin(struct index_writer *writer)
{
    uint8_t head[LAYOUT_HEAD_BYTES];
    layout_encode_head(head);
    writer->end = 0;
    return writer_append(writer, head, sizeof head);
}

enum stk_status writer_go_on(struct index_writer *writer)
{
    uint8_t head[LAYOUT_HEAD_BYTES];
    struct window window = {.bytes = malloc(WINDOW_BYTES)};
    enum stk_status status = window.bytes != NULL ? STK_OK : STK_MEMORY;
    if (status == STK_OK && writer->file_bytes >= sizeof head)
        status = lookup_read(writer->fd, head, sizeof head, 0);
    if (status == STK_OK && writer->file_bytes >= sizeof head &&
        layout_check_head(head) == STK_OK) {
        writer->end = sizeof head;
        status = note_records(writer, &window);
    } else if (status == STK_OK) {
        status = begin(writer);
    }
    free(window.bytes);
    if (status == STK_CORRUPT) {
        errno = EIO;
        status = STK_SYSTEM;
    }
    if (status == STK_OK && ftruncate(writer->fd, (off_t)writer->end) != 0)
        status = STK_SYSTEM;
    return status;
}
