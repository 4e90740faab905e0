/*
 * Encoding: messages to msgpack, in the order of keys that PROTOCOL.md shows.
 *
 * libmsgpack packs into the caller's storage through write_bytes; a message that does not fit sets
 * `full` and is refused at the end, so that no call in between needs a check.
 */
#include "proto/message.h"

#include <msgpack.h>
#include <string.h>

#include "proto/utf8.h"

struct writer {
    char *bytes;
    size_t capacity;
    size_t len;
    bool full;
    msgpack_packer packer;
};

static int write_bytes(void *context, const char *bytes, size_t len)
{
    struct writer *writer = context;
    if (writer->full || len > writer->capacity - writer->len) {
        writer->full = true;
        return -1;
    }
    memcpy(writer->bytes + writer->len, bytes, len);
    writer->len += len;
    return 0;
}

static void begin(struct writer *writer, void *bytes, size_t capacity, size_t keys)
{
    *writer = (struct writer){.bytes = bytes, .capacity = capacity};
    msgpack_packer_init(&writer->packer, writer, write_bytes);
    msgpack_pack_map(&writer->packer, keys);
}

static enum stk_status end(const struct writer *writer, size_t *len)
{
    *len = writer->full ? 0 : writer->len;
    return writer->full ? STK_LIMIT : STK_OK;
}

/* Texts come from file names too: what is not UTF-8 goes out as '?'. */
static void put_text(struct writer *writer, struct stk_text text)
{
    msgpack_pack_str(&writer->packer, text.len);
    for (size_t i = 0; i < text.len;) {
        size_t step = stk_utf8_len(text.data + i, text.len - i);
        msgpack_pack_str_body(&writer->packer, step == 0 ? "?" : text.data + i,
                              step == 0 ? 1 : step);
        i += step == 0 ? 1 : step;
    }
}

static void put_key(struct writer *writer, const char *key)
{
    put_text(writer, stk_text_of(key));
}

static void put_number(struct writer *writer, uint64_t number)
{
    msgpack_pack_uint64(&writer->packer, number);
}

static void key_number(struct writer *writer, const char *key, uint64_t number)
{
    put_key(writer, key);
    put_number(writer, number);
}

static void key_text(struct writer *writer, const char *key, struct stk_text text)
{
    put_key(writer, key);
    put_text(writer, text);
}

static void key_word(struct writer *writer, const char *key, const char *word)
{
    key_text(writer, key, stk_text_of(word));
}

static void key_fingerprint(struct writer *writer, const struct stk_fingerprint *fingerprint)
{
    put_key(writer, "fingerprint");
    msgpack_pack_bin(&writer->packer, sizeof fingerprint->bytes);
    msgpack_pack_bin_body(&writer->packer, fingerprint->bytes, sizeof fingerprint->bytes);
}

/* Left out where it says nothing: most peers never ask. */
static void key_unmixed(struct writer *writer, enum stk_unmixed unmixed)
{
    if (unmixed != STK_MIXED)
        key_word(writer, "unmixed", stk_unmixed_word(unmixed));
}

static void key_shape(struct writer *writer, const uint32_t *shape, uint32_t rank)
{
    put_key(writer, "shape");
    msgpack_pack_array(&writer->packer, rank);
    for (uint32_t i = 0; i < rank; i++)
        put_number(writer, shape[i]);
}

enum stk_status stk_request_encode(const struct stk_request *message, void *bytes, size_t capacity,
                                   size_t *len)
{
    static const char *const kinds[] = {"hello",  "get",      "cancel", "streams",
                                        "labels", "replaced", "stats"};
    static const size_t keys[] = {6, 5, 2, 2, 4, 4, 2};
    struct writer writer;
    bool get = message->kind == STK_KIND_GET;
    begin(&writer, bytes, capacity,
          keys[message->kind] + (get && message->pinned) + (get && message->unmixed != STK_MIXED));
    key_word(&writer, "k", kinds[message->kind]);
    key_number(&writer, "id", message->id);
    switch (message->kind) {
    case STK_KIND_HELLO:
        key_number(&writer, "v", message->version);
        key_text(&writer, "stream", message->stream);
        key_text(&writer, "name", message->name);
        key_number(&writer, "window", message->window);
        break;
    case STK_KIND_GET:
        key_text(&writer, "stream", message->stream);
        key_number(&writer, "epoch", message->address.epoch);
        key_number(&writer, "step", message->address.step);
        if (message->pinned)
            key_fingerprint(&writer, &message->fingerprint);
        key_unmixed(&writer, message->unmixed);
        break;
    case STK_KIND_LABELS:
    case STK_KIND_REPLACED:
        key_text(&writer, "stream", message->stream);
        key_number(&writer, "first", message->first);
        break;
    default:
        break;
    }
    return end(&writer, len);
}

