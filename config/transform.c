/*
 * Transforms: names and kinds, and what a recipe says of them.
 */
#include "config/transform.h"

#include "config/config.h"
#include "config/recipe.h"
#include "config/schema.h"

#define WORD(NAME, name, kind) #name,
static const char *const names[] = {TRANSFORMS(WORD)};

const struct recipe_words recipe_transform_words = {names, TRANSFORM_COUNT};

enum transform_kind transform_kind(enum transform transform)
{
#define KIND(NAME, name, kind) kind,
    static const enum transform_kind kinds[] = {TRANSFORMS(KIND)};
    return kinds[transform];
}

bool recipe_has_transform(const struct recipe *recipe, enum transform transform)
{
    for (size_t i = 0; i < recipe->transform_count; i++) {
        if (recipe->transforms[i] == transform)
            return true;
    }
    return false;
}

bool recipe_setting_matters(const struct recipe *recipe, const struct config_key *key)
{
    if (key->section < CONFIG_TRANSFORMS)
        return true;
    enum transform transform = (enum transform)(key->section - CONFIG_TRANSFORMS);
    if (!recipe_has_transform(recipe, transform))
        return false;
    if (transform == TRANSFORM_RESIZE) /* without a crop behind it it makes the stream's size */
        return recipe_has_transform(recipe, TRANSFORM_CENTER_CROP) ||
               recipe_has_transform(recipe, TRANSFORM_PAD_CROP);
    if (key->offset == offsetof(struct config_stream, recipe.random_erasing.value))
        return recipe->random_erasing.mode == ERASE_VALUE;
    return true;
}
