/*
 * Decoding: a peer's bytes to messages.
 *
 * A decoder is a list of its keys (reader.h).
 */
#include "proto/message.h"

#include <msgpack.h>
#include <string.h>

#include "proto/reader.h"

#define WORD_OF(name)                                                                              \
    static const char *name##_word(unsigned i)                                                     \
    {                                                                                              \
        return stk_##name##_word((enum stk_##name)i);                                              \
    }
WORD_OF(dtype)
WORD_OF(layout)
WORD_OF(last)
WORD_OF(label_kind)
WORD_OF(unmixed)

static enum stk_unmixed read_unmixed(struct reader *reader)
{
    if (reader->status != STK_OK || find(reader, "unmixed") == NULL)
        return STK_MIXED;
    return (enum stk_unmixed)read_word(reader, "unmixed", unmixed_word, STK_UNMIXED_COUNT);
}

static void read_fingerprint(struct reader *reader, struct stk_fingerprint *fingerprint)
{
    const msgpack_object *object = need(reader, "fingerprint", MSGPACK_OBJECT_BIN);
    if (object == NULL)
        return;
    if (object->via.bin.size == sizeof fingerprint->bytes)
        memcpy(fingerprint->bytes, object->via.bin.ptr, sizeof fingerprint->bytes);
    else
        fail(reader, STK_INVALID);
}

static uint32_t read_shape(struct reader *reader, uint32_t *shape, uint32_t rank_max)
{
    const msgpack_object_array *array = read_array(reader, "shape", rank_max);
    for (uint32_t i = 0; i < array->size; i++) {
        const msgpack_object *side = &array->ptr[i];
        if (side->type != MSGPACK_OBJECT_POSITIVE_INTEGER || side->via.u64 > UINT32_MAX)
            fail(reader, STK_INVALID);
        else
            shape[i] = (uint32_t)side->via.u64;
    }
    return array->size;
}

static void read_request(struct reader *reader, struct stk_request *message)
{
    if (!kind_of(reader, STK_KIND_HELLO, STK_KIND_STATS, &message->kind)) {
        fail(reader,
             need(reader, "k", MSGPACK_OBJECT_STR) == NULL ? STK_INVALID : STK_UNKNOWN_KIND);
        return;
    }
    message->id = read_number(reader, "id", UINT64_MAX);
    switch (message->kind) {
    case STK_KIND_HELLO:
        message->version = read_number32(reader, "v");
        if (reader->status == STK_OK && message->version != STK_PROTOCOL_VERSION) {
            fail(reader, STK_VERSION);
            break;
        }
        message->stream = read_text(reader, "stream", STK_NAME_BYTES_MAX);
        message->name = read_text(reader, "name", STK_NAME_BYTES_MAX);
        message->window = read_number32(reader, "window");
        break;
    case STK_KIND_GET:
        message->stream = read_text(reader, "stream", STK_NAME_BYTES_MAX);
        message->address.epoch = read_number32(reader, "epoch");
        message->address.step = read_number(reader, "step", UINT64_MAX);
        message->pinned = find(reader, "fingerprint") != NULL;
        if (message->pinned)
            read_fingerprint(reader, &message->fingerprint);
        message->unmixed = read_unmixed(reader);
        break;
    case STK_KIND_LABELS:
    case STK_KIND_REPLACED:
        message->stream = read_text(reader, "stream", STK_NAME_BYTES_MAX);
        message->first = read_number32(reader, "first");
        break;
    default:
        break;
    }
}

enum stk_status stk_request_decode(const void *bytes, size_t len, struct stk_request *message)
{
    *message = (struct stk_request){0};
    struct unpacked unpacked;
    enum stk_status status = unpack_begin(&unpacked, bytes, len, STK_REQUEST_BYTES_MAX);
    if (status == STK_OK) {
        read_request(&unpacked.reader, message);
        status = unpacked.reader.status;
        if (status != STK_OK)
            *message =
                (struct stk_request){.id = id_of(&unpacked.reader), .version = message->version};
    }
    unpack_end(&unpacked);
    return status;
}

