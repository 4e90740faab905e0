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
    case CONFIG_MS:
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
    case CONFIG_MS:
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

struct unit {
    const char *word;
    uint64_t factor; /* of the one before it a divisor */
};

static const struct unit byte_units[] = {
    {"", 1},
    {"K", UINT64_C(1) << 10},
    {"M", UINT64_C(1) << 20},
    {"G", UINT64_C(1) << 30},
    {"T", UINT64_C(1) << 40},
    {NULL, 0},
};
static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {NULL, 0},
};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum config_kind kind)
{
    return kind == CONFIG_BYTES ? byte_units : kind == CONFIG_MS ? time_units : no_units;
}

/* What a unit stands for; 0 for what is no unit. */
static uint64_t unit_factor(const struct unit *unit, const char *word)
{
    while (unit->word != NULL && strcmp(unit->word, word) != 0)
        unit++;
    return unit->factor;
}

static enum stk_status set_whole(const struct config_key *key, char *field, const char *text)
{
    bool negative = *text == '-';
    text += negative;
    size_t digits = strspn(text, "0123456789");
    errno = 0;
    uint64_t value = strtoull(text, NULL, 10);
    /* No time at all needs no unit. */
    bool bare = text[digits] == '\0' && value == 0;
    uint64_t factor = bare ? 1 : unit_factor(units_of(key->kind), text + digits);
    if (digits == 0 || factor == 0)
        return STK_INVALID;
    if (errno == ERANGE || value > UINT64_MAX / factor)
        return STK_RANGE;
    value *= factor;
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
static void print_whole(char *text, size_t capacity, enum config_kind kind, uint64_t value)
{
    const struct unit *unit = units_of(kind);
    while (value > 0 && unit[1].word != NULL && value % unit[1].factor == 0)
        unit++;
    snprintf(text, capacity, "%" PRIu64 "%s", value / unit->factor, value > 0 ? unit->word : "");
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
    char least[32], most[32];
    range[0] = '\0';
    switch (key->kind) {
    case CONFIG_U32:
    case CONFIG_U64:
    case CONFIG_BYTES:
    case CONFIG_MS:
        print_whole(least, sizeof(least), key->kind, key->min);
        print_whole(most, sizeof(most), key->kind, key->max);
        snprintf(range, CONFIG_RANGE_BYTES, "%s .. %s", least, most);
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
    char whole[32];
    unsigned word;
    switch (key->kind) {
    case CONFIG_U32:
        fprintf(out, "%" PRIu32, *(const uint32_t *)field);
        break;
    case CONFIG_U64:
    case CONFIG_BYTES:
    case CONFIG_MS:
        print_whole(whole, sizeof(whole), key->kind, *(const uint64_t *)field);
        fputs(whole, out);
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

static void print_values(const struct config_key *key, const void *base, FILE *out)
{
    const char *bytes = base;
    bool list = key->count_max > 1 && key->kind != CONFIG_MIX_BOX;
    size_t count = key->count_offset > 0 ? *(const size_t *)(bytes + key->count_offset)
                   : list                ? key->count_max
                                         : 1;
    fputs(list ? "{" : "", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_value(key, bytes + key->offset + i * value_bytes(key->kind), out);
    }
    fputs(list ? "}" : "", out);
}

void config_key_print(const struct config_key *key, const void *base, FILE *out)
{
    fprintf(out, "%s = ", key->name);
    print_values(key, base, out);
    fputc('\n', out);
}

void config_key_text(const struct config_key *key, const void *base, char *text, size_t bytes)
{
    memset(text, 0, bytes);
    FILE *out = fmemopen(text, bytes - 1, "w");
    if (out == NULL)
        return;
    print_values(key, base, out);
    fclose(out);
}

/* A text that there is no memory for stays as it is. */
void config_key_copy(const struct config_key *key, void *to, const void *from)
{
    if (key->kind == CONFIG_PATH) {
        char *copy = strdup(*(char *const *)((const char *)from + key->offset));
        char **field = (char **)((char *)to + key->offset);
        free(copy != NULL ? *field : NULL);
        *field = copy != NULL ? copy : *field;
        return;
    }
    memcpy((char *)to + key->offset, (const char *)from + key->offset, value_bytes(key->kind));
}
