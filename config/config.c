/*
 * The configuration file: libConfuse's tree of words becomes a struct config.
 *
 * libConfuse keeps the grammar (keys, values, lists, sections, unknown keys); its numbers overflow
 * and its values have no lines, so every value is taken as a word with its line, and is read by the
 * table's rules afterwards.  This is the only includer of confuse.h.
 */
#include "config/config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>

#include "config/check.h"
#include "config/report.h"
#include "config/schema.h"
#include "config/text.h"

/* A value as it stands in the file. */
struct word {
    unsigned line;
    char text[];
};

/* Where a configuration is built. */
struct builder {
    const struct config_report *report;
    const unsigned *section_line; /* of the next section, in the file's order */
    struct config *config;
};

static enum stk_status parse(const struct config_report *report, const char *text, cfg_t **tree);
static enum stk_status build(struct builder *builder, cfg_t *tree);

enum stk_status config_open(const char *path, struct config **config, char *error)
{
    *config = NULL;
    error[0] = '\0';
    struct config_report report = {.path = path, .text = error};
    struct config_text text = {0};
    cfg_t *tree = NULL;
    struct builder builder = {.report = &report, .section_line = text.section_lines};

    enum stk_status status = config_text_init(&report, &text);
    if (status == STK_OK)
        status = parse(&report, text.bytes, &tree);
    if (status == STK_OK && (builder.config = calloc(1, sizeof(*builder.config))) == NULL)
        status = STK_MEMORY;
    if (status == STK_OK)
        status = build(&builder, tree);
    if (status == STK_OK && builder.config->stream_count == 0)
        status = config_fail(&report, text.last_line,
                             "no stream; add one: stream NAME { source = DIRECTORY }");

    if (tree != NULL)
        cfg_free(tree);
    config_text_release(&text);
    if (status != STK_OK)
        config_close(&builder.config);
    if (status == STK_MEMORY)
        config_fail(&report, 0, "%s", stk_status_text(status));
    *config = builder.config;
    return status;
}

void config_close(struct config **config)
{
    struct config *closing = *config;
    *config = NULL;
    if (closing == NULL)
        return;
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        free(closing->listen[i]);
    free(closing->server_key);
    free(closing->client_keys);
    free(closing->client_addresses);
    free(closing->http);
    free(closing->http_token);
    for (size_t i = 0; i < closing->stream_count; i++) {
        free(closing->streams[i].name);
        free(closing->streams[i].source);
        free(closing->streams[i].root);
        free(closing->streams[i].list);
        free(closing->streams[i].index);
    }
    free(closing->streams);
    free(closing);
}

/* The keys that mean something beside the others: the rest would be refused where it is read. */
static void print_mix(const struct config_stream *stream, FILE *out)
{
    fputs("    mix {\n", out);
    for (unsigned i = 0; i < config_key_count; i++) {
        if (config_keys[i].section != CONFIG_MIX ||
            !config_mix_applies(&stream->recipe.mix, config_keys[i].name))
            continue;
        fputs("        ", out);
        config_key_print(&config_keys[i], stream, out);
    }
    fputs("    }\n", out);
}

static void print_section(enum config_section section, const void *base, const char *indent,
                          FILE *out)
{
    for (unsigned i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->section != section || key->kind == CONFIG_SUBSECTION)
            continue;
        fputs(indent, out);
        config_key_print(key, base, out);
    }
}

static void print_phases(const struct recipe *recipe, FILE *out)
{
    for (uint32_t i = 0; i < recipe->phase_count; i++) {
        fputs("    phase {\n", out);
        print_section(CONFIG_PHASE, &recipe->phases[i], "        ", out);
        fputs("    }\n", out);
    }
}

/* The settings of those in the list; where none of them matters, no section. */
static void print_transforms(const struct config_stream *stream, FILE *out)
{
    for (size_t i = 0; i < stream->recipe.transform_count; i++) {
        enum config_section section = config_section_of(stream->recipe.transforms[i]);
        bool open = false;
        for (unsigned k = 0; k < config_key_count; k++) {
            const struct config_key *key = &config_keys[k];
            if (key->section != section || !recipe_setting_matters(&stream->recipe, key))
                continue;
            if (!open)
                fprintf(out, "    %s {\n", config_section_name(section));
            open = true;
            fputs("        ", out);
            config_key_print(key, stream, out);
        }
        fputs(open ? "    }\n" : "", out);
    }
}

