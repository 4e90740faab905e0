/*
 * The example configuration and the manual that ship name every key as it is (run from the
 * repository's root).
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/schema.h"
#include "tests/config_file.h"
#include "tests/recipes.h"

static char *read_whole(const char *name)
{
    FILE *file = fopen(name, "r");
    ck_assert_msg(file != NULL, "%s: run the tests from the repository's root", name);
    char *bytes = calloc(1, FILE_BYTES);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_lt(fread(bytes, 1, FILE_BYTES - 1, file), FILE_BYTES - 1);
    fclose(file);
    return bytes;
}

/* A commented setting has no blank behind its '#', or an indent of four; prose has one blank. */
static bool is_setting(const char *hash)
{
    return hash[1] == '}' || (hash[1] >= 'a' && hash[1] <= 'z') ||
           strncmp(hash + 1, "    ", 4) == 0;
}

/* Take one '#' from every line that is a commented setting, and put the source's path in. */
static void uncomment(char *text)
{
    char *out = text;
    for (char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n") + 1;
        size_t indent = strspn(line, " ");
        bool setting = line[indent] == '#' && is_setting(line + indent);
        memmove(out, line, indent);
        memmove(out + indent, line + indent + setting, len - indent - setting);
        out += len - setting;
        line += len;
    }
    *out = '\0';
}

static char *with_source(const char *text)
{
    char *whole = calloc(1, FILE_BYTES);
    ck_assert_ptr_nonnull(whole);
    size_t len = 0;
    for (const char *line = text; *line != '\0';) {
        size_t line_len = strcspn(line, "\n") + 1;
        const char *key = line + strspn(line, " ");
        if (strncmp(key, "source = ", 9) == 0)
            len += (size_t)sprintf(whole + len, "source = @\n");
        else
            len += (size_t)sprintf(whole + len, "%.*s", (int)line_len, line);
        line += line_len;
    }
    return whole;
}

START_TEST(the_example_is_ready_when_its_streams_are_uncommented)
{
    char *example = read_whole("config/stokerd.conf.example");
    uncomment(example);
    char *text = with_source(example);
    struct config *config = open_text(text);
    ck_assert_uint_eq(config->stream_count, 3);
    ck_assert_str_eq(config->streams[0].name, "cifar");
    ck_assert_str_eq(config->streams[1].name, "train");
    assert_recipes_equal(&config->streams[1].recipe, &default_recipe);
    ck_assert_str_eq(config->streams[2].name, "valid");
    struct recipe valid = default_recipe;
    valid.order = ORDER_SEQUENTIAL;
    valid.last = STK_LAST_PARTIAL;
    valid.transforms[0] = TRANSFORM_RESIZE;
    valid.transforms[1] = TRANSFORM_CENTER_CROP;
    assert_recipes_equal(&config->streams[2].recipe, &valid);
    config_close(&config);
    free(text);
    free(example);
}
END_TEST

START_TEST(every_key_of_the_example_stands_at_its_default)
{
    char *example = read_whole("config/stokerd.conf.example");
    uncomment(example); /* globals and streams */
    uncomment(example); /* keys of a stream */
    char *text = with_source(example);
    struct config *config = open_text(text);
    struct config *builtin = open_text("stream train { source = @ \n mix { } \n"
                                       "phase { from_epoch = 30 size = 288 batch = 32 } }"
                                       "stream valid { source = @ \n order = sequential\n"
                                       "last = partial\n transform = {resize, center_crop} }"
                                       "stream cifar { source = @ \n size = 32\n"
                                       "transform = {pad_crop, flip, random_erasing} }");
    assert_configs_equal(config, builtin);
    config_close(&config);
    config_close(&builtin);
    free(text);
    free(example);
}
END_TEST

/* Where the comment begins that ends at a key: behind the last line of blanks and '#' alone. */
static const char *comment_above(const char *text, const char *key)
{
    const char *start = text;
    for (const char *line = text; line < key; line += strcspn(line, "\n") + 1) {
        if (line[strspn(line, " #")] == '\n')
            start = line;
    }
    return start;
}

START_TEST(the_example_states_the_range_above_every_key)
{
    char *text = read_whole("config/stokerd.conf.example");
    uncomment(text);
    uncomment(text);
    uncomment(text); /* keys of mix that mean nothing beside its preset */
    for (unsigned i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char range[CONFIG_RANGE_BYTES], line[64];
        if (key->kind == CONFIG_SUBSECTION)
            continue;
        int depth = key->section <= CONFIG_STREAM ? (int)key->section : 2;
        snprintf(line, sizeof(line), "\n    %s {\n", config_section_name(key->section));
        const char *section = depth == 2 ? strstr(text, line) : text;
        ck_assert_msg(section != NULL, "the example has no \"%s\"", line + 1);
        snprintf(line, sizeof(line), "\n%*s%s = ", 4 * depth, "", key->name);
        const char *place = strstr(section, line);
        ck_assert_msg(place != NULL, "the example does not name \"%s\"", key->name);
        const char *above = comment_above(text, place);
        char *comment = strndup(above, (size_t)(place - above));
        config_key_range(key, range);
        const char *found = strstr(comment, range);
        ck_assert_msg(found != NULL && strspn(found + strlen(range), "0123456789") == 0,
                      "%s: \"%s\" is not in \"%s\"", key->name, range, comment);
        free(comment);
    }
    free(text);
}
END_TEST

/* Where a section's keys stand in the manual. */
static const char *manual_of(const char *manual, enum config_section section)
{
    char title[64] = "\n.Sh SETTINGS OF A STREAM";
    if (section == CONFIG_GLOBAL)
        return manual;
    if (section != CONFIG_STREAM)
        snprintf(title, sizeof(title), "\n.Sh SETTINGS OF %s", config_section_name(section));
    for (char *at = title + 4; *at != '\0'; at++)
        *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    const char *place = strstr(manual, title);
    ck_assert_msg(place != NULL, "the manual has no \"%s\"", title + 1);
    return place;
}

START_TEST(the_manual_names_every_key_with_its_range_and_default)
{
    char *manual = read_whole("config/stokerd.conf.5");
    for (unsigned i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char item[64], range[CONFIG_RANGE_BYTES];
        snprintf(item, sizeof(item), "\n.It Ic %s", key->name);
        const char *entry = strstr(manual_of(manual, key->section), item);
        ck_assert_msg(entry != NULL, "the manual does not name \"%s\"", key->name);
        if (key->kind == CONFIG_SUBSECTION)
            continue;
        const char *next = strstr(entry + 1, "\n.It Ic ");
        char *text = next != NULL ? strndup(entry, (size_t)(next - entry)) : strdup(entry);
        for (char *at = text; (at = strchr(at, '\n')) != NULL;) /* a range may be wrapped */
            *at = ' ';
        config_key_range(key, range);
        ck_assert_msg(strstr(text, range) != NULL, "%s: \"%s\"", key->name, range);
        for (unsigned j = 0; j < CONFIG_DEFAULTS_MAX && key->defaults[j] != NULL; j++)
            ck_assert_msg(strstr(text, key->defaults[j]) != NULL, "%s: %s", key->name,
                          key->defaults[j]);
        free(text);
    }
    free(manual);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("config_documents");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_example_is_ready_when_its_streams_are_uncommented);
    tcase_add_test(tests, every_key_of_the_example_stands_at_its_default);
    tcase_add_test(tests, the_example_states_the_range_above_every_key);
    tcase_add_test(tests, the_manual_names_every_key_with_its_range_and_default);
    return suite_run("config_documents", tests);
}
