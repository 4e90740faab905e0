/*
 * libFuzzer target: a stranger's bytes to every decoder of proto/.
 *
 * What a decoder accepts must point into the bytes, and encode again to something that it accepts.
 */
#include <stdlib.h>

#include "daemon/base/check.h"
#include "proto/message.h"

static void check_inside(struct stk_text text, const uint8_t *bytes, size_t len)
{
    if (text.len > 0)
        CHECK(text.data >= (const char *)bytes &&
              text.data + text.len <= (const char *)bytes + len);
}

static void try_request(const uint8_t *bytes, size_t len)
{
    struct stk_request message;
    if (stk_request_decode(bytes, len, &message) != STK_OK)
        return;
    check_inside(message.stream, bytes, len);
    check_inside(message.name, bytes, len);
    uint8_t again[STK_REQUEST_BYTES_MAX];
    size_t again_len;
    struct stk_request same;
    CHECK(stk_request_encode(&message, again, sizeof again, &again_len) == STK_OK);
    CHECK(stk_request_decode(again, again_len, &same) == STK_OK);
    CHECK(same.kind == message.kind && same.id == message.id);
}

static void try_batch_header(const uint8_t *bytes, size_t len)
{
    static struct stk_replaced rows[STK_BATCH_MAX];
    struct stk_batch_header message;
    uint32_t count;
    if (stk_batch_header_decode(bytes, len, &message) != STK_OK)
        return;
    for (uint32_t i = 0; i < message.tensor_count; i++)
        check_inside(message.tensors[i].name, bytes, len);
    if (stk_batch_header_replaced(bytes, len, rows, STK_BATCH_MAX, &count) != STK_OK)
        return;
    CHECK(count == message.replaced_count);
    for (uint32_t i = 0; i < count; i++)
        check_inside(rows[i].reason, bytes, len);
}

static void try_replies(const uint8_t *bytes, size_t len)
{
    static struct stk_streams streams;
    static struct stk_labels labels;
    static struct stk_replaced_list replaced;
    static struct stk_stats stats;
    struct stk_welcome welcome;
    struct stk_error error;
    if (stk_welcome_decode(bytes, len, &welcome) == STK_OK)
        check_inside(welcome.info.decoder, bytes, len);
    if (stk_error_decode(bytes, len, &error) == STK_OK)
        check_inside(error.message, bytes, len);
    if (stk_streams_decode(bytes, len, &streams) == STK_OK && streams.count > 0)
        check_inside(streams.rows[streams.count - 1].mix, bytes, len);
    if (stk_labels_decode(bytes, len, &labels) == STK_OK && labels.count > 0)
        check_inside(labels.names[labels.count - 1], bytes, len);
    if (stk_replaced_decode(bytes, len, &replaced) == STK_OK && replaced.count > 0)
        check_inside(replaced.rows[replaced.count - 1].path, bytes, len);
    if (stk_stats_decode(bytes, len, &stats) == STK_OK && stats.count > 0)
        check_inside(stats.figures[stats.count - 1].name, bytes, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    enum stk_kind kind;
    uint64_t id;
    enum stk_status status = stk_reply_kind(bytes, len, &kind, &id);
    (void)status; /* any answer will do */
    try_request(bytes, len);
    try_batch_header(bytes, len);
    try_replies(bytes, len);
    return 0;
}
