/*
 * Decoding of figures: the daemon's, and rows of those of its streams and trainers.
 */
#include "proto/message.h"

#include <msgpack.h>
#include <string.h>

#include "proto/reader.h"

/* The first count_max of a map's figures; returns how many. */
static uint32_t read_figures(struct reader *reader, struct stk_figure *figures, uint32_t count_max)
{
    const msgpack_object *object = need(reader, "figures", MSGPACK_OBJECT_MAP);
    if (object == NULL)
        return 0;
    const msgpack_object_map *map = &object->via.map;
    uint32_t count = map->size < count_max ? map->size : count_max;
    for (uint32_t i = 0; i < map->size; i++) {
        struct stk_figure figure = {text_of(reader, &map->ptr[i].key, STK_NAME_BYTES_MAX),
                                    number_of(reader, &map->ptr[i].val)};
        if (i < count)
            figures[i] = figure;
    }
    return count;
}

static void read_stream_row(struct reader *outer, const msgpack_object *object,
                            struct stk_figure_row *row)
{
    struct reader reader = inner(outer, object);
    row->stream = read_text(&reader, "stream", STK_NAME_BYTES_MAX);
    row->limit = read_text(&reader, "limit", STK_NAME_BYTES_MAX);
    row->count = read_figures(&reader, row->figures, STK_ROW_FIGURES_MAX);
    fail(outer, reader.status);
}

static void read_trainer_row(struct reader *outer, const msgpack_object *object,
                             struct stk_figure_row *row)
{
    struct reader reader = inner(outer, object);
    row->name = read_text(&reader, "name", STK_NAME_BYTES_MAX);
    row->number = read_number32(&reader, "number");
    row->stream = read_text(&reader, "stream", STK_NAME_BYTES_MAX);
    row->transport = read_text(&reader, "transport", STK_NAME_BYTES_MAX);
    row->count = read_figures(&reader, row->figures, STK_ROW_FIGURES_MAX);
    fail(outer, reader.status);
}

/* A daemon that does not know the key tells none. */
static uint32_t
read_rows(struct reader *reader, const char *key, struct stk_figure_row *rows, uint32_t count_max,
          void (*read)(struct reader *, const msgpack_object *, struct stk_figure_row *))
{
    if (reader->status != STK_OK || find(reader, key) == NULL)
        return 0;
    const msgpack_object_array *array = read_array(reader, key, count_max);
    for (uint32_t i = 0; i < array->size; i++)
        read(reader, &array->ptr[i], &rows[i]);
    return array->size;
}

/* It is large: a compound literal of it would stand on the stack. */
static void clear(struct stk_stats *message, uint64_t id)
{
    memset(message, 0, sizeof *message);
    message->id = id;
}

enum stk_status stk_stats_decode(const void *bytes, size_t len, struct stk_stats *message)
{
    clear(message, 0);
    struct unpacked unpacked;
    enum stk_status status = reply_begin(&unpacked, bytes, len, STK_KIND_STATS, &message->id);
    if (status == STK_OK) {
        struct reader *reader = &unpacked.reader;
        message->count = read_figures(reader, message->figures, STK_FIGURES_MAX);
        if (reader->status == STK_OK && find(reader, "version") != NULL)
            message->version = read_text(reader, "version", STK_NAME_BYTES_MAX);
        message->stream_count =
            read_rows(reader, "streams", message->streams, STK_STREAMS_MAX, read_stream_row);
        message->trainer_count =
            read_rows(reader, "trainers", message->trainers, STK_TRAINERS_MAX, read_trainer_row);
        status = reader->status;
    }
    if (status != STK_OK)
        clear(message, message->id);
    unpack_end(&unpacked);
    return status;
}
