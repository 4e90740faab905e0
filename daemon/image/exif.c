/*
 * EXIF: a JPEG's segments up to the scan, a TIFF file in one of them, a directory in that.
 */
#include "daemon/image/exif.h"

#include <stdbool.h>
#include <string.h>

enum {
    MARKER = 0xff,
    SOI = 0xd8,
    SOS = 0xda,
    APP1 = 0xe1,
    SEGMENTS_MAX = 64, /* cameras write EXIF first or second */
    TIFF_HEAD_BYTES = 8,
    TIFF_MAGIC = 42,
    FIELD_BYTES = 12,
    TAG_ORIENTATION = 274,
    TYPE_SHORT = 3,
    ORIENTATION_MAX = 8,
};

struct tiff {
    const uint8_t *bytes;
    size_t len;
    bool big_endian;
};

static uint32_t number(const struct tiff *tiff, size_t at, size_t bytes)
{
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        size_t place = tiff->big_endian ? i : bytes - 1 - i;
        value = value << 8 | tiff->bytes[at + place];
    }
    return value;
}

/* The field of a directory, or 0 where there is none or one that makes no sense. */
static uint32_t orientation_in(const struct tiff *tiff, size_t directory)
{
    if (directory > tiff->len - 2)
        return 0;
    size_t count = number(tiff, directory, 2);
    size_t room = (tiff->len - directory - 2) / FIELD_BYTES;
    for (size_t i = 0; i < count && i < room; i++) {
        size_t field = directory + 2 + i * FIELD_BYTES;
        if (number(tiff, field, 2) != TAG_ORIENTATION)
            continue;
        uint32_t value = number(tiff, field + 8, 2);
        bool single = number(tiff, field + 2, 2) == TYPE_SHORT && number(tiff, field + 4, 4) == 1;
        return single && value <= ORIENTATION_MAX ? value : 0;
    }
    return 0;
}

static uint32_t orientation_of_tiff(const uint8_t *bytes, size_t len)
{
    if (len < TIFF_HEAD_BYTES || bytes[0] != bytes[1] || (bytes[0] != 'M' && bytes[0] != 'I'))
        return 0;
    struct tiff tiff = {.bytes = bytes, .len = len, .big_endian = bytes[0] == 'M'};
    return number(&tiff, 2, 2) == TIFF_MAGIC ? orientation_in(&tiff, number(&tiff, 4, 4)) : 0;
}

uint32_t exif_orientation(const uint8_t *jpeg, size_t len)
{
    static const uint8_t name[6] = "Exif";
    if (len < 2 || jpeg[0] != MARKER || jpeg[1] != SOI)
        return 0;
    size_t at = 2;
    for (int i = 0; i < SEGMENTS_MAX && len - at >= 4 && jpeg[at] == MARKER; i++) {
        size_t segment = (size_t)jpeg[at + 2] << 8 | jpeg[at + 3];
        if (jpeg[at + 1] == SOS || segment < 2 || segment > len - at - 2)
            return 0;
        const uint8_t *content = &jpeg[at + 4];
        if (jpeg[at + 1] == APP1 && segment >= 2 + sizeof name &&
            memcmp(content, name, sizeof name) == 0)
            return orientation_of_tiff(content + sizeof name, segment - 2 - sizeof name);
        at += 2 + segment;
    }
    return 0;
}
