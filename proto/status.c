/*
 * Status codes: the tables behind status.h.
 */
#include "proto/status.h"

#include <string.h>

#define STATUS_WORD(name, word, text) word,
static const char *const words[] = {STK_STATUS_LIST(STATUS_WORD)};

#define STATUS_TEXT(name, word, text) text,
static const char *const texts[] = {STK_STATUS_LIST(STATUS_TEXT)};

const char *stk_status_word(enum stk_status status)
{
    return (unsigned)status < STK_STATUS_COUNT ? words[status] : words[STK_INVALID];
}

const char *stk_status_text(enum stk_status status)
{
    return (unsigned)status < STK_STATUS_COUNT ? texts[status] : texts[STK_INVALID];
}

enum stk_status stk_status_of_word(const char *word, unsigned long len)
{
    for (unsigned i = 0; i < STK_STATUS_COUNT; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
            return (enum stk_status)i;
    }
    return STK_INVALID;
}
