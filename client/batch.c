/*
 * A batch at the receiver: see batch.h and stoker.h.
 *
 * A trainer indexes tensors by slot without a second look, so a batch is handed out only if every
 * frame has the bytes that its shape takes, and every tensor that we know has the shape that it
 * has to have.
 */
#include "client/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/fail.h"

enum { ALIGNMENT = 64 };

struct stk_batch {
    struct stk_frames frames;
    struct stk_batch_header header;       /* its texts point into the first frame */
    const void *tensors[STK_TENSORS_MAX]; /* into frames, or into aligned */
    void *aligned;                        /* tensors that were received at an odd address */
    struct stk_replaced *replaced;        /* header.replaced_count rows */
};

enum { COLUMNS_CLASSES = UINT16_MAX }; /* as many as the stream has classes */

/* The tensors with a row a slot, besides the images: [count], or [count, columns]. */
static const struct {
    const char *name;
    enum stk_dtype dtype;
    uint32_t columns;
    bool optional; /* only streams that have a use for it send it */
} known_tensors[] = {
    {"label", STK_I32, 0, false},
    {"partner_label", STK_I32, 0, false},
    {"lambda", STK_F32, 0, false},
    {"index", STK_U64, 0, false},
    {"partner_index", STK_U64, 0, false},
    {"crop", STK_I32, 4, false},
    {"flip", STK_U8, 0, false},
    {"cut", STK_I32, 4, true},
    {"partner_crop", STK_I32, 4, true},
    {"partner_flip", STK_U8, 0, true},
    {"erase", STK_I32, 4, true},
    {"partner_erase", STK_I32, 4, true},
    {"target", STK_F32, COLUMNS_CLASSES, true},
    {"valid", STK_U8, 0, true},
};

void stk_batch_close(struct stk_batch **batch)
{
    if (*batch == NULL)
        return;
    stk_frames_release(&(*batch)->frames);
    free((*batch)->aligned);
    free((*batch)->replaced);
    free(*batch);
    *batch = NULL;
}

/* Headers hold short messages inside themselves, so they are moved by libzmq, not copied. */
static void move_frames(struct stk_frames *from, struct stk_frames *to)
{
    for (uint32_t i = 0; i < from->count; i++) {
        zmq_msg_init(&to->frames[i]);
        zmq_msg_move(&to->frames[i], &from->frames[i]);
    }
    to->count = from->count;
}

static bool images_shaped(const struct stk_tensor_info *tensor, const struct stk_stream_info *info,
                          const struct stk_batch_header *header)
{
    struct stk_phase phase = stk_stream_phase(info, header->address.epoch);
    return tensor->dtype == info->dtype && tensor->rank == 4 && tensor->shape[0] == header->count &&
           memcmp(&tensor->shape[1], phase.shape, sizeof phase.shape) == 0;
}

/* Whether a tensor has the dtype and shape that its name asks for; unknown names may be anything.
 */
static bool tensor_shaped(const struct stk_tensor_info *tensor, const struct stk_stream_info *info,
                          const struct stk_batch_header *header)
{
    if (stk_text_is(tensor->name, "images"))
        return images_shaped(tensor, info, header);
    for (size_t i = 0; i < sizeof known_tensors / sizeof *known_tensors; i++) {
        if (!stk_text_is(tensor->name, known_tensors[i].name))
            continue;
        uint32_t columns = known_tensors[i].columns;
        if (columns == COLUMNS_CLASSES)
            columns = info->classes;
        return tensor->dtype == known_tensors[i].dtype && tensor->shape[0] == header->count &&
               tensor->rank == (columns == 0 ? 1 : 2) &&
               (columns == 0 || tensor->shape[1] == columns);
    }
    return true;
}

