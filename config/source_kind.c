/*
 * Kinds of sources: their words.
 */
#include "config/source_kind.h"

#include <string.h>

static const char *const words[CONFIG_SOURCE_KINDS] = {
    [CONFIG_SOURCE_FOLDER] = "folder",
    [CONFIG_SOURCE_CSV] = "csv",
};

const char config_source_words[] = "folder or csv";

enum stk_status config_source_parse(const char *text, struct config_source *source)
{
    size_t len = strcspn(text, ":/");
    *source = (struct config_source){.kind = CONFIG_SOURCE_FOLDER, .path = text};
    if (text[len] != ':')
        return STK_OK;
    for (int i = 0; i < CONFIG_SOURCE_KINDS; i++) {
        if (strlen(words[i]) != len || strncmp(words[i], text, len) != 0)
            continue;
        source->kind = (enum config_source_kind)i;
        source->path = text + len + 1;
        return STK_OK;
    }
    return STK_INVALID;
}