enum { INFO_KEYS = 15 };

static void put_phase(struct writer *writer, const struct stk_phase *phase)
{
    msgpack_pack_map(&writer->packer, 4);
    key_number(writer, "epoch", phase->epoch);
    key_number(writer, "steps", phase->steps);
    key_number(writer, "batch", phase->batch);
    key_shape(writer, phase->shape, 3);
}

static void put_info(struct writer *writer, const struct stk_stream_info *info)
{
    key_text(writer, "stream", info->stream);
    key_fingerprint(writer, &info->fingerprint);
    key_number(writer, "samples", info->samples);
    key_number(writer, "epoch_samples", info->epoch_samples);
    key_number(writer, "steps", info->steps);
    key_number(writer, "batch", info->batch);
    key_shape(writer, info->shape, 3);
    key_word(writer, "dtype", stk_dtype_word(info->dtype));
    key_word(writer, "layout", stk_layout_word(info->layout));
    key_word(writer, "last", stk_last_word(info->last));
    key_word(writer, "labels", stk_label_kind_word(info->labels));
    key_number(writer, "classes", info->classes);
    key_text(writer, "mix", info->mix);
    key_text(writer, "decoder", info->decoder);
    put_key(writer, "phases");
    msgpack_pack_array(&writer->packer, info->phase_count);
    for (uint32_t i = 0; i < info->phase_count; i++)
        put_phase(writer, &info->phases[i]);
}

enum stk_status stk_welcome_encode(const struct stk_welcome *message, void *bytes, size_t capacity,
                                   size_t *len)
{
    struct writer writer;
    begin(&writer, bytes, capacity, 5 + INFO_KEYS);
    key_word(&writer, "k", "welcome");
    key_number(&writer, "id", message->id);
    key_number(&writer, "v", message->version);
    key_number(&writer, "plan", message->plan);
    key_number(&writer, "window", message->window);
    put_info(&writer, &message->info);
    return end(&writer, len);
}

static void put_tensor(struct writer *writer, const struct stk_tensor_info *tensor)
{
    msgpack_pack_map(&writer->packer, 3);
    key_text(writer, "name", tensor->name);
    key_word(writer, "dtype", stk_dtype_word(tensor->dtype));
    key_shape(writer, tensor->shape, tensor->rank);
}

static void put_replaced(struct writer *writer, const struct stk_replaced *row)
{
    msgpack_pack_map(&writer->packer, 3);
    key_number(writer, "slot", row->slot);
    key_number(writer, "index", row->index);
    key_text(writer, "reason", row->reason);
}

enum stk_status stk_batch_header_encode(const struct stk_batch_header *message, void *bytes,
                                        size_t capacity, size_t *len)
{
    struct writer writer;
    begin(&writer, bytes, capacity, 9 + (message->unmixed != STK_MIXED));
    key_word(&writer, "k", "batch");
    key_number(&writer, "id", message->id);
    key_text(&writer, "stream", message->stream);
    key_fingerprint(&writer, &message->fingerprint);
    key_number(&writer, "epoch", message->address.epoch);
    key_number(&writer, "step", message->address.step);
    key_number(&writer, "count", message->count);
    put_key(&writer, "tensors");
    msgpack_pack_array(&writer.packer, message->tensor_count);
    for (uint32_t i = 0; i < message->tensor_count; i++)
        put_tensor(&writer, &message->tensors[i]);
    put_key(&writer, "replaced");
    msgpack_pack_array(&writer.packer, message->replaced_count);
    for (uint32_t i = 0; i < message->replaced_count; i++)
        put_replaced(&writer, &message->replaced[i]);
    key_unmixed(&writer, message->unmixed);
    return end(&writer, len);
}

enum stk_status stk_error_encode(const struct stk_error *message, void *bytes, size_t capacity,
                                 size_t *len)
{
    struct writer writer;
    begin(&writer, bytes, capacity, 4 + (message->retry_ms != 0));
    key_word(&writer, "k", "error");
    key_number(&writer, "id", message->id);
    key_word(&writer, "code", stk_status_word(message->status));
    key_text(&writer, "message", message->message);
    if (message->retry_ms != 0)
        key_number(&writer, "retry_ms", message->retry_ms);
    return end(&writer, len);
}

