/*
 * Changes: values are compared as they are printed.
 */
#include "config/changes.h"

#include <stdio.h>
#include <string.h>

#include "config/schema.h"

static bool differs(const struct config_key *key, const struct config *before,
                    const struct config *after, struct config_change *change)
{
    change->key = key->name;
    config_key_text(key, before, change->before, sizeof change->before);
    config_key_text(key, after, change->after, sizeof change->after);
    return strcmp(change->before, change->after) != 0;
}

/* Of the keys that hold until the end, or of the others. */
static unsigned list(const struct config *before, const struct config *after, bool until_end,
                     struct config_change *changes)
{
    unsigned count = 0;
    for (unsigned i = 0; i < config_key_count && count < CONFIG_CHANGES_MAX; i++) {
        const struct config_key *key = &config_keys[i];
        bool value = key->section == CONFIG_GLOBAL && key->kind != CONFIG_SUBSECTION &&
                     key->kind != CONFIG_ENDPOINT;
        if (value && key->until_end == until_end && differs(key, before, after, &changes[count]))
            count++;
    }
    return count;
}

unsigned config_changes(const struct config *before, const struct config *after,
                        struct config_change changes[CONFIG_CHANGES_MAX])
{
    return list(before, after, false, changes);
}

unsigned config_hold(struct config *after, const struct config *running,
                     struct config_change held[CONFIG_CHANGES_MAX])
{
    unsigned count = list(running, after, true, held);
    for (unsigned i = 0; i < count; i++)
        config_key_copy(config_key_find(CONFIG_GLOBAL, held[i].key), after, running);
    for (size_t i = 0; i < after->stream_count; i++) {
        after->streams[i].recipe.image_pixels_max = after->image_pixels_max;
        after->streams[i].recipe.image_bytes_max = after->image_bytes_max;
    }
    return count;
}
