/*
 * The walk behind walk.h: a cursor over untrusted bytes, recursive to STK_DEPTH_MAX.
 */
#include "proto/walk.h"

#include <stdint.h>
#include <string.h>

#include "proto/message.h"
#include "proto/utf8.h"

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* What a value's first bytes say of the rest. */
struct value {
    enum { SCALAR, TEXT, ARRAY, MAP } kind;
    uint64_t count; /* bytes that follow (SCALAR, TEXT) or items (ARRAY, MAP) */
};

struct key {
    const uint8_t *at;
    size_t len;
};

static bool take_big_endian(struct cursor *cursor, unsigned bytes, uint64_t *number)
{
    if ((size_t)(cursor->end - cursor->at) < bytes)
        return false;
    *number = 0;
    for (unsigned i = 0; i < bytes; i++)
        *number = *number << 8 | *cursor->at++;
    return true;
}

/* The types 0xc0 .. 0xdf: {kind, bytes of the length field, bytes that follow besides}. */
static const struct {
    uint8_t kind;
    uint8_t len_bytes;
    uint8_t fixed;
} types[32] = {
    [0x00] = {SCALAR, 0, 0}, /* nil */
    [0x02] = {SCALAR, 0, 0}, /* false */
    [0x03] = {SCALAR, 0, 0}, /* true */
    [0x04] = {SCALAR, 1, 0}, /* bin 8, 16, 32 */
    [0x05] = {SCALAR, 2, 0}, [0x06] = {SCALAR, 4, 0},
    [0x07] = {SCALAR, 1, 1}, /* ext 8, 16, 32: a type byte besides */
    [0x08] = {SCALAR, 2, 1}, [0x09] = {SCALAR, 4, 1},
    [0x0a] = {SCALAR, 0, 4},                          /* float 32, 64 */
    [0x0b] = {SCALAR, 0, 8}, [0x0c] = {SCALAR, 0, 1}, /* uint 8 .. 64 */
    [0x0d] = {SCALAR, 0, 2}, [0x0e] = {SCALAR, 0, 4},
    [0x0f] = {SCALAR, 0, 8}, [0x10] = {SCALAR, 0, 1}, /* int 8 .. 64 */
    [0x11] = {SCALAR, 0, 2}, [0x12] = {SCALAR, 0, 4},
    [0x13] = {SCALAR, 0, 8}, [0x14] = {SCALAR, 0, 2}, /* fixext 1 .. 16, with the type byte */
    [0x15] = {SCALAR, 0, 3}, [0x16] = {SCALAR, 0, 5},
    [0x17] = {SCALAR, 0, 9}, [0x18] = {SCALAR, 0, 17},
    [0x19] = {TEXT, 1, 0}, /* str 8, 16, 32 */
    [0x1a] = {TEXT, 2, 0},   [0x1b] = {TEXT, 4, 0},
    [0x1c] = {ARRAY, 2, 0},                        /* array 16, 32 */
    [0x1d] = {ARRAY, 4, 0},  [0x1e] = {MAP, 2, 0}, /* map 16, 32 */
    [0x1f] = {MAP, 4, 0},
};

static bool take_value(struct cursor *cursor, struct value *value)
{
    if (cursor->at == cursor->end)
        return false;
    uint8_t first = *cursor->at++;
    if (first <= 0x7f || first >= 0xe0) {
        *value = (struct value){SCALAR, 0};
    } else if (first <= 0x8f) {
        *value = (struct value){MAP, first & 0x0f};
    } else if (first <= 0x9f) {
        *value = (struct value){ARRAY, first & 0x0f};
    } else if (first <= 0xbf) {
        *value = (struct value){TEXT, first & 0x1f};
    } else if (first == 0xc1) { /* never used by msgpack */
        return false;
    } else {
        uint64_t len = 0;
        if (!take_big_endian(cursor, types[first & 0x1f].len_bytes, &len))
            return false;
        value->kind = types[first & 0x1f].kind;
        value->count = len + types[first & 0x1f].fixed;
    }
    /* An item is a byte at least, so this covers counts as well as lengths. */
    return value->count <= (uint64_t)(cursor->end - cursor->at);
}

static enum stk_status walk_text(struct cursor *cursor, size_t len)
{
    while (len > 0) {
        size_t step = stk_utf8_len((const char *)cursor->at, len);
        if (step == 0)
            return STK_INVALID;
        cursor->at += step;
        len -= step;
    }
    return STK_OK;
}

static enum stk_status take_key(struct cursor *cursor, struct key *keys, size_t count)
{
    struct value value;
    if (!take_value(cursor, &value) || value.kind != TEXT)
        return STK_INVALID;
    struct key key = {cursor->at, (size_t)value.count};
    for (size_t i = 0; i < count; i++) {
        if (keys[i].len == key.len && memcmp(keys[i].at, key.at, key.len) == 0)
            return STK_INVALID;
    }
    keys[count] = key;
    return walk_text(cursor, key.len);
}

static enum stk_status walk_value(struct cursor *cursor, unsigned depth);

static enum stk_status walk_map(struct cursor *cursor, uint64_t count, unsigned depth)
{
    if (count > STK_KEYS_MAX)
        return STK_LIMIT;
    struct key keys[STK_KEYS_MAX];
    for (size_t i = 0; i < count; i++) {
        enum stk_status status = take_key(cursor, keys, i);
        if (status == STK_OK)
            status = walk_value(cursor, depth);
        if (status != STK_OK)
            return status;
    }
    return STK_OK;
}

static enum stk_status walk_array(struct cursor *cursor, uint64_t count, unsigned depth)
{
    for (uint64_t i = 0; i < count; i++) {
        enum stk_status status = walk_value(cursor, depth);
        if (status != STK_OK)
            return status;
    }
    return STK_OK;
}

/* depth: containers that may still be entered. */
static enum stk_status walk_value(struct cursor *cursor, unsigned depth)
{
    struct value value;
    if (!take_value(cursor, &value))
        return STK_INVALID;
    switch (value.kind) {
    case TEXT:
        return walk_text(cursor, (size_t)value.count);
    case ARRAY:
        return depth == 0 ? STK_LIMIT : walk_array(cursor, value.count, depth - 1);
    case MAP:
        return depth == 0 ? STK_LIMIT : walk_map(cursor, value.count, depth - 1);
    case SCALAR:
        break;
    }
    cursor->at += value.count;
    return STK_OK;
}

enum stk_status stk_walk(const void *bytes, size_t len)
{
    struct cursor cursor = {bytes, (const uint8_t *)bytes + len};
    bool map = len > 0 && ((cursor.at[0] & 0xf0) == 0x80 || (cursor.at[0] & 0xfe) == 0xde);
    if (!map)
        return STK_INVALID;
    enum stk_status status = walk_value(&cursor, STK_DEPTH_MAX);
    if (status != STK_OK)
        return status;
    return cursor.at == cursor.end ? STK_OK : STK_INVALID;
}
