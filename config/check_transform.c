/*
 * Checks of a stream's transforms: what stands in the list, in which order, with what settings.
 */
#include <string.h>

#include "config/check.h"

/* What every check is about. */
struct subject {
    const struct config_report *report;
    const struct config_lines *lines;
    const struct config_stream *stream;
    const struct recipe *recipe;
};

static const char *name_of(enum transform transform)
{
    return recipe_transform_words.list[transform];
}

/* Where a key was given; 0: nowhere. */
static unsigned given(const struct subject *subject, enum config_section section, const char *name)
{
    return subject->lines->of[config_key_find(section, name) - config_keys];
}

/* The line to blame for a transform's setting: its own, its section's, the list's, the stream's. */
static unsigned line_of(const struct subject *subject, enum transform transform, const char *name)
{
    const unsigned lines[] = {
        name != NULL ? given(subject, config_section_of(transform), name) : 0,
        given(subject, CONFIG_STREAM, name_of(transform)),
        given(subject, CONFIG_STREAM, "transform"),
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (lines[i] > 0)
            return lines[i];
    }
    return subject->stream->line;
}

static unsigned line_of_list(const struct subject *subject)
{
    unsigned line = given(subject, CONFIG_STREAM, "transform");
    return line > 0 ? line : subject->stream->line;
}

/* One transform and the one before it. */
static enum stk_status check_pair(const struct subject *subject, enum transform before,
                                  enum transform transform)
{
    enum transform_kind kind = transform_kind(transform);
    if (transform_kind(before) > kind)
        return config_fail(subject->report, line_of_list(subject),
                           "\"transform\" has \"%s\" behind \"%s\"; crops and resize come first, "
                           "then flip, then what changes pixels",
                           name_of(transform), name_of(before));
    bool pair = before == TRANSFORM_RESIZE &&
                (transform == TRANSFORM_CENTER_CROP || transform == TRANSFORM_PAD_CROP);
    if (kind == TRANSFORM_GEOMETRY && !pair)
        return config_fail(subject->report, line_of_list(subject),
                           "\"transform\" has \"%s\" behind \"%s\", and they exclude each other; "
                           "only center_crop or pad_crop can follow, behind resize",
                           name_of(transform), name_of(before));
    return STK_OK;
}

static enum stk_status check_list(const struct subject *subject)
{
    const struct recipe *recipe = subject->recipe;
    for (size_t i = 1; i < recipe->transform_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (recipe->transforms[i] == recipe->transforms[j])
                return config_fail(subject->report, line_of_list(subject),
                                   "\"transform\" has \"%s\" twice; remove one",
                                   name_of(recipe->transforms[i]));
        }
        enum stk_status status =
            check_pair(subject, recipe->transforms[i - 1], recipe->transforms[i]);
        if (status != STK_OK)
            return status;
    }
    if (transform_kind(recipe->transforms[0]) != TRANSFORM_GEOMETRY)
        return config_fail(subject->report, line_of_list(subject),
                           "\"transform\" has nothing that brings a picture to \"size\"; begin it "
                           "with random_resized_crop, resize, center_crop or pad_crop");
    return STK_OK;
}

/* Settings that are given and could change nothing. */
static enum stk_status check_sections(const struct subject *subject)
{
    for (int i = 0; i < TRANSFORM_COUNT; i++) {
        enum transform transform = (enum transform)i;
        unsigned line = given(subject, CONFIG_STREAM, name_of(transform));
        if (line > 0 && !recipe_has_transform(subject->recipe, transform))
            return config_fail(subject->report, line,
                               "\"%s\" has a section and does not stand in \"transform\" of stream "
                               "\"%s\"; add it there, or remove the section",
                               name_of(transform), subject->stream->name);
    }
    return STK_OK;
}

static enum stk_status check_rising(const struct subject *subject, enum transform transform,
                                    const char *name, const double range[2])
{
    if (range[0] <= range[1])
        return STK_OK;
    return config_fail(subject->report, line_of(subject, transform, name),
                       "\"%s\" of %s is {%g, %g}; the smaller number must stand first", name,
                       name_of(transform), range[0], range[1]);
}

