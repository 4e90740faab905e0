/*
 * The keys of a mix section: what presets stand for, what fits together, what is printed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/schema.h"
#include "tests/suite.h"

static char root[64];
static char path[96];
static char error[CONFIG_ERROR_BYTES];

static void make_root(void)
{
    snprintf(root, sizeof(root), "/tmp/check_mix_keys.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/stokerd.conf", root);
}

static void remove_root(void)
{
    unlink(path);
    rmdir(root);
}

/* A file of one stream, with more of its keys and a mix section, each on one line. */
static enum stk_status open_mix(const char *keys, const char *mix, struct config **config)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "stream a {\nsource = \"%s\"\n%s\n%s\n}\n", root, keys, mix);
    ck_assert_int_eq(fclose(file), 0);
    return config_open(path, config, error);
}

static struct recipe recipe_of(const char *keys, const char *mix)
{
    struct config *config;
    ck_assert_msg(open_mix(keys, mix, &config) == STK_OK, "%s", error);
    struct recipe recipe = config->streams[0].recipe;
    config_close(&config);
    return recipe;
}

/* What --print-config shows, from the mix section on. */
static void print_mix(const char *mix, char *printed, size_t capacity)
{
    struct config *config;
    ck_assert_msg(open_mix("labels = dense", mix, &config) == STK_OK, "%s", error);
    char *whole = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&whole, &len);
    config_print(config, out);
    fclose(out);
    const char *section = strstr(whole, "    mix {\n");
    ck_assert_ptr_nonnull(section);
    snprintf(printed, capacity, "%s", section);
    free(whole);
    config_close(&config);
}

static const struct {
    const char *mix, *printed;
} expansions[] = {
    {"", "method = none"},
    {"mix { method = none }", "method = none"},
    {"mix { method = none smoothing = 0.1 }", "method = none smoothing = 0.1"},
    {"mix { }", "preset = fastai method = mixup alpha = 0.4 prob = 1 per = sample fold = yes "
                "partner = permutation smoothing = 0 from_epoch = 0 until_epoch = 0"},
    {"mix { method = cutmix }", "preset = fastai method = cutmix cutmix_alpha = 1 prob = 1 "
                                "per = batch partner = permutation cutmix_box = round "
                                "smoothing = 0 from_epoch = 0 until_epoch = 0"},
    {"mix { preset = timm }",
     "preset = timm method = both alpha = 1 cutmix_alpha = 1 switch_prob = 0.5 prob = 1 "
     "per = batch fold = no partner = reverse cutmix_box = floor smoothing = 0.1 from_epoch = 0 "
     "until_epoch = 0"},
    {"mix { preset = torchvision }",
     "preset = torchvision method = both alpha = 1 cutmix_alpha = 1 switch_prob = 0.5 prob = 1 "
     "per = batch fold = no partner = roll cutmix_box = floor smoothing = 0 from_epoch = 0 "
     "until_epoch = 0"},
    {"mix { preset = paper }",
     "preset = paper method = mixup alpha = 1 prob = 1 per = batch fold = no "
     "partner = permutation smoothing = 0 from_epoch = 0 until_epoch = 0"},
    {"mix { preset = paper method = cutmix }",
     "preset = paper method = cutmix cutmix_alpha = 1 prob = 1 per = batch partner = permutation "
     "cutmix_box = floor smoothing = 0 from_epoch = 0 until_epoch = 0"},
    {"mix { preset = fastbook }",
     "preset = fastbook method = mixup alpha = 1 prob = 1 per = sample fold = yes "
     "partner = dataset partner_self = no smoothing = 0 from_epoch = 0 until_epoch = 0"},
    {"mix { until_epoch = 90 alpha = 0.2 preset = timm per = pair "
     "cutmix_box = {minmax, 0.2, 0.8} }",
     "preset = timm method = both alpha = 0.2 switch_prob = 0.5 prob = 1 per = pair fold = no "
     "partner = reverse cutmix_box = {minmax, 0.2, 0.8} smoothing = 0.1 from_epoch = 0 "
     "until_epoch = 90"},
};

/* Lines to words. */
static void flatten(char *text)
{
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        char c = *at == '\n' ? ' ' : *at;
        if (c != ' ' || (out > text && out[-1] != ' '))
            *out++ = c;
    }
    *out = '\0';
}

START_TEST(the_printed_form_shows_what_a_preset_stands_for)
{
    char printed[2048], expected[2048];
    print_mix(expansions[_i].mix, printed, sizeof(printed));
    flatten(printed);
    snprintf(expected, sizeof(expected), "mix { %s } } ", expansions[_i].printed);
    ck_assert_str_eq(printed, expected);
}
END_TEST