void config_print(const struct config *config, FILE *out)
{
    print_section(CONFIG_GLOBAL, config, "", out);
    for (size_t i = 0; i < config->stream_count; i++) {
        const struct config_stream *stream = &config->streams[i];
        fprintf(out, "\nstream %s {\n", stream->name);
        print_section(CONFIG_STREAM, stream, "    ", out);
        print_transforms(stream, out);
        print_mix(stream, out);
        print_phases(&stream->recipe, out);
        fputs("}\n", out);
    }
}

/*
 * Where take_error reports: libConfuse hands its callbacks no context.  Set for one cfg_parse_buf,
 * on its thread.
 */
static _Thread_local const struct config_report *reporting;

static int keep_word(cfg_t *section, cfg_opt_t *option, const char *value, void *result);
static void take_error(cfg_t *section, const char *format, va_list values);

/* libConfuse's options of a section, closed by CFG_END. */
typedef cfg_opt_t section_options[CONFIG_KEYS_MAX + 1];

static enum config_section section_named(const char *name);

/* libConfuse's schema of one section; those of the sections in it are there already. */
static void fill_options(enum config_section section, section_options *all)
{
    cfg_opt_t *options = all[section];
    unsigned count = 0;
    for (unsigned i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->section != section)
            continue;
        cfg_flag_t title = section == CONFIG_GLOBAL ? CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE;
        if (key->kind == CONFIG_SUBSECTION)
            options[count++] =
                (cfg_opt_t)CFG_SEC(key->name, all[section_named(key->name)], CFGF_MULTI | title);
        else
            options[count++] =
                (cfg_opt_t)CFG_PTR_LIST_CB(key->name, NULL, CFGF_NONE, keep_word, free);
    }
    options[count] = (cfg_opt_t)CFG_END();
}

static enum stk_status parse(const struct config_report *report, const char *text, cfg_t **tree)
{
    section_options options[CONFIG_SECTION_COUNT];
    for (int i = CONFIG_SECTION_COUNT - 1; i >= 0; i--)
        fill_options((enum config_section)i, options);

    *tree = cfg_init(options[CONFIG_GLOBAL], CFGF_NONE);
    if (*tree == NULL)
        return STK_MEMORY;
    cfg_set_error_function(*tree, take_error);
    reporting = report;
    int parsed = cfg_parse_buf(*tree, text);
    reporting = NULL;
    if (parsed == CFG_SUCCESS)
        return STK_OK;
    return report->text[0] != '\0' ? STK_CONFIG : STK_MEMORY;
}

/* libConfuse's flags end far below; it copies an option for each section, flags and all. */
enum { OPTION_GIVEN = 1 << 24 };

static int keep_word(cfg_t *section, cfg_opt_t *option, const char *value, void *result)
{
    unsigned line = (unsigned)section->line;
    bool first = cfg_opt_size(option) == 1; /* of this assignment: '=' drops what was there */
    if (first && (option->flags & OPTION_GIVEN) != 0) {
        config_fail(reporting, line, "\"%s\" is set twice; keep one", option->name);
        return -1;
    }
    option->flags |= OPTION_GIVEN;
    struct word *word = malloc(sizeof(*word) + strlen(value) + 1);
    if (word == NULL)
        return -1;
    word->line = line;
    strcpy(word->text, value);
    *(void **)result = word;
    return 0;
}

static enum config_section section_named(const char *name)
{
    for (int i = CONFIG_STREAM; i < CONFIG_SECTION_COUNT; i++) {
        if (strcmp(name, config_section_name((enum config_section)i)) == 0)
            return (enum config_section)i;
    }
    return CONFIG_GLOBAL;
}

/* Where a key would have been right; advice stays as it is where that is nowhere. */
static void rightful_place(const char *name, char *advice, size_t capacity)
{
    static const char *const places[] = {"outside of the streams", "inside a stream"};
    for (int i = 0; i < CONFIG_SECTION_COUNT; i++) {
        enum config_section section = (enum config_section)i;
        if (config_key_find(section, name) == NULL)
            continue;
        if (section <= CONFIG_STREAM)
            snprintf(advice, capacity, "it belongs %s", places[section]);
        else
            snprintf(advice, capacity, "it belongs inside the %s section of a stream",
                     config_section_name(section));
        return;
    }
}

