/*
 * The reader of messages: what decode.c and decode_stats.c share.
 *
 * The bytes are walked (walk.h) before libmsgpack sees them.  `struct reader` is a map with a
 * status that sticks: a missing or wrong key turns it to STK_INVALID once, and later reads do
 * nothing, so that a decoder is a list of its keys.  Internal to proto/; any thread.
 */
#ifndef STK_PROTO_READER_H
#define STK_PROTO_READER_H

#include <msgpack.h>
#include <string.h>

#include "proto/message.h"
#include "proto/walk.h"

struct reader {
    const msgpack_object_map *map;
    enum stk_status status;
};

/* One message's objects; they live until unpack_end. */
struct unpacked {
    msgpack_unpacked result;
    struct reader reader;
};

static inline enum stk_status unpack_begin(struct unpacked *unpacked, const void *bytes, size_t len,
                                           size_t len_max)
{
    msgpack_unpacked_init(&unpacked->result);
    if (len > len_max)
        return STK_LIMIT;
    enum stk_status status = stk_walk(bytes, len);
    if (status != STK_OK)
        return status;
    size_t offset = 0;
    switch (msgpack_unpack_next(&unpacked->result, bytes, len, &offset)) {
    case MSGPACK_UNPACK_SUCCESS:
        unpacked->reader = (struct reader){&unpacked->result.data.via.map, STK_OK};
        return STK_OK;
    case MSGPACK_UNPACK_NOMEM_ERROR:
        return STK_MEMORY;
    default:
        return STK_INVALID;
    }
}

static inline void unpack_end(struct unpacked *unpacked)
{
    msgpack_unpacked_destroy(&unpacked->result);
}

static inline void fail(struct reader *reader, enum stk_status status)
{
    if (reader->status == STK_OK)
        reader->status = status;
}

static inline bool is_text(const msgpack_object *object, const char *text)
{
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == strlen(text) &&
           memcmp(object->via.str.ptr, text, object->via.str.size) == 0;
}

static inline const msgpack_object *find(const struct reader *reader, const char *key)
{
    for (uint32_t i = 0; i < reader->map->size; i++) {
        if (is_text(&reader->map->ptr[i].key, key))
            return &reader->map->ptr[i].val;
    }
    return NULL;
}

/* A key that must be there and of this type; NULL, and the reader fails, otherwise. */
static inline const msgpack_object *need(struct reader *reader, const char *key,
                                         msgpack_object_type type)
{
    const msgpack_object *object = reader->status == STK_OK ? find(reader, key) : NULL;
    if (object == NULL || object->type != type) {
        fail(reader, STK_INVALID);
        return NULL;
    }
    return object;
}

static inline uint64_t read_number(struct reader *reader, const char *key, uint64_t max)
{
    const msgpack_object *object = need(reader, key, MSGPACK_OBJECT_POSITIVE_INTEGER);
    if (object == NULL)
        return 0;
    if (object->via.u64 > max) {
        fail(reader, STK_INVALID);
        return 0;
    }
    return object->via.u64;
}

static inline uint32_t read_number32(struct reader *reader, const char *key)
{
    return (uint32_t)read_number(reader, key, UINT32_MAX);
}

static inline struct stk_text text_of(struct reader *reader, const msgpack_object *object,
                                      size_t bytes_max)
{
    if (object->type != MSGPACK_OBJECT_STR)
        fail(reader, STK_INVALID);
    else if (object->via.str.size > bytes_max)
        fail(reader, STK_LIMIT);
    else
        return (struct stk_text){object->via.str.ptr, object->via.str.size};
    return (struct stk_text){"", 0};
}

static inline uint64_t number_of(struct reader *reader, const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        return object->via.u64;
    fail(reader, STK_INVALID);
    return 0;
}

static inline struct stk_text read_text(struct reader *reader, const char *key, size_t bytes_max)
{
    const msgpack_object *object = need(reader, key, MSGPACK_OBJECT_STR);
    return object == NULL ? (struct stk_text){"", 0} : text_of(reader, object, bytes_max);
}

/* The position of a text among words; the reader fails where it is none of them. */
static inline unsigned read_word(struct reader *reader, const char *key,
                                 const char *(*word)(unsigned), unsigned count)
{
    struct stk_text text = read_text(reader, key, STK_NAME_BYTES_MAX);
    for (unsigned i = 0; i < count && reader->status == STK_OK; i++) {
        if (stk_text_is(text, word(i)))
            return i;
    }
    fail(reader, STK_INVALID);
    return 0;
}

static inline const msgpack_object_array *read_array(struct reader *reader, const char *key,
                                                     uint32_t count_max)
{
    static const msgpack_object_array none = {0, NULL};
    const msgpack_object *object = need(reader, key, MSGPACK_OBJECT_ARRAY);
    if (object == NULL)
        return &none;
    if (object->via.array.size > count_max) {
        fail(reader, STK_LIMIT);
        return &none;
    }
    return &object->via.array;
}

/* A map inside the message, with the status of the reader it came from. */
static inline struct reader inner(struct reader *outer, const msgpack_object *object)
{
    static const msgpack_object_map none = {0, NULL};
    if (object->type == MSGPACK_OBJECT_MAP)
        return (struct reader){&object->via.map, outer->status};
    fail(outer, STK_INVALID);
    return (struct reader){&none, outer->status};
}

static inline bool kind_of(const struct reader *reader, enum stk_kind first, enum stk_kind last,
                           enum stk_kind *kind)
{
#define KIND_WORD(name, word) word,
    static const char *const words[] = {STK_KIND_LIST(KIND_WORD)};
    const msgpack_object *k = find(reader, "k");
    for (unsigned i = first; k != NULL && i <= (unsigned)last; i++) {
        if (is_text(k, words[i])) {
            *kind = (enum stk_kind)i;
            return true;
        }
    }
    return false;
}

/* The id that an error reply can name, 0 where the message has none. */
static inline uint64_t id_of(const struct reader *reader)
{
    const msgpack_object *id = find(reader, "id");
    return id != NULL && id->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? id->via.u64 : 0;
}

/* Begin a reply of a known kind and read its id. */
static inline enum stk_status reply_begin(struct unpacked *unpacked, const void *bytes, size_t len,
                                          enum stk_kind kind, uint64_t *id)
{
    enum stk_status status = unpack_begin(unpacked, bytes, len, STK_HEADER_BYTES_MAX);
    if (status != STK_OK)
        return status;
    enum stk_kind found;
    if (!kind_of(&unpacked->reader, kind, kind, &found))
        return STK_INVALID;
    *id = read_number(&unpacked->reader, "id", UINT64_MAX);
    return unpacked->reader.status;
}

#endif
