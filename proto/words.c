/*
 * Words of the wire: kinds, dtypes, layouts, and small helpers of message.h that are no encoding.
 */
#include "proto/message.h"

#include <string.h>

#define DTYPE_WORD(name, word, bytes) word,
static const char *const dtype_words[] = {STK_DTYPE_LIST(DTYPE_WORD)};

#define DTYPE_BYTES(name, word, bytes) bytes,
static const size_t dtype_bytes[] = {STK_DTYPE_LIST(DTYPE_BYTES)};

const char *stk_dtype_word(enum stk_dtype dtype)
{
    return dtype_words[dtype];
}

size_t stk_dtype_bytes(enum stk_dtype dtype)
{
    return dtype_bytes[dtype];
}

const char *stk_layout_word(enum stk_layout layout)
{
    return layout == STK_NHWC ? "nhwc" : "nchw";
}

const char *stk_last_word(enum stk_last last)
{
    static const char *const words[] = {"drop", "partial", "wrap", "mask"};
    return words[last];
}

const char *stk_label_kind_word(enum stk_label_kind kind)
{
    static const char *const words[] = {"class", "classes", "numbers"};
    return words[kind];
}

const char *stk_unmixed_word(enum stk_unmixed unmixed)
{
    static const char *const words[] = {"no", "own", "partner"};
    return words[unmixed];
}

struct stk_phase stk_stream_phase(const struct stk_stream_info *info, uint32_t epoch)
{
    struct stk_phase phase = {.steps = info->steps, .batch = info->batch};
    memcpy(phase.shape, info->shape, sizeof phase.shape);
    for (uint32_t i = 0; i < info->phase_count && info->phases[i].epoch <= epoch; i++)
        phase = info->phases[i];
    return phase;
}

struct stk_text stk_text_of(const char *string)
{
    return (struct stk_text){string, strlen(string)};
}

bool stk_text_is(struct stk_text text, const char *string)
{
    return strlen(string) == text.len && memcmp(text.data, string, text.len) == 0;
}

void stk_fingerprint_hex(const struct stk_fingerprint *fingerprint,
                         char hex[STK_FINGERPRINT_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof fingerprint->bytes; i++) {
        hex[2 * i] = digits[fingerprint->bytes[i] >> 4];
        hex[2 * i + 1] = digits[fingerprint->bytes[i] & 15];
    }
    hex[STK_FINGERPRINT_HEX_BYTES - 1] = '\0';
}

size_t stk_tensor_bytes(const struct stk_tensor_info *tensor)
{
    size_t bytes = dtype_bytes[tensor->dtype];
    for (uint32_t i = 0; i < tensor->rank; i++)
        bytes *= tensor->shape[i];
    return bytes;
}