static void unknown_key(const cfg_t *section, const char *name)
{
    enum config_section which = section_named(section->name);
    char where[CONFIG_ERROR_BYTES] = "";
    if (which == CONFIG_STREAM)
        snprintf(where, sizeof(where), " in stream \"%s\"", section->title);
    else if (which != CONFIG_GLOBAL)
        snprintf(where, sizeof(where), " in a %s section", section->name);
    char advice[128] = "stokerd.conf(5) lists them all";
    const struct config_key *nearest = config_key_nearest(which, name);
    if (nearest != NULL)
        snprintf(advice, sizeof(advice), "did you mean \"%s\"?", nearest->name);
    rightful_place(name, advice, sizeof(advice));
    config_fail(reporting, (unsigned)section->line, "unknown key \"%s\"%s; %s", name, where,
                advice);
}

/* libConfuse's errors in the house's words; where it has got new ones, they are shown as they are.
 * What config/text.c has ruled out is not here. */
static void take_error(cfg_t *section, const char *format, va_list values)
{
    static const struct {
        const char *theirs, *ours;
    } errors[] = {
        {"found duplicate title '%s'", "stream \"%s\" stands twice; rename one"},
        {"premature end of file", "the file ends inside a setting; complete it"},
        {"unexpected token '%s'",
         "\"%s\" is not expected here; write KEY = VALUE, or KEY = {VALUE, VALUE}"},
        {"missing equal sign after option '%s'", "\"%s\" has no \"=\"; write KEY = VALUE"},
        {"missing title for section '%s'", "a %s without a name; write stream NAME {"},
        {"missing opening brace for section '%s'",
         "\"%s\" is a section and has no \"{\"; open it with one"},
    };
    if (strcmp(format, "no such option '%s'") == 0) {
        unknown_key(section, va_arg(values, const char *));
        return;
    }
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(format, errors[i].theirs) == 0)
            format = errors[i].ours;
    }
    config_fail_list(reporting, (unsigned)section->line, format, values);
}

static enum stk_status build_section(const struct builder *builder, cfg_t *section,
                                     enum config_section which, void *base,
                                     struct config_lines *lines);
static enum stk_status build_stream(struct builder *builder, cfg_t *section,
                                    struct config_stream *stream);

static int by_name(const void *left, const void *right)
{
    const struct config_stream *const streams[] = {left, right};
    return strcmp(streams[0]->name, streams[1]->name);
}

static enum stk_status build(struct builder *builder, cfg_t *tree)
{
    struct config *config = builder->config;
    struct config_lines lines = {0};
    enum stk_status status = build_section(builder, tree, CONFIG_GLOBAL, config, &lines);
    if (status == STK_OK)
        status = config_check_listen(builder->report, &lines, config);
    if (status == STK_OK)
        status = config_check_keys(builder->report, &lines, config);
    if (status == STK_OK)
        status = config_check_http(builder->report, &lines, config);
    if (status != STK_OK)
        return status;

    cfg_opt_t *streams = cfg_getopt(tree, "stream");
    unsigned count = cfg_opt_size(streams);
    config->streams = calloc(count > 0 ? count : 1, sizeof(*config->streams));
    if (config->streams == NULL)
        return STK_MEMORY;
    for (unsigned i = 0; i < count; i++) {
        if (i == CONFIG_STREAMS_MAX)
            return config_fail(builder->report, *builder->section_line,
                               "more than %d streams; remove some", CONFIG_STREAMS_MAX);
        struct config_stream *stream = &config->streams[config->stream_count++];
        status = build_stream(builder, cfg_opt_getnsec(streams, i), stream);
        if (status != STK_OK)
            return status;
        stream->recipe.image_pixels_max = config->image_pixels_max;
        stream->recipe.image_bytes_max = config->image_bytes_max;
    }
    qsort(config->streams, config->stream_count, sizeof(*config->streams), by_name);
    return STK_OK;
}

static enum stk_status set_value(const struct config_report *report, const struct config_key *key,
                                 void *base, unsigned index, const struct word *word)
{
    enum stk_status status = config_key_set(key, base, index, word->text);
    if (status == STK_OK && key->kind == CONFIG_ENDPOINT)
        return config_check_endpoint(report, word->line, word->text);
    if (status != STK_INVALID && status != STK_RANGE)
        return status;
    char range[CONFIG_RANGE_BYTES];
    config_key_range(key, range);
    const char *quote = status == STK_INVALID ? "\"" : ""; /* a number stands for itself */
    return config_fail(report, word->line, "\"%s\" is %s%s%s; it must be %s", key->name, quote,
                       word->text, quote, range);
}