START_TEST(the_printed_form_of_a_preset_reads_back_equal)
{
    char printed[2048], again[2048];
    print_mix(expansions[_i].mix, printed, sizeof(printed));
    char *end = strrchr(printed, '}'); /* the stream's */
    *end = '\0';
    print_mix(printed, again, sizeof(again));
    *end = '}';
    ck_assert_str_eq(printed, again);
}
END_TEST

static const struct {
    const char *keys, *mix, *sentence;
} refused[] = {
    {"", "mix { per = pair }",
     "4: \"per\" is pair with partner = permutation; only with partner = reverse are two slots "
     "each "
     "other's partner"},
    {"", "mix { per = pair partner = dataset }",
     "4: \"per\" is pair with partner = dataset; only with partner = reverse are two slots each "
     "other's partner"},
    {"", "mix { preset = torchvision per = pair }",
     "4: \"per\" is pair with partner = roll; only with partner = reverse are two slots each "
     "other's partner"},
    {"", "mix { switch_prob = 0.5 }",
     "4: \"switch_prob\" changes nothing unless method = both; remove it"},
    {"", "mix { preset = timm method = cutmix switch_prob = 0.5 }",
     "4: \"switch_prob\" changes nothing unless method = both; remove it"},
    {"", "mix { method = cutmix alpha = 1 }",
     "4: \"alpha\" changes nothing with method = cutmix; remove it"},
    {"", "mix { cutmix_alpha = 1 }",
     "4: \"cutmix_alpha\" changes nothing with method = mixup; remove it"},
    {"", "mix { method = cutmix fold = yes }",
     "4: \"fold\" changes nothing with method = cutmix, whose lambda is never folded; remove it"},
    {"", "mix { cutmix_box = floor }",
     "4: \"cutmix_box\" changes nothing with method = mixup; remove it"},
    {"", "mix { preset = timm cutmix_alpha = 1 cutmix_box = {minmax, 0.2, 0.8} }",
     "4: \"cutmix_alpha\" changes nothing with cutmix_box = minmax, which draws the sides itself; "
     "remove it"},
    {"", "mix { partner_self = no }",
     "4: \"partner_self\" changes nothing unless partner = dataset; remove it"},
    {"", "mix { preset = timm cutmix_box = minmax }",
     "4: \"cutmix_box\" is {minmax, 0, 0}; it needs two shares of a side, the smaller one first"},
    {"", "mix { preset = timm cutmix_box = {minmax, 0.5} }",
     "4: \"cutmix_box\" is {minmax, 0.5, 0}; it needs two shares of a side, the smaller one first"},
    {"", "mix { preset = timm cutmix_box = {minmax, 0.8, 0.2} }",
     "4: \"cutmix_box\" is {minmax, 0.8, 0.2}; it needs two shares of a side, the smaller one "
     "first"},
    {"", "mix { preset = timm cutmix_box = {floor, 0.2, 0.8} }",
     "4: \"cutmix_box\" is \"0.2\"; it must be floor, round or {minmax, LOW, HIGH} of 0 .. 1"},
    {"", "mix { preset = timm cutmix_box = {round, 0, 0} }",
     "4: \"cutmix_box\" is \"0\"; it must be floor, round or {minmax, LOW, HIGH} of 0 .. 1"},
    {"", "mix { preset = timm method = none }",
     "4: \"preset\" changes nothing with method = none; remove it"},
    {"", "mix { method = none from_epoch = 0 }",
     "4: \"from_epoch\" changes nothing with method = none; remove it"},
    {"", "mix { preset = timm switch_prob = 1 alpha = 1 }",
     "4: \"alpha\" changes nothing with switch_prob = 1, which is CutMix alone; remove it"},
    {"", "mix { preset = timm switch_prob = 0 cutmix_box = round }",
     "4: \"cutmix_box\" changes nothing with switch_prob = 0, which is mixup alone; remove it"},
    {"", "mix { smoothing = 0.1 }",
     "4: \"smoothing\" changes nothing with labels = index, which are class numbers; remove it, or "
     "set labels = dense"},
    {"", "mix { prob = 0 }",
     "4: \"prob\" is 0; nothing would be mixed, make it larger, or remove the mix section"},
    {"size = {224, 3}", "mix { preset = timm cutmix_box = {minmax, 0.4, 0.6} }",
     "4: \"cutmix_box\" is {minmax, 0.4, 0.6}, and no whole number of pixels lies between them in "
     "a "
     "picture of 224 x 3; set them further apart"},
    {"", "mix { from_epoch = 5 until_epoch = 5 }",
     "4: \"until_epoch\" is 5 and \"from_epoch\" 5; no epoch would be mixed, make \"until_epoch\" "
     "larger, or 0 for ever"},
    {"order = sequential", "mix { preset = timm }",
     "3: \"order\" is sequential, as of a validation stream, which is never mixed; remove the mix "
     "section, or set order = shuffle"},
    {"batch = 4097", "mix { preset = fastbook }",
     "3: \"batch\" is 4097; with partner = dataset, which makes two pictures for each sample, it "
     "must be at most 4096"},
};

