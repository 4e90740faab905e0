/*
 * Queries: a table of keys.
 */
#include "daemon/query.h"

#include <string.h>

enum {
    KEY_STREAM = 1 << 0,
    KEY_EPOCH = 1 << 1,
    KEY_STEP = 1 << 2,
    KEY_SLOT = 1 << 3,
    KEY_SLOTS = 1 << 4,
    KEY_SHOW = 1 << 5,
    KEY_FP = 1 << 6,
    ADDRESS = KEY_EPOCH | KEY_STEP,
};

/* What each kind may be told, and what it must be. */
static const unsigned taken[] = {
    [QUERY_BATCH] = KEY_STREAM | ADDRESS | KEY_SLOTS,
    [QUERY_PICTURE] = KEY_STREAM | ADDRESS | KEY_SLOT | KEY_SHOW | KEY_FP,
};
static const unsigned needed[] = {
    [QUERY_BATCH] = KEY_STREAM,
    [QUERY_PICTURE] = KEY_STREAM | ADDRESS | KEY_SLOT | KEY_SHOW | KEY_FP,
};
static const char *const told_what[] = {
    [QUERY_BATCH] = "/api/batch takes stream, epoch and step or neither, and slots, each once",
    [QUERY_PICTURE] = "/api/picture takes stream, epoch, step, slot, show and fp, each once",
};

/* Digits alone, at least one. */
static bool read_number(const char *text, size_t len, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';
        if (digit > 9 || value > max / 10 || (value == max / 10 && digit > max % 10))
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return len > 0;
}

static bool read_stream(struct query *query, const char *value, size_t len)
{
    if (len == 0 || len >= sizeof query->stream || memchr(value, '\0', len) != NULL)
        return false;
    memcpy(query->stream, value, len);
    query->stream[len] = '\0';
    return true;
}

static bool read_epoch(struct query *query, const char *value, size_t len)
{
    uint64_t number;
    bool read = read_number(value, len, UINT32_MAX, &number);
    query->address.epoch = read ? (uint32_t)number : 0;
    return read;
}

static bool read_step(struct query *query, const char *value, size_t len)
{
    return read_number(value, len, UINT64_MAX, &query->address.step);
}

static bool read_slot(struct query *query, const char *value, size_t len)
{
    uint64_t number;
    bool read = read_number(value, len, STK_BATCH_MAX - 1, &number);
    query->slot = read ? (uint32_t)number : 0;
    return read;
}

static bool read_slots(struct query *query, const char *value, size_t len)
{
    uint64_t count;
    const char *dash = memchr(value, '-', len);
    if (dash == NULL || !read_slot(query, value, (size_t)(dash - value)))
        return false;
    bool read = read_number(dash + 1, len - (size_t)(dash + 1 - value), QUERY_SLOTS_MAX, &count);
    query->slot_count = read ? (uint32_t)count : 0;
    return read && count > 0;
}

static bool read_show(struct query *query, const char *value, size_t len)
{
    static const char *const words[PEEK_SHOWS] = {"served", "own", "partner", "own_source",
                                                  "partner_source"};
    for (int i = 0; i < PEEK_SHOWS; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], value, len) == 0) {
            query->show = (enum peek_show)i;
            return true;
        }
    }
    return false;
}

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static bool read_fingerprint(struct query *query, const char *value, size_t len)
{
    if (len != 2 * sizeof query->fingerprint.bytes)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        int high = digit_of(value[i]);
        int low = digit_of(value[i + 1]);
        if (high < 0 || low < 0)
            return false;
        query->fingerprint.bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const struct {
    const char *name;
    unsigned key;
    bool (*read)(struct query *query, const char *value, size_t len);
    const char *wanted;
} keys[] = {
    {"stream", KEY_STREAM, read_stream, "stream must be a stream's name"},
    {"epoch", KEY_EPOCH, read_epoch, "epoch must be a whole number below 2^32"},
    {"step", KEY_STEP, read_step, "step must be a whole number below 2^64"},
    {"slot", KEY_SLOT, read_slot, "slot must be a whole number below 8192"},
    {"slots", KEY_SLOTS, read_slots, "slots must be FIRST-COUNT, such as 0-16, at most 16 of them"},
    {"show", KEY_SHOW, read_show,
     "show must be served, own, partner, own_source or partner_source"},
    {"fp", KEY_FP, read_fingerprint, "fp must be a fingerprint, 32 digits of 0-9 a-f"},
};

struct query query_of(enum query_kind kind)
{
    return (struct query){.kind = kind, .slot_count = QUERY_SLOTS_MAX};
}

enum stk_status query_take(struct query *query, const char *key, const char *value, size_t len,
                           const char **sentence)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(key, keys[i].name) != 0)
            continue;
        if ((keys[i].key & taken[query->kind] & ~query->told) == 0)
            break;
        query->told |= keys[i].key;
        *sentence = keys[i].wanted;
        return keys[i].read(query, value, len) ? STK_OK : STK_INVALID;
    }
    *sentence = told_what[query->kind];
    return STK_INVALID;
}

enum stk_status query_check(const struct query *query, const char **sentence)
{
    unsigned address = query->told & ADDRESS;
    bool whole = (query->told & needed[query->kind]) == needed[query->kind] &&
                 (address == 0 || address == ADDRESS);
    *sentence = told_what[query->kind];
    return whole ? STK_OK : STK_INVALID;
}

bool query_is_addressed(const struct query *query)
{
    return (query->told & ADDRESS) == ADDRESS;
}
