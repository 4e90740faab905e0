/*
 * Records of tables: which component has which, then each that there is, once.
 */
#include <string.h>

#include <xxhash.h>

#include "daemon/index/little_endian.h"
#include "daemon/index/record.h"

enum {
    KINDS = 3,      /* quantisation, DC codes, AC codes */
    NO_TABLE = 255, /* of a component that is not there */
    AT_COUNTS = RECORD_HEAD_BYTES + KINDS * JPEG_COMPONENTS_MAX,
    AT_PARTS = AT_COUNTS + KINDS,
    DC_SYMBOL_MAX = 15,
};

/* A kind's tables lie one behind the other. */
struct kind {
    uint8_t *first;
    size_t each_bytes;
};

static struct kind kind_of(struct jpeg_map_tables *tables, uint32_t kind)
{
    const struct kind kinds[KINDS] = {
        {(uint8_t *)tables->quant, sizeof tables->quant[0]},
        {(uint8_t *)tables->dc, sizeof tables->dc[0]},
        {(uint8_t *)tables->ac, sizeof tables->ac[0]},
    };
    return kinds[kind];
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

uint64_t record_tables_key(const uint8_t *record, size_t len)
{
    return XXH3_64bits(record + RECORD_HEAD_BYTES, len - RECORD_HEAD_BYTES);
}

static size_t codes_count(const struct jpeg_codes *codes)
{
    size_t count = 0;
    for (int i = 0; i < JPEG_CODE_BITS_MAX; i++)
        count += codes->counts[i];
    return count;
}

static uint8_t *put_quant(const uint16_t *quant, uint8_t *out)
{
    size_t each = 1;
    for (int i = 0; i < JPEG_BLOCK_LEN; i++)
        each = quant[i] > UINT8_MAX ? 2 : each;
    *out++ = (uint8_t)each;
    for (int i = 0; i < JPEG_BLOCK_LEN; i++, out += each)
        little_endian_put(out, each, quant[i]);
    return out;
}

static uint8_t *put_codes(const struct jpeg_codes *codes, uint8_t *out)
{
    size_t count = codes_count(codes);
    memcpy(out, codes->counts, sizeof codes->counts);
    memcpy(out + sizeof codes->counts, codes->symbols, count);
    return out + sizeof codes->counts + count;
}

/* The number of a component's table among those of its kind that differ. */
static uint8_t number_of(const struct kind *kind, uint32_t component, const uint8_t *numbers,
                         uint8_t *count)
{
    const uint8_t *table = kind->first + component * kind->each_bytes;
    if (is_zero(table, kind->each_bytes))
        return NO_TABLE;
    for (uint32_t c = 0; c < component; c++) {
        if (memcmp(table, kind->first + c * kind->each_bytes, kind->each_bytes) == 0)
            return numbers[c];
    }
    return (*count)++;
}

static uint8_t *put_kind(const struct kind *kind, uint32_t which, uint8_t *record, uint8_t *out)
{
    uint8_t *numbers = record + RECORD_HEAD_BYTES + which * JPEG_COMPONENTS_MAX;
    uint8_t *count = record + AT_COUNTS + which;
    for (uint32_t c = 0; c < JPEG_COMPONENTS_MAX; c++) {
        uint8_t before = *count;
        numbers[c] = number_of(kind, c, numbers, count);
        const void *table = kind->first + c * kind->each_bytes;
        if (*count > before)
            out = which == 0 ? put_quant(table, out) : put_codes(table, out);
    }
    return out;
}

size_t record_encode_tables(const struct jpeg_map_tables *tables, uint8_t *record, uint64_t *key)
{
    struct jpeg_map_tables copy = *tables;
    memset(record, 0, RECORD_TABLES_BYTES_MAX);
    uint8_t *out = record + AT_PARTS;
    for (uint32_t which = 0; which < KINDS; which++) {
        struct kind kind = kind_of(&copy, which);
        out = put_kind(&kind, which, record, out);
    }
    size_t len = record_round_up((size_t)(out - record));
    record_seal(record, len, RECORD_TABLES);
    *key = record_tables_key(record, len);
    return len;
}

/* What is not read yet. */
struct rest {
    const uint8_t *next;
    size_t len;
};

/* The next bytes, or NULL where there are not so many. */
static const uint8_t *take(struct rest *rest, size_t len)
{
    const uint8_t *taken = rest->next;
    if (rest->len < len)
        return NULL;
    rest->next += len;
    rest->len -= len;
    return taken;
}

static bool get_quant(struct rest *rest, uint16_t *quant)
{
    const uint8_t *each = take(rest, 1);
    if (each == NULL || (*each != 1 && *each != 2))
        return false;
    const uint8_t *in = take(rest, (size_t)JPEG_BLOCK_LEN * *each);
    for (int i = 0; in != NULL && i < JPEG_BLOCK_LEN; i++)
        quant[i] = *each == 1 ? in[i] : little_endian_get16(in + 2 * i);
    return in != NULL;
}

/* T.81, annex C: codes of a length are as many as are left, and none is all ones. */
static bool codes_can_be(const struct jpeg_codes *codes, size_t count, bool dc)
{
    uint32_t code = 0;
    for (int i = 0; i < JPEG_CODE_BITS_MAX; i++) {
        code = 2 * code + codes->counts[i];
        if (codes->counts[i] > 0 && code >= 2u << i)
            return false;
    }
    for (size_t i = 0; dc && i < count; i++) {
        if (codes->symbols[i] > DC_SYMBOL_MAX)
            return false;
    }
    return true;
}

static bool get_codes(struct rest *rest, struct jpeg_codes *codes, bool dc)
{
    const uint8_t *counts = take(rest, sizeof codes->counts);
    if (counts == NULL)
        return false;
    memcpy(codes->counts, counts, sizeof codes->counts);
    size_t count = codes_count(codes);
    const uint8_t *symbols = count <= JPEG_SYMBOLS_MAX ? take(rest, count) : NULL;
    if (symbols == NULL)
        return false;
    memcpy(codes->symbols, symbols, count);
    return codes_can_be(codes, count, dc);
}

/* The tables of a kind, and those of the components. */
static bool get_kind(const uint8_t *record, uint32_t which, const struct kind *kind,
                     struct rest *rest)
{
    union {
        uint16_t quant[JPEG_BLOCK_LEN];
        struct jpeg_codes codes;
        uint8_t bytes[1];
    } table[JPEG_COMPONENTS_MAX];
    const uint8_t *numbers = record + RECORD_HEAD_BYTES + which * JPEG_COMPONENTS_MAX;
    uint32_t count = record[AT_COUNTS + which];
    memset(table, 0, sizeof table);
    if (count > JPEG_COMPONENTS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (which == 0 ? !get_quant(rest, table[i].quant)
                       : !get_codes(rest, &table[i].codes, which == 1))
            return false;
    }
    for (uint32_t c = 0; c < JPEG_COMPONENTS_MAX; c++) {
        if (numbers[c] != NO_TABLE && numbers[c] >= count)
            return false;
        if (numbers[c] != NO_TABLE)
            memcpy(kind->first + c * kind->each_bytes, table[numbers[c]].bytes, kind->each_bytes);
    }
    return true;
}

bool record_decode_tables(const uint8_t *record, size_t len, struct jpeg_map_tables *tables,
                          uint64_t *key)
{
    *tables = (struct jpeg_map_tables){0};
    *key = record_tables_key(record, len);
    if (len < AT_PARTS)
        return false;
    struct rest rest = {.next = record + AT_PARTS, .len = len - AT_PARTS};
    for (uint32_t which = 0; which < KINDS; which++) {
        struct kind kind = kind_of(tables, which);
        if (!get_kind(record, which, &kind, &rest))
            return false;
    }
    if (rest.len >= RECORD_UNIT)
        return false;
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.next[i] != 0)
            return false;
    }
    return true;
}