enum { REFUSED = sizeof(refused) / sizeof(refused[0]) };

START_TEST(what_makes_no_sense_is_refused_with_a_sentence)
{
    struct config *config;
    ck_assert_int_eq(open_mix(refused[_i].keys, refused[_i].mix, &config), STK_CONFIG);
    const char *sentence = strstr(error, ".conf:");
    ck_assert_ptr_nonnull(sentence);
    ck_assert_str_eq(sentence + strlen(".conf:"), refused[_i].sentence);
}
END_TEST

static const struct {
    const char *keys, *mix;
} allowed[] = {
    {"order = sequential", "mix { method = none }"},
    {"order = sequential\nlast = partial", ""},
    {"batch = 4096", "mix { preset = fastbook }"},
    {"batch = 8192", "mix { preset = timm }"},
    {"batch = 1", "mix { preset = timm per = pair }"},
    {"", "mix { preset = timm per = sample }"}, /* timm's elem */
    {"", "mix { preset = timm cutmix_box = {minmax, 0, 1} }"},
    {"", "mix { preset = timm switch_prob = 0 }"},
    {"", "mix { preset = timm smoothing = 0 }"},
    {"", "mix { method = none smoothing = 0 }"},
    {"", "mix { from_epoch = 5 until_epoch = 6 }"},
    {"", "mix { from_epoch = 5 }"},
};

START_TEST(what_makes_sense_is_allowed)
{
    struct config *config;
    ck_assert_msg(open_mix(allowed[_i].keys, allowed[_i].mix, &config) == STK_OK, "%s", error);
    config_close(&config);
}
END_TEST

/* What is written, and the methods beside which it changes something. */
static const struct {
    const char *keys, *methods;
} effects[] = {
    {"preset = paper", "mixup cutmix both"},
    {"method = METHOD", "none mixup cutmix both"},
    {"alpha = 1", "mixup both"},
    {"switch_prob = 1 alpha = 1", ""},
    {"switch_prob = 0 alpha = 1", "both"},
    {"cutmix_alpha = 1", "cutmix both"},
    {"switch_prob = 0 cutmix_alpha = 1", ""},
    {"switch_prob = 1 cutmix_alpha = 1", "both"},
    {"cutmix_box = {minmax, 0.2, 0.8} cutmix_alpha = 1", ""},
    {"switch_prob = 0.5", "both"},
    {"prob = 0.5", "mixup cutmix both"},
    {"per = batch", "mixup cutmix both"},
    {"fold = yes", "mixup both"},
    {"switch_prob = 1 fold = yes", ""},
    {"switch_prob = 0 fold = no", "both"},
    {"partner = permutation", "mixup cutmix both"},
    {"partner_self = no", ""},
    {"partner = reverse partner_self = no", ""},
    {"partner = dataset partner_self = no", "mixup cutmix both"},
    {"cutmix_box = floor", "cutmix both"},
    {"cutmix_box = {minmax, 0.2, 0.8}", "cutmix both"},
    {"switch_prob = 0 cutmix_box = floor", ""},
    {"switch_prob = 1 cutmix_box = floor", "both"},
    {"smoothing = 0.1", "none mixup cutmix both"}, /* with labels = dense */
    {"from_epoch = 1", "mixup cutmix both"},
    {"until_epoch = 1", "mixup cutmix both"},
};

enum { EFFECTS = sizeof(effects) / sizeof(effects[0]) };

START_TEST(a_key_stands_beside_the_methods_that_it_changes_and_no_others)
{
    static const char *const methods[] = {"none", "mixup", "cutmix", "both"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char mix[256];
        bool names_method = strncmp(effects[_i].keys, "method", 6) == 0;
        snprintf(mix, sizeof(mix), "mix { method = %s %s }", methods[i],
                 names_method ? "" : effects[_i].keys);
        struct config *config;
        enum stk_status status = open_mix("labels = dense", mix, &config);
        ck_assert_msg((status == STK_OK) == (strstr(effects[_i].methods, methods[i]) != NULL),
                      "%s %s", mix, error);
        ck_assert(status == STK_OK || strstr(error, "\" changes nothing ") != NULL);
        config_close(&config);
    }
}
END_TEST

START_TEST(every_key_of_a_mix_section_is_tried_beside_every_method)
{
    for (unsigned i = 0; i < config_key_count; i++) {
        bool tried = config_keys[i].section != CONFIG_MIX;
        size_t len = strlen(config_keys[i].name);
        for (size_t k = 0; k < EFFECTS; k++)
            tried = tried || (strncmp(effects[k].keys, config_keys[i].name, len) == 0 &&
                              effects[k].keys[len] == ' ');
        ck_assert_msg(tried, "%s", config_keys[i].name);
    }
}
END_TEST

