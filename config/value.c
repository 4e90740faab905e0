/*
 * Values of the configuration: from text into the field that a key's row names, and back.
 *
 * Numbers are read and printed with a decimal point: the daemon stays in the C locale.
 */
#include "config/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/utf8.h"

_Static_assert(sizeof(enum order) == sizeof(unsigned), "a word is stored as an unsigned");

static size_t value_bytes(enum config_kind kind)
{
    switch (kind) {
    case CONFIG_U32:
        return sizeof(uint32_t);
    case CONFIG_U64:
    case CONFIG_BYTES:
        return sizeof(uint64_t);
    case CONFIG_REAL:
        return sizeof(double);
    case CONFIG_WORD:
    case CONFIG_MIX_BOX:
        return sizeof(unsigned);
    case CONFIG_ENDPOINT:
    case CONFIG_SOURCE:
    case CONFIG_PATH:
        return sizeof(char *);
    case CONFIG_SUBSECTION:
        break;
    }
    return 0;
}

static enum stk_status set_whole(const struct config_key *key, char *field, const char *text);
static enum stk_status set_real(const struct config_key *key, char *field, const char *text);
static enum stk_status set_word(const struct config_key *key, char *field, const char *text);
static enum stk_status set_text(char *field, const char *text);
static enum stk_status set_box(const struct config_key *key, char *field, unsigned index,
                               const char *text);

enum stk_status config_key_set(const struct config_key *key, void *base, unsigned index,
                               const char *text)
{
    char *field = (char *)base + key->offset + index * value_bytes(key->kind);
    switch (key->kind) {
    case CONFIG_U32:
    case CONFIG_U64:
    case CONFIG_BYTES:
        return set_whole(key, field, text);
    case CONFIG_REAL:
        return set_real(key, field, text);
    case CONFIG_WORD:
        return set_word(key, field, text);
    case CONFIG_ENDPOINT:
    case CONFIG_SOURCE:
    case CONFIG_PATH:
        return set_text(field, text);
    case CONFIG_MIX_BOX:
        return set_box(key, (char *)base + key->offset, index, text);
    case CONFIG_SUBSECTION:
        break;
    }
    return STK_INVALID;
}

static const char byte_units[] = "KMGT";

/* How far a unit shifts; 0 for none, -1 for what is no unit. */
static int unit_shift(enum config_kind kind, const char *unit)
{
    if (*unit == '\0')
        return 0;
    const char *found = kind == CONFIG_BYTES && unit[1] == '\0' ? strchr(byte_units, *unit) : NULL;
    return found != NULL ? 10 * (int)(found - byte_units + 1) : -1;
}

static enum stk_status set_whole(const struct config_key *key, char *field, const char *text)
{
    bool negative = *text == '-';
    text += negative;
    size_t digits = strspn(text, "0123456789");
    int shift = unit_shift(key->kind, text + digits);
    if (digits == 0 || shift < 0)
        return STK_INVALID;
    errno = 0;
    uint64_t value = strtoull(text, NULL, 10);
    if (errno == ERANGE || value > UINT64_MAX >> shift)
        return STK_RANGE;
    value <<= shift;
    if ((negative && value > 0) || value < key->min || value > key->max)
        return STK_RANGE;
    if (key->kind == CONFIG_U32)
        *(uint32_t *)field = (uint32_t)value;
    else
        *(uint64_t *)field = value;
    return STK_OK;
}

/* Decimal only: strtod would take hexadecimal, infinity and "nan" as well. */
static enum stk_status set_real(const struct config_key *key, char *field, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
        return STK_INVALID;
    if (!(value >= key->real_min && value <= key->real_max))
        return STK_RANGE;
    *(double *)field = value;
    return STK_OK;
}

static enum stk_status set_word(const struct config_key *key, char *field, const char *text)
{
    for (unsigned i = 0; i < key->words->count; i++) {
        const char *word = key->words->list[i];
        if (word != NULL && strcmp(word, text) == 0) {
            memcpy(field, &i, sizeof(i));
            return STK_OK;
        }
    }
    return STK_INVALID;
}

static enum stk_status set_text(char *field, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return STK_MEMORY;
    free(*(char **)field);
    *(char **)field = copy;
    return STK_OK;
}

/* The numbers behind the word of a box. */
static double *box_range(const char *field)
{
    enum {
        FROM_BOX = offsetof(struct recipe_mix, box_range) - offsetof(struct recipe_mix, cutmix_box)
    };
    return (double *)(void *)((uintptr_t)field + FROM_BOX);
}

static enum stk_status set_box(const struct config_key *key, char *field, unsigned index,
                               const char *text)
{
    unsigned word;
    if (index == 0)
        return set_word(key, field, text);
    memcpy(&word, field, sizeof(word));
    if (word != MIX_BOX_MINMAX)
        return STK_INVALID;
    return set_real(key, (char *)&box_range(field)[index - 1], text);
}

