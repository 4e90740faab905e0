/*
 * JPEGs that our own decoder takes, whole and damaged.
 */
#ifndef STK_TESTS_OWN_JPEGS_H
#define STK_TESTS_OWN_JPEGS_H

#include <stdlib.h>
#include <string.h>

#include "tests/write_jpeg.h"

enum { OWN_SIDE_MAX = 700 };

static inline unsigned long from_environment(const char *name, unsigned long usual)
{
    const char *value = getenv(name);
    return value != NULL ? strtoul(value, NULL, 10) : usual;
}

/* A file that our own decoder takes, with any restarts and any tables, of a case. */
static inline struct jpeg own_picture(unsigned long number, char text[KIND_TEXT_BYTES])
{
    static const struct kind own[] = {
        {"4:4:4", JCS_YCbCr, .h = 1, .v = 1},    {"4:2:2", JCS_YCbCr, .h = 2, .v = 1},
        {"4:2:0", JCS_YCbCr, .h = 2, .v = 2},    {"4:4:0", JCS_YCbCr, .h = 1, .v = 2},
        {"gray", JCS_GRAYSCALE, .h = 1, .v = 1},
    };
    random_begin(from_environment("STOKER_SEED", 1), number);
    struct kind kind = own[random_below(sizeof own / sizeof own[0])];
    kind.content = random_below(CONTENTS);
    kind.odd_tables = random_below(4) == 0;
    if (random_below(3) == 0)
        kind.restart = (int)(1 + random_below(random_below(2) ? 3 : 40));
    else if (random_below(3) == 0)
        kind.restart_rows = (int)(1 + random_below(3));
    uint32_t height = random_side(OWN_SIDE_MAX);
    uint32_t width = random_side(OWN_SIDE_MAX - 4) + 4;
    kind_text(&kind, text);
    return write_jpeg(&kind, height, width, NULL, 0);
}

/* Cut it off, change some bytes, or write over a stretch; mostly in the scan. */
static inline void damage(struct jpeg *file)
{
    uint32_t len = (uint32_t)file->len;
    uint32_t first = random_below(4) == 0 ? 2 : len / 8 < 600 ? len / 8 : 600;
    if (random_below(4) == 0) {
        file->len = first + random_below(len - first);
        return;
    }
    for (uint32_t i = 1 + random_below(3); i > 0; i--)
        file->bytes[first + random_below(len - first)] = (uint8_t)random_below(256);
    if (random_below(4) == 0) {
        uint32_t at = first + random_below(len - first);
        uint32_t count = 1 + random_below(20);
        memset(&file->bytes[at], random_below(2) ? 0xff : 0, count < len - at ? count : len - at);
    }
}

#endif
