/*
 * Class names: see class_names.h.
 */
#include "client/command/class_names.h"

#include <stdlib.h>
#include <string.h>

#include "client/command/command.h"
#include "client/url.h"

void class_names_release(struct class_names *classes)
{
    for (uint32_t i = 0; i < classes->count; i++)
        free(classes->names[i]);
    free(classes->names);
    free(classes->counts);
    *classes = (struct class_names){0};
}

/* Room for a page more; false without memory. */
static bool grow(struct class_names *classes)
{
    if (classes->capacity - classes->count >= STK_LABELS_MAX)
        return true;
    uint32_t capacity = 2 * classes->capacity + STK_LABELS_MAX;
    char **names = reallocarray(classes->names, capacity, sizeof *names);
    if (names == NULL)
        return false;
    classes->names = names;
    uint64_t *counts = reallocarray(classes->counts, capacity, sizeof *counts);
    if (counts == NULL)
        return false;
    classes->counts = counts;
    classes->capacity = capacity;
    return true;
}

/* Take what one reply has; false without memory. */
static bool add(struct class_names *classes, const struct stk_labels *labels)
{
    if (!grow(classes))
        return false;
    for (uint32_t i = 0; i < labels->count; i++) {
        char *name = strndup(labels->names[i].data, labels->names[i].len);
        if (name == NULL)
            return false;
        classes->names[classes->count] = name;
        classes->counts[classes->count++] = labels->counts[i];
    }
    return true;
}

/* Whether another endpoint may do better. */
static bool may_pass(enum stk_status status)
{
    return status == STK_TIMEOUT || status == STK_DRAINING || status == STK_OVERLOADED ||
           status == STK_MEMORY || status == STK_SYSTEM;
}

static enum stk_status ask(const struct stk_url *url, uint32_t first, uint32_t timeout_s,
                           struct stk_answer **answer, char *error)
{
    const struct stk_request request = {
        .kind = STK_KIND_LABELS, .stream = stk_text_of(url->stream), .first = first};
    enum stk_status status = STK_TIMEOUT;
    for (uint32_t i = 0; i < url->count && may_pass(status); i++)
        status = stk_ask(url->endpoints[i], &request, timeout_s * 1000, answer, error);
    return status;
}

int class_names_fetch(const char *url, uint32_t timeout_s, struct class_names *classes)
{
    struct stk_url parsed;
    char error[STK_ERROR_BYTES];
    if (stk_url_parse(url, &parsed, error) != STK_OK)
        return command_misuse("%s", error);
    for (bool more = true; more;) {
        struct stk_answer *answer;
        if (ask(&parsed, classes->count, timeout_s, &answer, error) != STK_OK)
            return command_fail("%s", error);
        const struct stk_labels *labels = stk_answer_labels(answer);
        more = labels->count > 0;
        bool kept = add(classes, labels);
        stk_answer_close(&answer);
        if (!kept)
            return command_fail("no memory for the names of the classes");
    }
    return COMMAND_DONE;
}

const char *class_names_get(const struct class_names *classes, int32_t label)
{
    return label >= 0 && (uint32_t)label < classes->count ? classes->names[label] : "?";
}