static enum stk_status check_address(const struct stk_batch_header *header,
                                     const struct stk_stream_info *info, struct stk_address address,
                                     char *error)
{
    if (header->address.epoch != address.epoch || header->address.step != address.step)
        return stk_fail(error, STK_INVALID,
                        "a daemon broke the protocol: asked for epoch %" PRIu32 " step %" PRIu64
                        " it sent epoch %" PRIu32 " step %" PRIu64,
                        address.epoch, address.step, header->address.epoch, header->address.step);
    if (header->stream.len != info->stream.len ||
        memcmp(header->stream.data, info->stream.data, info->stream.len) != 0)
        return stk_fail(error, STK_INVALID,
                        "a daemon broke the protocol: asked for stream '%.*s' it sent '%.*s'",
                        (int)info->stream.len, info->stream.data, (int)header->stream.len,
                        header->stream.data);
    if (memcmp(&header->fingerprint, &info->fingerprint, sizeof info->fingerprint) != 0)
        return stk_fail(error, STK_INVALID,
                        "a daemon broke the protocol: its batch has another fingerprint than the "
                        "one that was pinned");
    uint32_t count_max = stk_stream_phase(info, address.epoch).batch;
    if (header->count == 0 || header->count > count_max)
        return stk_fail(error, STK_INVALID,
                        "a daemon broke the protocol: a batch of %" PRIu32 " samples where %" PRIu32
                        " are the most",
                        header->count, count_max);
    return STK_OK;
}

static uint32_t count_tensors(const struct stk_batch_header *header, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < header->tensor_count; i++)
        count += stk_text_is(header->tensors[i].name, name);
    return count;
}

/* A trainer may rely on what every batch has. */
static enum stk_status check_names(const struct stk_batch_header *header,
                                   const struct stk_stream_info *info, char *error)
{
    const char *missing = count_tensors(header, "images") == 1 ? NULL : "images";
    for (size_t i = 0; i < sizeof known_tensors / sizeof *known_tensors; i++) {
        uint32_t count = count_tensors(header, known_tensors[i].name);
        if (count != 1 && !(count == 0 && known_tensors[i].optional))
            missing = known_tensors[i].name;
    }
    if (info->last == STK_LAST_MASK && count_tensors(header, "valid") != 1)
        missing = "valid";
    if (missing == NULL)
        return STK_OK;
    return stk_fail(error, STK_INVALID,
                    "a daemon broke the protocol: a batch has the tensor '%s' not once", missing);
}

static enum stk_status check_tensors(struct stk_batch *batch, const struct stk_stream_info *info,
                                     char *error)
{
    const struct stk_batch_header *header = &batch->header;
    if (batch->frames.count != 1 + header->tensor_count)
        return stk_fail(error, STK_INVALID,
                        "a daemon broke the protocol: a batch of %" PRIu32
                        " tensors came in %" PRIu32 " frames",
                        header->tensor_count, batch->frames.count);
    for (uint32_t i = 0; i < header->tensor_count; i++) {
        const struct stk_tensor_info *tensor = &header->tensors[i];
        if (zmq_msg_size(&batch->frames.frames[1 + i]) != stk_tensor_bytes(tensor) ||
            !tensor_shaped(tensor, info, header))
            return stk_fail(error, STK_INVALID,
                            "a daemon broke the protocol: the tensor '%.*s' has not the bytes and "
                            "the shape that it has to have",
                            (int)tensor->name.len, tensor->name.data);
        batch->tensors[i] = zmq_msg_data(&batch->frames.frames[1 + i]);
    }
    return check_names(header, info, error);
}

static size_t aligned_bytes(const struct stk_batch *batch, uint32_t tensor)
{
    const struct stk_tensor_info *info = &batch->header.tensors[tensor];
    if ((uintptr_t)batch->tensors[tensor] % stk_dtype_bytes(info->dtype) == 0)
        return 0;
    return (stk_tensor_bytes(info) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/*
 * libzmq leaves a frame of less than 8 KB where its receive buffer had it, at any address.  Those
 * (labels, lambdas) are copied so that their elements may be read; a long one has memory of its
 * own, aligned to 8 bytes.
 */
static enum stk_status align_tensors(struct stk_batch *batch)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < batch->header.tensor_count; i++)
        bytes += aligned_bytes(batch, i);
    if (bytes == 0)
        return STK_OK;
    batch->aligned = aligned_alloc(ALIGNMENT, bytes);
    if (batch->aligned == NULL)
        return STK_MEMORY;
    char *to = batch->aligned;
    for (uint32_t i = 0; i < batch->header.tensor_count; i++) {
        size_t used = aligned_bytes(batch, i);
        if (used == 0)
            continue;
        memcpy(to, batch->tensors[i], stk_tensor_bytes(&batch->header.tensors[i]));
        batch->tensors[i] = to;
        to += used;
    }
    return STK_OK;
}

