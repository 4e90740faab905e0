/*
 * libFuzzer target: a stranger's header to the client, before frames that fit it or nearly do.
 *
 * No crash; what is accepted has the tensors that its header says, inside the frames, and every
 * list of replaced slots inside the batch.
 */
#include <stdlib.h>
#include <string.h>

#include "client/batch.h"
#include "daemon/base/check.h"

enum { FRAME_BYTES_MAX = 1 << 20 };

/* Of the stream that was asked: what tests/fuzz/corpus/batch is about. */
static const struct stk_stream_info info = {
    .stream = {"train", 5},
    .samples = 60,
    .epoch_samples = 60,
    .steps = 15,
    .batch = 4,
    .shape = {8, 8, 3},
    .dtype = STK_U8,
    .classes = 3,
};

static void add_frame(struct stk_frames *frames, const void *bytes, size_t len)
{
    zmq_msg_t *frame = &frames->frames[frames->count++];
    CHECK(zmq_msg_init_size(frame, len) == 0);
    if (bytes != NULL)
        memcpy(zmq_msg_data(frame), bytes, len);
    else
        memset(zmq_msg_data(frame), 1, len);
}

/* A frame a tensor; one of them a byte short where the header's hash says so. */
static void add_tensors(struct stk_frames *frames, const struct stk_batch_header *header,
                        size_t seed)
{
    for (uint32_t i = 0; i < header->tensor_count; i++) {
        size_t bytes = stk_tensor_bytes(&header->tensors[i]);
        if (bytes > FRAME_BYTES_MAX)
            bytes = FRAME_BYTES_MAX;
        if (seed % 16 == i && bytes > 0)
            bytes--;
        add_frame(frames, NULL, bytes);
    }
}

static void check_batch(const struct stk_batch *batch)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    CHECK(header->count >= 1 && header->count <= info.batch);
    unsigned sum = 0;
    for (uint32_t i = 0; i < header->tensor_count; i++) {
        const uint8_t *tensor = stk_batch_tensor_at(batch, i);
        size_t bytes = stk_tensor_bytes(&header->tensors[i]);
        CHECK((uintptr_t)tensor % stk_dtype_bytes(header->tensors[i].dtype) == 0);
        for (size_t k = 0; k < bytes; k++)
            sum += tensor[k]; /* the sanitizer looks on */
    }
    CHECK(sum > 0);
    uint32_t count;
    const struct stk_replaced *rows = stk_batch_replaced(batch, &count);
    for (uint32_t i = 0; i < count; i++)
        CHECK(rows[i].slot < 2 * header->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct stk_batch_header header;
    if (stk_batch_header_decode(bytes, len, &header) != STK_OK)
        return 0;
    struct stk_frames frames = {.count = 0};
    struct stk_batch *batch;
    char error[STK_ERROR_BYTES] = "";
    add_frame(&frames, bytes, len);
    add_tensors(&frames, &header, len);
    if (stk_batch_open(&frames, &info, header.address, &batch, error) == STK_OK)
        check_batch(batch);
    else
        CHECK(error[0] != '\0');
    stk_batch_close(&batch);
    stk_frames_release(&frames);
    return 0;
}
