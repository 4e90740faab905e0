/*
 * UTF-8: see utf8.h.
 */
#include "proto/utf8.h"

#include <stdbool.h>
#include <stdint.h>

size_t stk_utf8_len(const char *text, size_t len)
{
    const uint8_t *c = (const uint8_t *)text;
    if (c[0] < 0x80)
        return 1;
    size_t want = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || want > len)
        return 0;
    for (size_t i = 1; i < want; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates, and what lies behind U+10FFFF. */
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return want;
}

uint32_t stk_utf8_number(const char *text, size_t len)
{
    const uint8_t *c = (const uint8_t *)text;
    uint32_t number = len == 1 ? c[0] : c[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        number = number << 6 | (c[i] & 0x3fu);
    return number;
}

static bool is_obeyed(uint32_t number)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     /* controls */
        {0x2028, 0x2029},                   /* ends of a line, of a paragraph */
        {0x061c, 0x061c}, {0x200e, 0x200f}, /* marks of a direction */
        {0x202a, 0x202e}, {0x2066, 0x2069}, /* embeddings, overrides and isolates */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (number >= ranges[i].first && number <= ranges[i].last)
            return true;
    }
    return false;
}

size_t stk_utf8_shown_len(const char *text, size_t len)
{
    size_t bytes = stk_utf8_len(text, len);
    return bytes > 0 && is_obeyed(stk_utf8_number(text, bytes)) ? 0 : bytes;
}

void stk_utf8_tame(char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t shown = stk_utf8_shown_len(text + i, len - i);
        if (shown == 0)
            text[i] = '?';
        i += shown > 0 ? shown : 1;
    }
}
