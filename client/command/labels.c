/*
 * stoker labels: the classes of a stream and how many samples each has, as a table or as JSON.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "client/command/class_names.h"
#include "client/command/command.h"
#include "client/command/json.h"

static void print_table(const struct class_names *classes)
{
    printf("%7s  %12s  %s\n", "LABEL", "SAMPLES", "NAME");
    for (uint32_t i = 0; i < classes->count; i++) {
        printf("%7" PRIu32 "  %12" PRIu64 "  ", i, classes->counts[i]);
        text_print(stdout, stk_text_of(classes->names[i]));
        putchar('\n');
    }
}

static int print_json(const struct class_names *classes)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < classes->count; i++) {
        json_t *row = json_object();
        json_set_number(row, "label", i);
        json_set_text(row, "name", stk_text_of(classes->names[i]));
        json_set_number(row, "samples", classes->counts[i]);
        json_array_append_new(rows, row);
    }
    json_t *object = json_object();
    json_object_set_new(object, "labels", rows);
    return json_print(object);
}

int labels_command(char **words)
{
    bool json = false;
    uint32_t timeout_s = TIMEOUT_SECONDS_DEFAULT;
    const struct flag flags[] = {
        {"json", FLAG_SWITCH, &json, NULL, 0, 0, "print one JSON object"},
        TIMEOUT_FLAG(&timeout_s),
    };
    const struct arguments arguments = {"labels", "List the classes of a stream.", "URL/STREAM",
                                        flags,    sizeof flags / sizeof *flags,    false};
    const char *url;
    int code;
    if (!arguments_read(&arguments, words, &url, &code))
        return code;
    if ((code = check_url(url)) != COMMAND_DONE)
        return code;
    struct class_names classes = {0};
    code = class_names_fetch(url, timeout_s, &classes);
    if (code == COMMAND_DONE && json)
        code = print_json(&classes);
    else if (code == COMMAND_DONE)
        print_table(&classes);
    class_names_release(&classes);
    return code;
}