static enum stk_status check_count(const struct config_report *report, const struct config_key *key,
                                   unsigned count, unsigned line)
{
    if (count >= key->count_min && count <= key->count_max)
        return STK_OK;
    const char *plural = count == 1 ? "" : "s";
    if (key->count_min == key->count_max)
        return config_fail(report, line, "\"%s\" has %u value%s; it must have %u", key->name, count,
                           plural, key->count_min);
    return config_fail(report, line, "\"%s\" has %u value%s; it must have %u .. %u", key->name,
                       count, plural, key->count_min, key->count_max);
}

/* Fields behind the last value: equal to it, or counted as not given. */
static enum stk_status fill_rest(const struct config_key *key, void *base, unsigned count,
                                 const char *last)
{
    if (key->count_offset > 0) {
        *(size_t *)((char *)base + key->count_offset) = count;
        return STK_OK;
    }
    if (key->kind == CONFIG_MIX_BOX)
        return STK_OK;
    enum stk_status status = STK_OK;
    for (unsigned i = count; i < key->count_max && status == STK_OK; i++)
        status = config_key_set(key, base, i, last);
    return status;
}

static enum stk_status build_default(const struct config_key *key, void *base)
{
    enum stk_status status = STK_OK;
    unsigned count = 0;
    for (; count < CONFIG_DEFAULTS_MAX && key->defaults[count] != NULL; count++) {
        status = config_key_set(key, base, count, key->defaults[count]);
        if (status != STK_OK)
            return status;
    }
    return count > 0 ? fill_rest(key, base, count, key->defaults[count - 1]) : STK_OK;
}

/* *line is set to where the key stands, 0 where it does not; option NULL: its section does not. */
static enum stk_status build_key(const struct config_report *report, cfg_opt_t *option,
                                 const struct config_key *key, void *base, unsigned *line)
{
    unsigned count = option != NULL ? cfg_opt_size(option) : 0;
    if (count == 0)
        return build_default(key, base);
    const struct word *word = cfg_opt_getnptr(option, 0);
    *line = word->line;
    enum stk_status status = check_count(report, key, count, *line);
    for (unsigned i = 0; i < count && status == STK_OK; i++) {
        word = cfg_opt_getnptr(option, i);
        status = set_value(report, key, base, i, word);
    }
    return status == STK_OK ? fill_rest(key, base, count, word->text) : status;
}

/* section NULL: a section that is not there has its defaults. */
static enum stk_status build_section(const struct builder *builder, cfg_t *section,
                                     enum config_section which, void *base,
                                     struct config_lines *lines)
{
    for (unsigned i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->section != which || key->kind == CONFIG_SUBSECTION)
            continue;
        cfg_opt_t *option = section != NULL ? cfg_getopt(section, key->name) : NULL;
        enum stk_status status = build_key(builder->report, option, key, base, &lines->of[i]);
        if (status != STK_OK)
            return status;
    }
    return STK_OK;
}

/* Preset and method are read before the other keys, which stand as these two say until they are
 * read themselves. */
static enum stk_status build_preset(const struct builder *builder, cfg_t *section,
                                    struct config_stream *stream)
{
    struct recipe_mix *mix = &stream->recipe.mix;
    unsigned preset_line = 0, method_line = 0;
    enum stk_status status = build_key(builder->report, cfg_getopt(section, "preset"),
                                       config_key_find(CONFIG_MIX, "preset"), stream, &preset_line);
    if (status == STK_OK)
        status = build_key(builder->report, cfg_getopt(section, "method"),
                           config_key_find(CONFIG_MIX, "method"), stream, &method_line);
    if (status == STK_OK)
        *mix =
            mix_preset_keys(mix->preset, method_line > 0 ? &(enum mix_method){mix->method} : NULL);
    return status;
}