enum stk_status stk_reply_kind(const void *bytes, size_t len, enum stk_kind *kind, uint64_t *id)
{
    *kind = (enum stk_kind)0;
    *id = 0;
    struct unpacked unpacked;
    enum stk_status status = unpack_begin(&unpacked, bytes, len, STK_HEADER_BYTES_MAX);
    if (status == STK_OK) {
        *id = id_of(&unpacked.reader);
        if (!kind_of(&unpacked.reader, STK_KIND_STREAMS, STK_KIND_ERROR, kind))
            status = STK_UNKNOWN_KIND;
    }
    unpack_end(&unpacked);
    return status;
}

/* [height, width, 3] or [3, height, width], with sides that a picture may have. */
static void check_shape(struct reader *reader, enum stk_layout layout, const uint32_t shape[3])
{
    const uint32_t channels = layout == STK_NHWC ? 2 : 0;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t side = shape[i];
        if (i == channels ? side != 3 : side < 1 || side > STK_SIDE_MAX)
            fail(reader, STK_INVALID);
    }
}

static void check_picture(struct reader *reader, const struct stk_stream_info *info)
{
    check_shape(reader, info->layout, info->shape);
    if (info->dtype != STK_U8 && info->dtype != STK_F32 && info->dtype != STK_F16 &&
        info->dtype != STK_BF16)
        fail(reader, STK_INVALID);
    if (info->batch < 1)
        fail(reader, STK_INVALID);
}

/* Each begins behind the one before it, the first behind epoch 0. */
static void read_phases(struct reader *outer, struct stk_stream_info *info)
{
    const msgpack_object_array *rows = read_array(outer, "phases", STK_PHASES_MAX);
    uint32_t before = 0;
    info->phase_count = rows->size;
    for (uint32_t i = 0; i < rows->size; i++) {
        struct reader reader = inner(outer, &rows->ptr[i]);
        struct stk_phase *phase = &info->phases[i];
        phase->epoch = read_number32(&reader, "epoch");
        phase->steps = read_number(&reader, "steps", UINT64_MAX);
        phase->batch = (uint32_t)read_number(&reader, "batch", STK_BATCH_MAX);
        if (read_shape(&reader, phase->shape, 3) != 3 || phase->epoch <= before || phase->batch < 1)
            fail(&reader, STK_INVALID);
        check_shape(&reader, info->layout, phase->shape);
        before = phase->epoch;
        fail(outer, reader.status);
    }
}

static void read_info(struct reader *reader, struct stk_stream_info *info)
{
    info->stream = read_text(reader, "stream", STK_NAME_BYTES_MAX);
    read_fingerprint(reader, &info->fingerprint);
    info->samples = read_number(reader, "samples", UINT64_MAX);
    info->epoch_samples = read_number(reader, "epoch_samples", UINT64_MAX);
    info->steps = read_number(reader, "steps", UINT64_MAX);
    info->batch = (uint32_t)read_number(reader, "batch", STK_BATCH_MAX);
    if (read_shape(reader, info->shape, 3) != 3)
        fail(reader, STK_INVALID);
    info->dtype = (enum stk_dtype)read_word(reader, "dtype", dtype_word, STK_DTYPE_COUNT);
    info->layout = (enum stk_layout)read_word(reader, "layout", layout_word, 2);
    info->last = (enum stk_last)read_word(reader, "last", last_word, STK_LAST_COUNT);
    info->labels =
        (enum stk_label_kind)read_word(reader, "labels", label_kind_word, STK_LABEL_COUNT);
    info->classes = read_number32(reader, "classes");
    info->mix = read_text(reader, "mix", STK_TEXT_BYTES_MAX);
    info->decoder = read_text(reader, "decoder", STK_TEXT_BYTES_MAX);
    check_picture(reader, info);
    read_phases(reader, info);
}

enum stk_status stk_welcome_decode(const void *bytes, size_t len, struct stk_welcome *message)
{
    *message = (struct stk_welcome){0};
    struct unpacked unpacked;
    enum stk_status status = reply_begin(&unpacked, bytes, len, STK_KIND_WELCOME, &message->id);
    if (status == STK_OK) {
        struct reader *reader = &unpacked.reader;
        message->version = read_number32(reader, "v");
        if (reader->status == STK_OK && message->version != STK_PROTOCOL_VERSION)
            fail(reader, STK_VERSION);
        message->plan = read_number32(reader, "plan");
        message->window = read_number32(reader, "window");
        read_info(reader, &message->info);
        status = reader->status;
    }
    if (status != STK_OK)
        *message = (struct stk_welcome){.id = message->id, .version = message->version};
    unpack_end(&unpacked);
    return status;
}