/* The largest unit that leaves a whole number. */
static void print_bytes(char *text, size_t capacity, uint64_t value)
{
    const char *unit = byte_units;
    while (value > 0 && value % 1024 == 0 && *unit != '\0') {
        value /= 1024;
        unit++;
    }
    int printed = snprintf(text, capacity, "%" PRIu64, value);
    if (unit > byte_units && printed > 0 && (size_t)printed + 1 < capacity) {
        text[printed] = unit[-1];
        text[printed + 1] = '\0';
    }
}

static void words_range(const struct recipe_words *words, char range[CONFIG_RANGE_BYTES])
{
    unsigned left = 0;
    for (unsigned i = 0; i < words->count; i++)
        left += words->list[i] != NULL;
    size_t len = 0;
    for (unsigned i = 0; i < words->count && len < CONFIG_RANGE_BYTES; i++) {
        if (words->list[i] == NULL)
            continue;
        left--;
        len += (size_t)snprintf(range + len, CONFIG_RANGE_BYTES - len, "%s%s", words->list[i],
                                left > 1    ? ", "
                                : left == 1 ? " or "
                                            : "");
    }
}

void config_key_range(const struct config_key *key, char range[CONFIG_RANGE_BYTES])
{
    char bytes_min[32], bytes_max[32];
    range[0] = '\0';
    switch (key->kind) {
    case CONFIG_U32:
    case CONFIG_U64:
        snprintf(range, CONFIG_RANGE_BYTES, "%" PRIu64 " .. %" PRIu64, key->min, key->max);
        break;
    case CONFIG_BYTES:
        print_bytes(bytes_min, sizeof(bytes_min), key->min);
        print_bytes(bytes_max, sizeof(bytes_max), key->max);
        snprintf(range, CONFIG_RANGE_BYTES, "%s .. %s", bytes_min, bytes_max);
        break;
    case CONFIG_REAL:
        snprintf(range, CONFIG_RANGE_BYTES, "%g .. %g", key->real_min, key->real_max);
        break;
    case CONFIG_WORD:
        words_range(key->words, range);
        break;
    case CONFIG_MIX_BOX:
        snprintf(range, CONFIG_RANGE_BYTES, "floor, round or {minmax, LOW, HIGH} of %g .. %g",
                 key->real_min, key->real_max);
        break;
    case CONFIG_ENDPOINT:
    case CONFIG_SOURCE:
    case CONFIG_PATH:
    case CONFIG_SUBSECTION:
        break;
    }
}

/* The shortest text that reads back as the same double; from 15 digits on, so that no value in
 * range gets an exponent with a '+', which would need quotes. */
static void print_real(double value, FILE *out)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, out);
}

/* In double quotes, so that libConfuse's scanner reads the same bytes back and a terminal obeys
 * none of them. */
static void print_text(const char *text, FILE *out)
{
    fputc('"', out);
    while (*text != '\0') {
        size_t len = stk_utf8_shown_len(text, strnlen(text, 4));
        if (len == 0)
            fprintf(out, "\\x%02x", (unsigned char)*text);
        else
            fprintf(out, "%s%.*s", strchr("\"\\$", *text) != NULL ? "\\" : "", (int)len, text);
        text += len > 0 ? len : 1;
    }
    fputc('"', out);
}

/* A whole line's worth: the braces are part of the value. */
static void print_box(const struct config_key *key, const char *field, FILE *out)
{
    unsigned word;
    memcpy(&word, field, sizeof(word));
    if (word != MIX_BOX_MINMAX) {
        fputs(key->words->list[word], out);
        return;
    }
    fprintf(out, "{%s, ", key->words->list[word]);
    print_real(box_range(field)[0], out);
    fputs(", ", out);
    print_real(box_range(field)[1], out);
    fputc('}', out);
}

static void print_value(const struct config_key *key, const char *field, FILE *out)
{
    char bytes[32];
    unsigned word;
    switch (key->kind) {
    case CONFIG_U32:
        fprintf(out, "%" PRIu32, *(const uint32_t *)field);
        break;
    case CONFIG_U64:
        fprintf(out, "%" PRIu64, *(const uint64_t *)field);
        break;
    case CONFIG_BYTES:
        print_bytes(bytes, sizeof(bytes), *(const uint64_t *)field);
        fputs(bytes, out);
        break;
    case CONFIG_REAL:
        print_real(*(const double *)field, out);
        break;
    case CONFIG_WORD:
        memcpy(&word, field, sizeof(word));
        fputs(key->words->list[word], out);
        break;
    case CONFIG_ENDPOINT:
    case CONFIG_SOURCE:
    case CONFIG_PATH:
        print_text(*(char *const *)field, out);
        break;
    case CONFIG_MIX_BOX:
        print_box(key, field, out);
        break;
    case CONFIG_SUBSECTION:
        break;
    }
}

void config_key_print(const struct config_key *key, const void *base, FILE *out)
{
    const char *bytes = base;
    bool list = key->count_max > 1 && key->kind != CONFIG_MIX_BOX;
    size_t count = key->count_offset > 0 ? *(const size_t *)(bytes + key->count_offset)
                   : list                ? key->count_max
                                         : 1;
    fprintf(out, list ? "%s = {" : "%s = ", key->name);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_value(key, bytes + key->offset + i * value_bytes(key->kind), out);
    }
    fputs(list ? "}\n" : "\n", out);
}