enum stk_status stk_labels_encode(const struct stk_labels *message, void *bytes, size_t capacity,
                                  size_t *len)
{
    struct writer writer;
    begin(&writer, bytes, capacity, 5);
    key_word(&writer, "k", "labels");
    key_number(&writer, "id", message->id);
    key_number(&writer, "first", message->first);
    put_key(&writer, "names");
    msgpack_pack_array(&writer.packer, message->count);
    for (uint32_t i = 0; i < message->count; i++)
        put_text(&writer, message->names[i]);
    put_key(&writer, "counts");
    msgpack_pack_array(&writer.packer, message->count);
    for (uint32_t i = 0; i < message->count; i++)
        put_number(&writer, message->counts[i]);
    return end(&writer, len);
}

static void put_replaced_sample(struct writer *writer, const struct stk_replaced_sample *row)
{
    msgpack_pack_map(&writer->packer, 6);
    key_number(writer, "index", row->index);
    key_text(writer, "path", row->path);
    key_text(writer, "reason", row->reason);
    key_number(writer, "slots", row->slots);
    key_number(writer, "epoch", row->address.epoch);
    key_number(writer, "step", row->address.step);
}

enum stk_status stk_replaced_encode(const struct stk_replaced_list *message, void *bytes,
                                    size_t capacity, size_t *len)
{
    struct writer writer;
    begin(&writer, bytes, capacity, 5);
    key_word(&writer, "k", "replaced");
    key_number(&writer, "id", message->id);
    key_number(&writer, "first", message->first);
    key_number(&writer, "samples", message->samples);
    put_key(&writer, "rows");
    msgpack_pack_array(&writer.packer, message->count);
    for (uint32_t i = 0; i < message->count; i++)
        put_replaced_sample(&writer, &message->rows[i]);
    return end(&writer, len);
}

enum stk_status stk_streams_encode(const struct stk_streams *message, void *bytes, size_t capacity,
                                   size_t *len)
{
    struct writer writer;
    begin(&writer, bytes, capacity, 3);
    key_word(&writer, "k", "streams");
    key_number(&writer, "id", message->id);
    put_key(&writer, "streams");
    msgpack_pack_array(&writer.packer, message->count);
    for (uint32_t i = 0; i < message->count; i++) {
        msgpack_pack_map(&writer.packer, INFO_KEYS);
        put_info(&writer, &message->rows[i]);
    }
    return end(&writer, len);
}

static void key_figures(struct writer *writer, const struct stk_figure *figures, uint32_t count)
{
    put_key(writer, "figures");
    msgpack_pack_map(&writer->packer, count);
    for (uint32_t i = 0; i < count; i++) {
        put_text(writer, figures[i].name);
        put_number(writer, figures[i].value);
    }
}

static void put_stream_row(struct writer *writer, const struct stk_figure_row *row)
{
    msgpack_pack_map(&writer->packer, 3);
    key_text(writer, "stream", row->stream);
    key_text(writer, "limit", row->limit);
    key_figures(writer, row->figures, row->count);
}

static void put_trainer_row(struct writer *writer, const struct stk_figure_row *row)
{
    msgpack_pack_map(&writer->packer, 5);
    key_text(writer, "name", row->name);
    key_number(writer, "number", row->number);
    key_text(writer, "stream", row->stream);
    key_text(writer, "transport", row->transport);
    key_figures(writer, row->figures, row->count);
}

static void key_rows(struct writer *writer, const char *key, const struct stk_figure_row *rows,
                     uint32_t count, void (*put)(struct writer *, const struct stk_figure_row *))
{
    put_key(writer, key);
    msgpack_pack_array(&writer->packer, count);
    for (uint32_t i = 0; i < count; i++)
        put(writer, &rows[i]);
}

enum stk_status stk_stats_encode(const struct stk_stats *message, void *bytes, size_t capacity,
                                 size_t *len)
{
    struct writer writer;
    int optional =
        (message->version.len > 0) + (message->stream_count > 0) + (message->trainer_count > 0);
    begin(&writer, bytes, capacity, 3 + (size_t)optional);
    key_word(&writer, "k", "stats");
    key_number(&writer, "id", message->id);
    key_figures(&writer, message->figures, message->count);
    if (message->version.len > 0)
        key_text(&writer, "version", message->version);
    if (message->stream_count > 0)
        key_rows(&writer, "streams", message->streams, message->stream_count, put_stream_row);
    if (message->trainer_count > 0)
        key_rows(&writer, "trainers", message->trainers, message->trainer_count, put_trainer_row);
    return end(&writer, len);
}