/* A tensor's bytes fit into a size_t, so that nobody has to check the product again. */
static bool fits(const struct stk_tensor_info *tensor)
{
    size_t bytes = stk_dtype_bytes(tensor->dtype);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (__builtin_mul_overflow(bytes, (size_t)tensor->shape[i], &bytes))
            return false;
    }
    return true;
}

static void read_tensor(struct reader *outer, const msgpack_object *object,
                        struct stk_tensor_info *tensor)
{
    struct reader reader = inner(outer, object);
    tensor->name = read_text(&reader, "name", STK_NAME_BYTES_MAX);
    tensor->dtype = (enum stk_dtype)read_word(&reader, "dtype", dtype_word, STK_DTYPE_COUNT);
    tensor->rank = read_shape(&reader, tensor->shape, STK_RANK_MAX);
    if (tensor->rank == 0 || !fits(tensor))
        fail(&reader, STK_INVALID);
    fail(outer, reader.status);
}

enum stk_status stk_batch_header_decode(const void *bytes, size_t len,
                                        struct stk_batch_header *message)
{
    *message = (struct stk_batch_header){0};
    struct unpacked unpacked;
    enum stk_status status = reply_begin(&unpacked, bytes, len, STK_KIND_BATCH, &message->id);
    if (status == STK_OK) {
        struct reader *reader = &unpacked.reader;
        message->stream = read_text(reader, "stream", STK_NAME_BYTES_MAX);
        read_fingerprint(reader, &message->fingerprint);
        message->address.epoch = read_number32(reader, "epoch");
        message->address.step = read_number(reader, "step", UINT64_MAX);
        message->count = (uint32_t)read_number(reader, "count", STK_BATCH_MAX);
        const msgpack_object_array *tensors = read_array(reader, "tensors", STK_TENSORS_MAX);
        message->tensor_count = tensors->size;
        for (uint32_t i = 0; i < tensors->size; i++)
            read_tensor(reader, &tensors->ptr[i], &message->tensors[i]);
        message->replaced_count = read_array(reader, "replaced", STK_BATCH_MAX)->size;
        message->unmixed = read_unmixed(reader);
        status = reader->status;
    }
    if (status != STK_OK)
        *message = (struct stk_batch_header){.id = message->id};
    unpack_end(&unpacked);
    return status;
}

enum stk_status stk_batch_header_replaced(const void *bytes, size_t len, struct stk_replaced *rows,
                                          uint32_t capacity, uint32_t *count)
{
    *count = 0;
    uint64_t id;
    struct unpacked unpacked;
    enum stk_status status = reply_begin(&unpacked, bytes, len, STK_KIND_BATCH, &id);
    if (status == STK_OK) {
        struct reader *outer = &unpacked.reader;
        const msgpack_object_array *array = read_array(outer, "replaced", STK_BATCH_MAX);
        uint32_t wanted = array->size < capacity ? array->size : capacity;
        for (uint32_t i = 0; i < wanted; i++) {
            struct reader reader = inner(outer, &array->ptr[i]);
            rows[i].slot = (uint32_t)read_number(&reader, "slot", STK_BATCH_MAX - 1);
            rows[i].index = read_number(&reader, "index", UINT64_MAX);
            rows[i].reason = read_text(&reader, "reason", STK_TEXT_BYTES_MAX);
            fail(outer, reader.status);
        }
        status = outer->status;
        *count = status == STK_OK ? wanted : 0;
    }
    unpack_end(&unpacked);
    return status;
}

