/*
 * The text of a state: one line of JSON, written and read here without a library for it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/fail.h"
#include "client/stoker.h"

enum { STATE_VERSION = 1, KEYS_MAX = 16 };

enum field { VERSION, STREAM, FINGERPRINT, EPOCH, STEP, RANK, WORLD, FIELDS };

/* What each field may be: a number up to max, or where that is 0 a string. */
static const struct {
    const char *key;
    uint64_t max;
} fields[FIELDS] = {
    [VERSION] = {"stoker_state", UINT32_MAX},
    [STREAM] = {"stream", 0},
    [FINGERPRINT] = {"fingerprint", 0},
    [EPOCH] = {"epoch", UINT32_MAX},
    [STEP] = {"step", UINT64_MAX},
    [RANK] = {"rank", UINT32_MAX},
    [WORLD] = {"world", UINT32_MAX},
};

struct value {
    bool is_text;
    uint64_t number;
    struct stk_text text;
};

struct member {
    struct stk_text key;
    struct value value;
};

struct object {
    uint32_t count;
    struct member members[KEYS_MAX];
};

void stk_state_encode(const struct stk_state *state, char text[STK_STATE_BYTES])
{
    char hex[STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&state->fingerprint, hex);
    snprintf(
        text, STK_STATE_BYTES,
        "{\"stoker_state\": %d, \"stream\": \"%s\", \"fingerprint\": \"%s\", \"epoch\": %" PRIu32
        ", \"step\": %" PRIu64 ", \"rank\": %" PRIu32 ", \"world\": %" PRIu32 "}",
        STATE_VERSION, state->stream, hex, state->epoch, state->step, state->rank, state->world);
}

static void skip_blanks(const char **at)
{
    *at += strspn(*at, " \t\r\n");
}

static bool take(const char **at, char wanted)
{
    skip_blanks(at);
    if (**at != wanted)
        return false;
    ++*at;
    return true;
}

/* No text of a state needs an escape. */
static bool take_text(const char **at, struct stk_text *text)
{
    if (!take(at, '"'))
        return false;
    size_t len = strcspn(*at, "\"\\\n");
    *text = (struct stk_text){*at, len};
    *at += len;
    return take(at, '"');
}

/* Digits alone, as JSON has them: no sign, fraction, exponent or leading zero. */
static bool take_number(const char **at, uint64_t *number)
{
    const char *const start = *at;
    *number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        uint64_t digit = (uint64_t)(**at - '0');
        if (*number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return *at > start && (*start != '0' || *at == start + 1);
}

static bool take_member(const char **at, struct object *object)
{
    if (object->count == KEYS_MAX)
        return false;
    struct member *member = &object->members[object->count++];
    if (!take_text(at, &member->key) || !take(at, ':'))
        return false;
    skip_blanks(at);
    member->value.is_text = **at == '"';
    return member->value.is_text ? take_text(at, &member->value.text)
                                 : take_number(at, &member->value.number);
}

static bool take_object(const char *at, struct object *object)
{
    if (!take(&at, '{'))
        return false;
    do {
        if (!take_member(&at, object))
            return false;
    } while (take(&at, ','));
    if (!take(&at, '}'))
        return false;
    skip_blanks(&at);
    return *at == '\0';
}

/* The value of a field that stands there once and is of its kind; NULL otherwise. */
static const struct value *find(const struct object *object, enum field field)
{
    const struct value *found = NULL;
    for (uint32_t i = 0; i < object->count; i++) {
        if (!stk_text_is(object->members[i].key, fields[field].key))
            continue;
        if (found != NULL)
            return NULL;
        found = &object->members[i].value;
    }
    if (found == NULL || found->is_text != (fields[field].max == 0) ||
        (!found->is_text && found->number > fields[field].max))
        return NULL;
    return found;
}

static bool is_field(struct stk_text key)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (stk_text_is(key, fields[i].key))
            return true;
    }
    return false;
}

static enum stk_status check_members(const struct object *object, char *error)
{
    const struct value *version = find(object, VERSION);
    if (version != NULL && version->number != STATE_VERSION)
        return stk_fail(error, STK_VERSION,
                        "the state is of version %" PRIu64 " and this library knows version %d: "
                        "update it, or start at the place that the state tells",
                        version->number, STATE_VERSION);
    for (uint32_t i = 0; i < object->count; i++) {
        struct stk_text key = object->members[i].key;
        if (!is_field(key))
            return stk_fail(error, STK_INVALID, "the state has a key '%.*s', which no state has",
                            (int)key.len, key.data);
    }
    for (unsigned i = 0; i < FIELDS; i++) {
        if (find(object, (enum field)i) == NULL)
            return stk_fail(error, STK_INVALID, "the state has not one '%s' that makes sense",
                            fields[i].key);
    }
    return STK_OK;
}

static bool read_fingerprint(struct stk_text hex, struct stk_fingerprint *fingerprint)
{
    static const char digits[] = "0123456789abcdef";
    if (hex.len != 2 * sizeof fingerprint->bytes)
        return false;
    for (size_t i = 0; i < hex.len; i++) {
        const char *digit = memchr(digits, hex.data[i], sizeof digits - 1);
        if (digit == NULL)
            return false;
        uint8_t *byte = &fingerprint->bytes[i / 2];
        *byte = (uint8_t)(*byte << 4 | (uint8_t)(digit - digits));
    }
    return true;
}

static enum stk_status fill(const struct object *object, struct stk_state *state, char *error)
{
    struct stk_text stream = find(object, STREAM)->text;
    if (stream.len == 0 || stream.len > STK_NAME_BYTES_MAX)
        return stk_fail(error, STK_INVALID, "the state's stream '%.*s' is no stream's name",
                        (int)stream.len, stream.data);
    memcpy(state->stream, stream.data, stream.len);
    struct stk_text hex = find(object, FINGERPRINT)->text;
    if (!read_fingerprint(hex, &state->fingerprint))
        return stk_fail(error, STK_INVALID,
                        "the state's fingerprint '%.*s' has not 32 hexadecimal digits",
                        (int)hex.len, hex.data);
    state->epoch = (uint32_t)find(object, EPOCH)->number;
    state->step = find(object, STEP)->number;
    state->rank = (uint32_t)find(object, RANK)->number;
    state->world = (uint32_t)find(object, WORLD)->number;
    if (state->rank >= state->world)
        return stk_fail(error, STK_INVALID,
                        "the state's rank %" PRIu32 " is not below its world %" PRIu32, state->rank,
                        state->world);
    return STK_OK;
}

enum stk_status stk_state_decode(const char *text, struct stk_state *state, char *error)
{
    *state = (struct stk_state){.epoch = 0};
    if (error != NULL)
        *error = '\0';
    struct object object = {.count = 0};
    if (!take_object(text, &object))
        return stk_fail(error, STK_INVALID,
                        "'%.80s' is no state: it is one JSON object, as stk_state_encode writes it",
                        text);
    struct stk_state read = {.epoch = 0};
    enum stk_status status = check_members(&object, error);
    if (status == STK_OK)
        status = fill(&object, &read, error);
    if (status == STK_OK)
        *state = read;
    return status;
}