static enum stk_status read_replaced(struct stk_batch *batch, char *error)
{
    uint32_t capacity = batch->header.replaced_count;
    if (capacity == 0)
        return STK_OK;
    batch->replaced = calloc(capacity, sizeof *batch->replaced);
    if (batch->replaced == NULL)
        return STK_MEMORY;
    uint32_t count;
    enum stk_status status = stk_batch_header_replaced(zmq_msg_data(&batch->frames.frames[0]),
                                                       zmq_msg_size(&batch->frames.frames[0]),
                                                       batch->replaced, capacity, &count);
    if (status != STK_OK)
        return stk_fail(error, status,
                        "a daemon broke the protocol: its list of replaced slots "
                        "makes no sense");
    /* Partners that have pictures of their own come behind the slots. */
    bool separate = count_tensors(&batch->header, "partner_crop") > 0;
    uint32_t pictures = separate ? 2 * batch->header.count : batch->header.count;
    for (uint32_t i = 0; i < count; i++) {
        if (batch->replaced[i].slot >= pictures)
            return stk_fail(error, STK_INVALID,
                            "a daemon broke the protocol: slot %" PRIu32 " is replaced in a batch "
                            "of %" PRIu32,
                            batch->replaced[i].slot, batch->header.count);
    }
    batch->header.replaced = batch->replaced;
    return STK_OK;
}

static enum stk_status fill(struct stk_batch *batch, const struct stk_stream_info *info,
                            struct stk_address address, char *error)
{
    enum stk_status status =
        stk_batch_header_decode(zmq_msg_data(&batch->frames.frames[0]),
                                zmq_msg_size(&batch->frames.frames[0]), &batch->header);
    if (status != STK_OK)
        return stk_fail(error, status,
                        "a daemon broke the protocol: its batch has a header that "
                        "cannot be read");
    if ((status = check_address(&batch->header, info, address, error)) != STK_OK ||
        (status = check_tensors(batch, info, error)) != STK_OK ||
        (status = align_tensors(batch)) != STK_OK)
        return status;
    return read_replaced(batch, error);
}

enum stk_status stk_batch_open(struct stk_frames *frames, const struct stk_stream_info *info,
                               struct stk_address address, struct stk_batch **batch, char *error)
{
    *batch = NULL;
    if (frames->count == 0 || frames->count > STK_FRAMES_MAX)
        return stk_fail(error, STK_INVALID, "a daemon broke the protocol: more than %d frames",
                        STK_FRAMES_MAX);
    struct stk_batch *made = calloc(1, sizeof *made);
    if (made == NULL)
        return stk_fail(error, STK_MEMORY, "no memory for a batch");
    move_frames(frames, &made->frames);
    enum stk_status status = fill(made, info, address, error);
    if (status == STK_MEMORY)
        stk_fail(error, STK_MEMORY, "no memory for a batch");
    if (status == STK_OK)
        *batch = made;
    else
        stk_batch_close(&made);
    return status;
}

const struct stk_batch_header *stk_batch_header(const struct stk_batch *batch)
{
    return &batch->header;
}

const void *stk_batch_tensor(const struct stk_batch *batch, const char *name,
                             const struct stk_tensor_info **info)
{
    for (uint32_t i = 0; i < batch->header.tensor_count; i++) {
        if (!stk_text_is(batch->header.tensors[i].name, name))
            continue;
        if (info != NULL)
            *info = &batch->header.tensors[i];
        return batch->tensors[i];
    }
    if (info != NULL)
        *info = NULL;
    return NULL;
}

const void *stk_batch_tensor_at(const struct stk_batch *batch, uint32_t index)
{
    return batch->tensors[index];
}

const struct stk_replaced *stk_batch_replaced(const struct stk_batch *batch, uint32_t *count)
{
    *count = batch->header.replaced_count;
    return batch->replaced;
}