enum stk_status stk_error_decode(const void *bytes, size_t len, struct stk_error *message)
{
    *message = (struct stk_error){0};
    struct unpacked unpacked;
    enum stk_status status = reply_begin(&unpacked, bytes, len, STK_KIND_ERROR, &message->id);
    if (status == STK_OK) {
        struct stk_text code = read_text(&unpacked.reader, "code", STK_NAME_BYTES_MAX);
        message->status = stk_status_of_word(code.data, code.len);
        message->message = read_text(&unpacked.reader, "message", STK_TEXT_BYTES_MAX);
        if (unpacked.reader.status == STK_OK && find(&unpacked.reader, "retry_ms") != NULL)
            message->retry_ms = read_number32(&unpacked.reader, "retry_ms");
        /* An error that says "ok" is none. */
        if (message->status == STK_OK)
            fail(&unpacked.reader, STK_INVALID);
        status = unpacked.reader.status;
    }
    if (status != STK_OK)
        *message = (struct stk_error){.id = message->id};
    unpack_end(&unpacked);
    return status;
}

enum stk_status stk_labels_decode(const void *bytes, size_t len, struct stk_labels *message)
{
    *message = (struct stk_labels){0};
    struct unpacked unpacked;
    enum stk_status status = reply_begin(&unpacked, bytes, len, STK_KIND_LABELS, &message->id);
    if (status == STK_OK) {
        struct reader *reader = &unpacked.reader;
        message->first = read_number32(reader, "first");
        const msgpack_object_array *names = read_array(reader, "names", STK_LABELS_MAX);
        message->count = names->size;
        const msgpack_object_array *counts = read_array(reader, "counts", STK_LABELS_MAX);
        if (counts->size != names->size)
            fail(reader, STK_INVALID);
        for (uint32_t i = 0; i < names->size && reader->status == STK_OK; i++) {
            message->names[i] = text_of(reader, &names->ptr[i], STK_TEXT_BYTES_MAX);
            message->counts[i] = number_of(reader, &counts->ptr[i]);
        }
        status = reader->status;
    }
    if (status != STK_OK)
        *message = (struct stk_labels){.id = message->id};
    unpack_end(&unpacked);
    return status;
}

static void read_replaced_sample(struct reader *outer, const msgpack_object *object,
                                 struct stk_replaced_sample *row)
{
    struct reader reader = inner(outer, object);
    row->index = read_number(&reader, "index", UINT64_MAX);
    row->path = read_text(&reader, "path", STK_TEXT_BYTES_MAX);
    row->reason = read_text(&reader, "reason", STK_TEXT_BYTES_MAX);
    row->slots = read_number(&reader, "slots", UINT64_MAX);
    row->address.epoch = read_number32(&reader, "epoch");
    row->address.step = read_number(&reader, "step", UINT64_MAX);
    fail(outer, reader.status);
}

enum stk_status stk_replaced_decode(const void *bytes, size_t len,
                                    struct stk_replaced_list *message)
{
    *message = (struct stk_replaced_list){0};
    struct unpacked unpacked;
    enum stk_status status = reply_begin(&unpacked, bytes, len, STK_KIND_REPLACED, &message->id);
    if (status == STK_OK) {
        struct reader *reader = &unpacked.reader;
        message->first = read_number32(reader, "first");
        message->samples = read_number(reader, "samples", UINT64_MAX);
        const msgpack_object_array *rows = read_array(reader, "rows", STK_REPLACED_MAX);
        message->count = rows->size;
        for (uint32_t i = 0; i < rows->size; i++)
            read_replaced_sample(reader, &rows->ptr[i], &message->rows[i]);
        status = reader->status;
    }
    if (status != STK_OK)
        *message = (struct stk_replaced_list){.id = message->id};
    unpack_end(&unpacked);
    return status;
}

enum stk_status stk_streams_decode(const void *bytes, size_t len, struct stk_streams *message)
{
    *message = (struct stk_streams){0};
    struct unpacked unpacked;
    enum stk_status status = reply_begin(&unpacked, bytes, len, STK_KIND_STREAMS, &message->id);
    if (status == STK_OK) {
        struct reader *outer = &unpacked.reader;
        const msgpack_object_array *rows = read_array(outer, "streams", STK_STREAMS_MAX);
        message->count = rows->size;
        for (uint32_t i = 0; i < rows->size; i++) {
            struct reader reader = inner(outer, &rows->ptr[i]);
            read_info(&reader, &message->rows[i]);
            fail(outer, reader.status);
        }
        status = outer->status;
    }
    if (status != STK_OK)
        *message = (struct stk_streams){.id = message->id};
    unpack_end(&unpacked);
    return status;
}
