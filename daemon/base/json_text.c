/*
 * Texts in JSON: see json_text.h.
 */
#include "daemon/base/json_text.h"

#include <inttypes.h>
#include <string.h>

#include "proto/utf8.h"

/* What is never shown has a number of at most four digits, as the rest that is escaped. */
static bool is_plain(const char *text, size_t len)
{
    return stk_utf8_shown_len(text, len) > 0 && strchr("\"\\<>&'", *text) == NULL;
}

static void print_character(struct buffer *buffer, const char *text, size_t len)
{
    if (is_plain(text, len))
        buffer_print(buffer, "%.*s", (int)len, text);
    else
        buffer_print(buffer, "\\u%04" PRIx32, stk_utf8_number(text, len));
}

void json_text(struct buffer *buffer, const char *text)
{
    if (text == NULL) {
        buffer_print(buffer, "null");
        return;
    }
    size_t left = strlen(text);
    buffer_print(buffer, "\"");
    while (left > 0) {
        size_t len = stk_utf8_len(text, left);
        if (len == 0)
            buffer_print(buffer, "?");
        else
            print_character(buffer, text, len);
        len = len == 0 ? 1 : len;
        text += len;
        left -= len;
    }
    buffer_print(buffer, "\"");
}