static enum stk_status check_ranges(const struct subject *subject)
{
    const struct recipe *recipe = subject->recipe;
    const struct {
        enum transform transform;
        const char *name;
        const double *range;
    } rows[] = {
        {TRANSFORM_RANDOM_RESIZED_CROP, "scale", recipe->random_resized_crop.scale},
        {TRANSFORM_RANDOM_RESIZED_CROP, "ratio", recipe->random_resized_crop.ratio},
        {TRANSFORM_RANDOM_ERASING, "scale", recipe->random_erasing.scale},
        {TRANSFORM_RANDOM_ERASING, "ratio", recipe->random_erasing.ratio},
    };
    enum stk_status status = STK_OK;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && status == STK_OK; i++)
        status = check_rising(subject, rows[i].transform, rows[i].name, rows[i].range);
    return status;
}

/* Pixels that a crop of the resized picture lacks in every picture, be it wide or tall; or 0. */
static uint32_t always_short(const struct recipe *recipe, uint32_t padding)
{
    const uint32_t *side = recipe->resize.side;
    const uint32_t size[2] = {recipe->height, recipe->width};
    uint32_t least = size[0] < size[1] ? size[0] : size[1];
    if (recipe->resize.side_count == 1)
        return side[0] + 2 * padding < least ? least - side[0] - 2 * padding : 0;
    for (int i = 0; i < 2; i++) {
        if (side[i] + 2 * padding < size[i])
            return size[i] - side[i] - 2 * padding;
    }
    return 0;
}

/* A crop may reach beyond a picture that happens to be small, but not beyond all of them. */
static enum stk_status check_resize(const struct subject *subject)
{
    const struct recipe *recipe = subject->recipe;
    bool padded = recipe_has_transform(recipe, TRANSFORM_PAD_CROP);
    if (!recipe_has_transform(recipe, TRANSFORM_RESIZE))
        return STK_OK;
    if (!padded && !recipe_has_transform(recipe, TRANSFORM_CENTER_CROP)) {
        unsigned line = given(subject, config_section_of(TRANSFORM_RESIZE), "side");
        if (line == 0)
            return STK_OK;
        return config_fail(subject->report, line,
                           "\"side\" of resize has no meaning without a crop behind it, where "
                           "resize makes \"size\"; remove it, or add center_crop or pad_crop");
    }
    uint32_t lack = always_short(recipe, padded ? recipe->pad_crop.padding : 0);
    if (lack == 0)
        return STK_OK;
    return config_fail(subject->report, line_of(subject, TRANSFORM_RESIZE, "side"),
                       "\"side\" of resize leaves every picture too small for the %u x %u that %s "
                       "cuts out%s; it lacks %u, make it larger or \"size\" smaller",
                       (unsigned)recipe->height, (unsigned)recipe->width,
                       name_of(padded ? TRANSFORM_PAD_CROP : TRANSFORM_CENTER_CROP),
                       recipe->phase_count > 0 ? " in a phase, and is the same in all of them" : "",
                       (unsigned)lack);
}

/* So that a window always shows something of the picture. */
static enum stk_status check_padding(const struct subject *subject)
{
    const struct recipe *recipe = subject->recipe;
    uint32_t least = recipe->height < recipe->width ? recipe->height : recipe->width;
    if (!recipe_has_transform(recipe, TRANSFORM_PAD_CROP) || recipe->pad_crop.padding < least)
        return STK_OK;
    return config_fail(subject->report, line_of(subject, TRANSFORM_PAD_CROP, "padding"),
                       "\"padding\" of pad_crop is %u; it must be below %u, the smaller side of "
                       "\"size\"",
                       (unsigned)recipe->pad_crop.padding, (unsigned)least);
}

static enum stk_status check_noise(const struct subject *subject)
{
    unsigned line = given(subject, config_section_of(TRANSFORM_RANDOM_ERASING), "value");
    if (line == 0 || subject->recipe->random_erasing.mode == ERASE_VALUE)
        return STK_OK;
    return config_fail(subject->report, line,
                       "\"value\" of random_erasing has no meaning with mode = noise; remove one");
}

enum stk_status config_check_transforms(const struct config_report *report,
                                        const struct config_lines *lines,
                                        const struct config_stream *stream)
{
    static enum stk_status (*const checks[])(const struct subject *) = {
        check_list, check_sections, check_ranges, check_resize, check_padding, check_noise,
    };
    const struct subject subject = {report, lines, stream, &stream->recipe};
    enum stk_status status = STK_OK;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && status == STK_OK; i++)
        status = checks[i](&subject);
    return status;
}