/* timm smooths a soft label, and no class number. */
START_TEST(a_presets_smoothing_is_of_dense_targets_alone)
{
    ck_assert_double_eq(recipe_of("", "mix { preset = timm }").mix.smoothing, 0);
    ck_assert_double_eq(recipe_of("labels = dense", "mix { preset = timm }").mix.smoothing, 0.1);
    ck_assert_double_eq(
        recipe_of("labels = index", "mix { preset = timm smoothing = 0 }").mix.smoothing, 0);
}
END_TEST

START_TEST(a_mix_is_named_in_a_few_words)
{
    static const char *const rows[][2] = {
        {"", "none"},
        {"mix { method = none smoothing = 0.1 }", "none smoothing=0.1"},
        {"mix { }", "mixup fastai alpha=0.4"},
        {"mix { method = cutmix }", "cutmix fastai cutmix_alpha=1"},
        {"mix { preset = paper }", "mixup paper alpha=1"},
        {"mix { preset = timm }", "both timm alpha=1 cutmix_alpha=1 switch_prob=0.5 smoothing=0.1"},
        {"mix { preset = timm method = mixup smoothing = 0 }", "mixup timm alpha=1 smoothing=0"},
        {"mix { partner = dataset partner_self = yes prob = 0.5 per = batch fold = no }",
         "mixup fastai alpha=0.4 prob=0.5 per=batch fold=no partner=dataset partner_self=yes"},
        {"mix { preset = torchvision cutmix_box = {minmax, 0.2, 0.8} from_epoch = 1 "
         "until_epoch = 2 }",
         "both torchvision alpha=1 switch_prob=0.5 cutmix_box=minmax,0.2,0.8 from_epoch=1 "
         "until_epoch=2"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[RECIPE_MIX_TEXT_BYTES];
        struct recipe recipe = recipe_of("labels = dense", rows[i][0]);
        recipe_mix_text(&recipe.mix, text);
        ck_assert_str_eq(text, rows[i][1]);
    }
}
END_TEST

START_TEST(the_canonical_text_has_the_keys_that_matter)
{
    char text[RECIPE_TEXT_BYTES];
    struct recipe recipe = recipe_of("", "mix { preset = timm }");
    recipe_text(&recipe, text, sizeof(text));
    ck_assert_str_eq(strstr(text, "mix="), "mix=both\n"
                                           "mix_alpha=1\n"
                                           "mix_cutmix_alpha=1\n"
                                           "mix_switch_prob=0.5\n"
                                           "mix_prob=1\n"
                                           "mix_per=batch\n"
                                           "mix_fold=no\n"
                                           "mix_partner=reverse\n"
                                           "mix_cutmix_box=floor\n"
                                           "mix_from_epoch=0\n"
                                           "mix_until_epoch=0\n");
    recipe =
        recipe_of("", "mix { method = cutmix partner = dataset cutmix_box = {minmax, 0.5, 1} }");
    recipe_text(&recipe, text, sizeof(text));
    ck_assert_str_eq(strstr(text, "mix="), "mix=cutmix\n"
                                           "mix_prob=1\n"
                                           "mix_per=batch\n"
                                           "mix_partner=dataset\n"
                                           "mix_partner_self=no\n"
                                           "mix_cutmix_box=minmax\n"
                                           "mix_cutmix_box_range=0.5,1\n"
                                           "mix_from_epoch=0\n"
                                           "mix_until_epoch=0\n");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("mix_keys");
    int expanded = sizeof(expansions) / sizeof(expansions[0]);
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_loop_test(tests, the_printed_form_shows_what_a_preset_stands_for, 0, expanded);
    tcase_add_loop_test(tests, the_printed_form_of_a_preset_reads_back_equal, 0, expanded);
    tcase_add_loop_test(tests, what_makes_no_sense_is_refused_with_a_sentence, 0, REFUSED);
    tcase_add_loop_test(tests, what_makes_sense_is_allowed, 0,
                        sizeof(allowed) / sizeof(allowed[0]));
    tcase_add_loop_test(tests, a_key_stands_beside_the_methods_that_it_changes_and_no_others, 0,
                        EFFECTS);
    tcase_add_test(tests, every_key_of_a_mix_section_is_tried_beside_every_method);
    tcase_add_test(tests, a_presets_smoothing_is_of_dense_targets_alone);
    tcase_add_test(tests, a_mix_is_named_in_a_few_words);
    tcase_add_test(tests, the_canonical_text_has_the_keys_that_matter);
    return suite_run("mix_keys", tests);
}