/* Without a mix section nothing is mixed; an empty one is the default preset. */
static enum stk_status build_mix(struct builder *builder, cfg_opt_t *mixes,
                                 struct config_stream *stream, struct config_lines *lines)
{
    unsigned count = cfg_opt_size(mixes);
    if (count > 1)
        return config_fail(builder->report, (unsigned)cfg_opt_getnsec(mixes, 1)->line,
                           "\"mix\" stands twice in stream \"%s\"; keep one", stream->name);
    if (count == 0)
        return STK_OK;
    builder->section_line++;
    cfg_t *section = cfg_opt_getnsec(mixes, 0);
    enum stk_status status = build_preset(builder, section, stream);
    if (status == STK_OK)
        status = build_section(builder, section, CONFIG_MIX, stream, lines);
    if (stream->recipe.mix.method == MIX_NONE)
        stream->recipe.mix =
            (struct recipe_mix){.method = MIX_NONE, .smoothing = stream->recipe.mix.smoothing};
    return status;
}

/* A preset's smoothing is of the dense target; only one that is written out meets an error. */
static void drop_smoothing(struct recipe *recipe, const struct config_lines *lines)
{
    if (recipe->labels == LABELS_INDEX && config_line_of(lines, CONFIG_MIX, "smoothing") == 0)
        recipe->mix.smoothing = 0;
}

static enum stk_status build_phase(const struct builder *builder, cfg_t *section,
                                   struct config_stream *stream)
{
    struct recipe *recipe = &stream->recipe;
    struct recipe before = recipe_in_phase(recipe, recipe->phase_count);
    struct recipe_phase *phase = &recipe->phases[recipe->phase_count];
    *phase = (struct recipe_phase){
        .batch = before.batch, .height = before.height, .width = before.width};
    struct config_lines lines = {0};
    enum stk_status status = build_section(builder, section, CONFIG_PHASE, phase, &lines);
    if (status != STK_OK)
        return status;
    recipe->phase_count++;
    return config_check_phase(builder->report, &lines, stream);
}

/* libConfuse keeps no line of a section, and text.c not which is which: too many are the stream's
 * mistake. */
static enum stk_status build_phases(struct builder *builder, cfg_opt_t *phases,
                                    struct config_stream *stream)
{
    unsigned count = cfg_opt_size(phases);
    builder->section_line += count;
    if (count > RECIPE_PHASES_MAX)
        return config_fail(builder->report, stream->line,
                           "stream \"%s\" has %u phases; %d are the most", stream->name, count,
                           RECIPE_PHASES_MAX);
    enum stk_status status = STK_OK;
    for (unsigned i = 0; i < count && status == STK_OK; i++)
        status = build_phase(builder, cfg_opt_getnsec(phases, i), stream);
    return status;
}

/* libConfuse keeps the line where a section ends. */
static enum stk_status build_transform(struct builder *builder, cfg_opt_t *sections,
                                       enum transform transform, struct config_stream *stream,
                                       struct config_lines *lines)
{
    unsigned count = cfg_opt_size(sections);
    builder->section_line += count;
    if (count > 1)
        return config_fail(builder->report, (unsigned)cfg_opt_getnsec(sections, 1)->line,
                           "\"%s\" stands twice in stream \"%s\"; keep one", sections->name,
                           stream->name);
    cfg_t *section = count > 0 ? cfg_opt_getnsec(sections, 0) : NULL;
    if (section != NULL)
        lines->of[config_key_find(CONFIG_STREAM, sections->name) - config_keys] =
            (unsigned)section->line;
    return build_section(builder, section, config_section_of(transform), stream, lines);
}

static enum stk_status build_stream(struct builder *builder, cfg_t *section,
                                    struct config_stream *stream)
{
    stream->line = *builder->section_line++;
    stream->name = strdup(cfg_title(section));
    if (stream->name == NULL)
        return STK_MEMORY;
    struct config_lines lines = {0};
    enum stk_status status = build_mix(builder, cfg_getopt(section, "mix"), stream, &lines);
    if (status == STK_OK)
        status = build_section(builder, section, CONFIG_STREAM, stream, &lines);
    drop_smoothing(&stream->recipe, &lines);
    for (int i = 0; i < TRANSFORM_COUNT && status == STK_OK; i++)
        status = build_transform(builder, cfg_getopt(section, recipe_transform_words.list[i]),
                                 (enum transform)i, stream, &lines);
    if (status == STK_OK)
        status = build_phases(builder, cfg_getopt(section, "phase"), stream);
    if (status == STK_OK)
        status = config_check_stream(builder->report, &lines, stream);
    if (status == STK_OK)
        status = config_check_mix(builder->report, &lines, stream);
    return status;
}
