/*
 * Braces: see braces.h.
 */
#include "client/braces.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "client/fail.h"
#include "client/stoker.h"

enum { DIGITS_MAX = 9 }; /* of a number in a range */

struct expansion {
    const char *whole; /* for sentences */
    size_t whole_len;
    stk_braces_fn *take;
    void *context;
    char *error;
    size_t len; /* of what was written so far */
    char text[STK_BRACES_BYTES];
};

/* What stands in a pair of braces, and behind it. */
struct group {
    const char *inside;
    size_t len;
    const char *behind;
};

static enum stk_status expand(struct expansion *expansion, const char *text, const char *end);

static enum stk_status group_fail(struct expansion *expansion, const struct group *group,
                                  const char *what)
{
    return stk_fail(expansion->error, STK_INVALID, "'{%.*s}' in '%.*s' %s", (int)group->len,
                    group->inside, (int)expansion->whole_len, expansion->whole, what);
}

static enum stk_status append(struct expansion *expansion, const char *text, size_t len)
{
    if (expansion->len + len >= sizeof expansion->text)
        return stk_fail(expansion->error, STK_INVALID, "'%.*s' is longer than %d bytes",
                        (int)expansion->whole_len, expansion->whole, STK_BRACES_BYTES - 1);
    memcpy(expansion->text + expansion->len, text, len);
    expansion->len += len;
    return STK_OK;
}

/* One of a group's texts, and all that follows from it. */
static enum stk_status expand_with(struct expansion *expansion, const char *chosen, size_t len,
                                   const struct group *group, const char *end)
{
    const size_t before = expansion->len;
    enum stk_status status = append(expansion, chosen, len);
    if (status == STK_OK)
        status = expand(expansion, group->behind, end);
    expansion->len = before;
    return status;
}

static bool parse_number(const char *text, size_t len, uint32_t *number)
{
    *number = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (uint32_t)(text[i] - '0');
    }
    return len > 0 && len <= DIGITS_MAX;
}

static enum stk_status expand_range(struct expansion *expansion, const struct group *group,
                                    const char *dots, const char *end)
{
    const size_t first_len = (size_t)(dots - group->inside);
    uint32_t first, last;
    if (!parse_number(group->inside, first_len, &first) ||
        !parse_number(dots + 2, group->len - first_len - 2, &last))
        return group_fail(expansion, group, "is no range of numbers: write {1..4}");
    if (first > last)
        return group_fail(expansion, group, "counts down: write the smaller number first");
    enum stk_status status = STK_OK;
    for (uint32_t i = first; i <= last && status == STK_OK; i++) {
        char number[16];
        int len = snprintf(number, sizeof number, "%0*" PRIu32, (int)first_len, i);
        status = expand_with(expansion, number, (size_t)len, group, end);
    }
    return status;
}

static enum stk_status expand_list(struct expansion *expansion, const struct group *group,
                                   const char *end)
{
    const char *const list_end = group->inside + group->len;
    enum stk_status status = STK_OK;
    for (const char *item = group->inside; item <= list_end && status == STK_OK;) {
        const char *comma = memchr(item, ',', (size_t)(list_end - item));
        const char *item_end = comma == NULL ? list_end : comma;
        if (item == item_end)
            return group_fail(expansion, group, "has a place with nothing in it");
        status = expand_with(expansion, item, (size_t)(item_end - item), group, end);
        item = item_end + 1;
    }
    return status;
}

static enum stk_status expand_group(struct expansion *expansion, const struct group *group,
                                    const char *end)
{
    if (memchr(group->inside, '{', group->len) != NULL)
        return group_fail(expansion, group, "has braces inside braces");
    if (memchr(group->inside, ',', group->len) != NULL)
        return expand_list(expansion, group, end);
    const char *dots = memmem(group->inside, group->len, "..", 2);
    if (dots != NULL)
        return expand_range(expansion, group, dots, end);
    return group_fail(expansion, group, "is neither a range as {1..4} nor a list as {a,b}");
}

/* Write what stands up to the next group, then each of its texts with all that follows. */
static enum stk_status expand(struct expansion *expansion, const char *text, const char *end)
{
    const char *brace = text;
    while (brace < end && *brace != '{' && *brace != '}')
        brace++;
    enum stk_status status = append(expansion, text, (size_t)(brace - text));
    if (status != STK_OK)
        return status;
    if (brace == end)
        return expansion->take(expansion->context, expansion->text, expansion->len,
                               expansion->error);
    const char *close = memchr(brace, '}', (size_t)(end - brace));
    if (*brace == '}' || close == NULL)
        return stk_fail(expansion->error, STK_INVALID, "'%.*s' in '%.*s' %s", (int)(end - brace),
                        brace, (int)expansion->whole_len, expansion->whole,
                        *brace == '}' ? "closes a brace that nobody opened"
                                      : "opens a brace that nobody closes");
    const struct group group = {brace + 1, (size_t)(close - brace) - 1, close + 1};
    return expand_group(expansion, &group, end);
}

enum stk_status stk_braces_expand(const char *text, size_t len, stk_braces_fn *take, void *context,
                                  char *error)
{
    struct expansion expansion = {
        .whole = text, .whole_len = len, .take = take, .context = context, .error = error};
    return expand(&expansion, text, text + len);
}
