/*
 * The configuration: defaults, every key, limits, and files that are damaged or cannot be read.
 */
#include "config/config.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/schema.h"
#include "tests/config_file.h"
#include "tests/recipes.h"

START_TEST(three_lines_make_a_stream_with_every_default)
{
    struct config *config = open_text("stream train {\n"
                                      "    source = @\n"
                                      "}\n");
    ck_assert_uint_eq(config->listen_count, 2);
    ck_assert_str_eq(config->listen[0], "ipc:///run/stoker/stoker.sock");
    ck_assert_str_eq(config->listen[1], "tcp://127.0.0.1:7654");
    ck_assert_uint_eq(config->workers, 0);
    ck_assert_uint_eq(config->readers, 8);
    ck_assert_uint_eq(config->memory_bytes_max, 0);
    ck_assert_uint_eq(config->clients_max, 1024);
    ck_assert_uint_eq(config->requests_max, 8192);
    ck_assert_uint_eq(config->client_timeout_ms, 60000);
    ck_assert_uint_eq(config->image_pixels_max, 100000000);
    ck_assert_uint_eq(config->image_bytes_max, 33554432);
    ck_assert_uint_eq(config->connections_max, 0);
    ck_assert_uint_eq(config->connections_per_second, 50);
    ck_assert_int_eq(config->log_level, CONFIG_LOG_INFO);
    ck_assert_uint_eq(config->stream_count, 1);
    ck_assert_str_eq(config->streams[0].name, "train");
    ck_assert_str_eq(config->streams[0].source, source);
    ck_assert_uint_eq(config->streams[0].line, 1);
    assert_recipes_equal(&config->streams[0].recipe, &default_recipe);
    config_close(&config);
    ck_assert_ptr_null(config);
}
END_TEST

START_TEST(every_key_can_be_set)
{
    struct config *config = open_text(every_key);
    ck_assert_uint_eq(config->listen_count, 3);
    ck_assert_str_eq(config->listen[0], "tcp://[::1]:1");
    ck_assert_str_eq(config->listen[1], "tcp://*:65535 insecure=yes");
    ck_assert_str_eq(config->listen[2], "ipc:///tmp/a b");
    ck_assert_str_eq(config->client_addresses, "10.0.0.0/8 fd00::/8");
    ck_assert_str_eq(config->client_keys, source);
    ck_assert_uint_eq(config->workers, 1024);
    ck_assert_uint_eq(config->readers, 256);
    ck_assert_uint_eq(config->memory_bytes_max, (uint64_t)3 << 40);
    ck_assert_uint_eq(config->clients_max, 4096);
    ck_assert_uint_eq(config->requests_max, 1);
    ck_assert_uint_eq(config->client_timeout_ms, 24 * 60 * 60 * 1000);
    ck_assert_uint_eq(config->image_pixels_max, 4294836225);
    ck_assert_uint_eq(config->image_bytes_max, 65536);
    ck_assert_uint_eq(config->connections_max, 60000);
    ck_assert_uint_eq(config->connections_per_second, 60000);
    ck_assert_int_eq(config->log_level, CONFIG_LOG_DEBUG);

    ck_assert_uint_eq(config->stream_count, 4);
    ck_assert_str_eq(config->streams[0].name, "Train-1.a_b"); /* sorted */
    ck_assert_str_eq(config->streams[1].name, "crops");
    ck_assert_str_eq(config->streams[2].name, "middle");
    ck_assert_str_eq(config->streams[3].name, "valid");
    ck_assert_uint_eq(config->streams[0].line, 30);
    ck_assert_uint_eq(config->streams[1].line, 63);
    ck_assert_uint_eq(config->streams[2].line, 71);
    ck_assert_uint_eq(config->streams[3].line, 2);
    ck_assert_str_eq(config->streams[3].source, source);
    ck_assert_int_eq(strncmp(config->streams[0].source, "folder:/", 8), 0);
    ck_assert_str_eq(config->streams[0].root, "");
    ck_assert_str_eq(config->streams[0].list, "/etc/passwd");
    ck_assert_str_eq(config->streams[1].list, "");
    const struct recipe expected = {
        .seed = UINT64_MAX,
        .batch = 8192,
        .order = ORDER_SHUFFLE,
        .last = STK_LAST_WRAP,
        .sampler = SAMPLER_WEIGHTED,
        .epoch_samples = (uint64_t)1 << 40,
        .repeat = 64,
        .subset = 1e-9,
        .on_corrupt = ON_CORRUPT_FAIL,
        .height = 8192,
        .width = 1,
        .transforms = {TRANSFORM_RESIZE, TRANSFORM_PAD_CROP, TRANSFORM_FLIP,
                       TRANSFORM_RANDOM_ERASING},
        .transform_count = 4,
        .random_resized_crop = default_recipe.random_resized_crop,
        .resize = {.side = {8192, 300}, .side_count = 2},
        .pad_crop = {.padding = 0, .fill = {3, 4, 5}},
        .flip = {.prob = 1},
        .random_erasing = {.prob = 0.25,
                           .scale = {0.1, 0.2},
                           .ratio = {0.5, 2},
                           .mode = ERASE_VALUE,
                           .value = {1, 2, 255}},
        .interpolation = INTERPOLATION_NEAREST,
        .dtype = STK_F32,
        .layout = STK_NCHW,
        .mean = {-1e3, 0, 1e3},
        .std = {1e-6, 1e3, 1},
        .labels = LABELS_DENSE,
        .phase_count = 2,
        .phases = {{7, 6, 4, 5}, {UINT32_MAX, 6, 9, 9}},
    };
    assert_recipes_equal(&config->streams[0].recipe, &expected);
    struct recipe crops = default_recipe;
    crops.transform_count = 1;
    crops.random_resized_crop.scale[0] = 1e-6;
    crops.random_resized_crop.scale[1] = 0.5;
    crops.random_resized_crop.ratio[0] = 1e-3;
    crops.random_resized_crop.ratio[1] = 1e3;
    assert_recipes_equal(&config->streams[1].recipe, &crops);
    struct recipe middle = default_recipe;
    middle.transforms[0] = TRANSFORM_CENTER_CROP;
    middle.transform_count = 1;
    assert_recipes_equal(&config->streams[2].recipe, &middle);
    struct recipe mixed = default_recipe;
    mixed.labels = LABELS_DENSE;
    mixed.mix = (struct recipe_mix){
        .method = MIX_BOTH,
        .preset = MIX_PRESET_FASTAI,
        .alpha = 0.01,
        .cutmix_alpha = 1,
        .switch_prob = 0.25,
        .prob = 0.75,
        .per = MIX_PER_BATCH,
        .fold = MIX_NO,
        .partner = MIX_PARTNER_DATASET,
        .partner_self = MIX_YES,
        .cutmix_box = MIX_BOX_MINMAX,
        .box_range = {0.25, 0.75},
        .smoothing = 0.2,
        .from_epoch = 10,
        .until_epoch = UINT32_MAX,
    };
    assert_recipes_equal(&config->streams[3].recipe, &mixed);
    config_close(&config);
}
END_TEST

/* A file in which a key stands at a word, and with it what that word needs. */
static void text_with_word(const struct config_key *key, unsigned word, char text[256])
{
    const char *value = key->words->list[word];
    const char *partner = "";
    if (strcmp(key->name, "per") == 0)
        partner = "partner = reverse ";
    else if (strcmp(key->name, "partner_self") == 0)
        partner = "partner = dataset ";
    const char *section = config_section_name(key->section);
    bool list = key->words == &recipe_transform_words;
    bool begins = word == TRANSFORM_RESIZE || word == TRANSFORM_RANDOM_RESIZED_CROP;
    if (key->section == CONFIG_GLOBAL)
        snprintf(text, 256, "%s = %s\nstream a { source = @ }", key->name, value);
    else if (key->section == CONFIG_STREAM)
        snprintf(text, 256, "stream a { source = @\n%s = {%s%s} }", key->name,
                 list && !begins ? "resize, " : "", value);
    else if (key->section < CONFIG_TRANSFORMS)
        snprintf(text, 256, "stream a { source = @\n%s { %s%s = %s } }", section, partner,
                 key->name, value);
    else
        snprintf(text, 256, "stream a { source = @\ntransform = {resize, %s}\n%s { %s = %s } }",
                 section, section, key->name, value);
}

START_TEST(every_word_of_every_key_is_accepted)
{
    unsigned count = 0;
    for (unsigned i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        for (unsigned word = 0; key->kind == CONFIG_WORD && word < key->words->count; word++) {
            if (key->words->list[word] == NULL)
                continue;
            char text[256];
            text_with_word(key, word, text);
            struct config *config = open_text(text);
            const char *base = key->section == CONFIG_GLOBAL ? (const char *)config
                                                             : (const char *)config->streams;
            unsigned value;
            size_t words = 1; /* of them the last */
            if (key->count_offset > 0)
                memcpy(&words, base + key->count_offset, sizeof(words));
            memcpy(&value, base + key->offset + (words - 1) * sizeof(value), sizeof(value));
            ck_assert_uint_eq(value, word);
            config_close(&config);
            count++;
        }
    }
    ck_assert_uint_eq(count, 5 + 2 + 2 + 4 + 3 + 6 + 2 + 5 + 4 + 2 + 2 + 5 + 4 + 3 + 2 + 4 + 2);
}
END_TEST

START_TEST(one_side_makes_a_square)
{
    struct config *config = open_text("stream a { source = @ \n size = 96 }");
    ck_assert_uint_eq(config->streams[0].recipe.height, 96);
    ck_assert_uint_eq(config->streams[0].recipe.width, 96);
    config_close(&config);
    config = open_text("stream a { source = @ \n size = {96, 128} }");
    ck_assert_uint_eq(config->streams[0].recipe.height, 96);
    ck_assert_uint_eq(config->streams[0].recipe.width, 128);
    config_close(&config);
}
END_TEST

START_TEST(slashes_need_no_quotes_and_quotes_may_hold_anything)
{
    char text[PATH_BYTES * 4], odd[PATH_BYTES], bytes[] = "a \"b\"\\#{}*+,='$\xc3\xa9\n${x";
    snprintf(odd, sizeof(odd), "%s/%s", root, bytes);
    ck_assert_int_eq(mkdir(odd, 0700), 0);
    snprintf(text, sizeof(text),
             "stream a { source = @// }\n"
             "stream b { source = \"%s/a \\\"b\\\"\\\\#{}*+,='$\xc3\xa9\\n\\${x\" }\n"
             "stream c { source = '@' }\n",
             root);
    struct config *config = open_text(text);
    ck_assert_uint_eq(strlen(config->streams[0].source), strlen(source) + 2);
    ck_assert_str_eq(config->streams[1].source, odd);
    ck_assert_str_eq(config->streams[2].source, source);
    config_close(&config);
    rmdir(odd);
}
END_TEST

static void assert_unreadable(const char *expected)
{
    struct config *config = NULL;
    char whole[PATH_BYTES * 2];
    ck_assert_int_eq(config_open(path, &config, error), STK_CONFIG);
    ck_assert_ptr_null(config);
    snprintf(whole, sizeof(whole), "%s:%s", path, expected);
    ck_assert_str_eq(error, whole);
}

START_TEST(a_file_that_cannot_be_read_is_named)
{
    assert_unreadable(" cannot be opened: No such file or directory");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    assert_unreadable(" cannot be read: Is a directory");
    ck_assert_int_eq(rmdir(path), 0);
    write_bytes("workers = 1\n\0", 13);
    assert_unreadable("2: a zero byte; is it a configuration file?");

    static char bytes[(1 << 20) + 1];
    memset(bytes, '\n', sizeof(bytes));
    write_bytes(bytes, sizeof(bytes));
    assert_unreadable(" is longer than 1048576 bytes; is it a configuration file?");
    write_bytes(bytes, sizeof(bytes) - 1);
    assert_unreadable("1: no stream; add one: stream NAME { source = DIRECTORY }");
}
END_TEST

/* A file of count streams with a mix section and one for each transform that they can have. */
static void write_streams(unsigned count)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (unsigned i = 0; i < count; i++)
        fprintf(file,
                "stream s%u { source = \"%s\"\nmix { } resize { } center_crop { } flip { } "
                "random_erasing { }\n"
                "transform = {resize, center_crop, flip, random_erasing} }\n",
                i, source);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(two_hundred_and_fifty_six_streams_are_the_limit)
{
    struct config *config = NULL;
    write_streams(256);
    ck_assert_int_eq(config_open(path, &config, error), STK_OK);
    ck_assert_uint_eq(config->stream_count, 256);
    for (size_t i = 1; i < 256; i++)
        ck_assert_int_lt(strcmp(config->streams[i - 1].name, config->streams[i].name), 0);
    config_close(&config);

    write_streams(257);
    assert_unreadable("769: more than 256 streams; remove some");
    FILE *file = fopen(path, "w");
    for (unsigned i = 0; i < 6145; i++)
        fprintf(file, "stream s%u { source = \"%s\" }\n", i, source);
    ck_assert_int_eq(fclose(file), 0);
    assert_unreadable("6145: more than 6144 sections; remove some");
}
END_TEST

START_TEST(a_phase_keeps_what_it_does_not_set)
{
    struct config *config = open_text("stream a { source = @ size = {100, 50} batch = 8\n"
                                      "phase { from_epoch = 2 batch = 4 }\n"
                                      "phase { from_epoch = 5 size = 200 } }");
    const struct recipe *recipe = &config->streams[0].recipe;
    static const struct recipe_phase expected[] = {{2, 4, 100, 50}, {5, 4, 200, 200}};
    ck_assert_uint_eq(recipe->phase_count, 2);
    ck_assert_mem_eq(recipe->phases, expected, sizeof(expected));
    ck_assert_uint_eq(recipe_in_phase(recipe, 0).batch, 8);
    ck_assert_uint_eq(recipe_in_phase(recipe, 1).width, 50);
    ck_assert_uint_eq(recipe_in_phase(recipe, 2).height, 200);
    config_close(&config);
}
END_TEST

START_TEST(sixteen_phases_are_the_limit)
{
    char text[2048] = "\nstream a {\n source = @\n";
    for (unsigned i = 1; i <= 16; i++)
        sprintf(text + strlen(text), " phase { from_epoch = %u size = %u }\n", i, i);
    size_t len = strlen(text);
    strcpy(text + len, "}");
    struct config *config = open_text(text);
    ck_assert_uint_eq(config->streams[0].recipe.phase_count, 16);
    config_close(&config);
    strcpy(text + len, " phase { from_epoch = 17 size = 17 }\n}");
    write_file(text);
    ck_assert_int_eq(config_open(path, &config, error), STK_CONFIG);
    ck_assert_ptr_nonnull(strstr(error, ":2: stream \"a\" has 17 phases; 16 are the most"));
}
END_TEST

START_TEST(a_cut_or_damaged_file_is_refused_in_words_or_read)
{
    static char bytes[FILE_BYTES];
    write_file(every_key);
    FILE *file = fopen(path, "r");
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    struct config *config = NULL;
    unsigned refused = 0;
    for (size_t cut = 0; cut < len; cut++) {
        write_bytes(bytes, cut);
        enum stk_status status = config_open(path, &config, error);
        ck_assert(status == STK_OK ? config != NULL : config == NULL && error[0] != '\0');
        refused += status != STK_OK;
        config_close(&config);
    }
    ck_assert_uint_gt(refused, (unsigned)len / 2);

    uint64_t random = 1;
    for (unsigned round = 0; round < 2000; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t place = (size_t)(random >> 33) % len;
        char byte = bytes[place];
        bytes[place] = "{}\"'=,#/*\\$\n a0\x80"[(random >> 20) % 17];
        write_bytes(bytes, len);
        enum stk_status status = config_open(path, &config, error);
        ck_assert(status == STK_OK ? config != NULL : config == NULL && error[0] != '\0');
        config_close(&config);
        bytes[place] = byte;
    }
}
END_TEST

START_TEST(closing_nothing_is_fine)
{
    struct config *config = NULL;
    config_close(&config);
    ck_assert_ptr_null(config);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("config");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, three_lines_make_a_stream_with_every_default);
    tcase_add_test(tests, every_key_can_be_set);
    tcase_add_test(tests, every_word_of_every_key_is_accepted);
    tcase_add_test(tests, one_side_makes_a_square);
    tcase_add_test(tests, slashes_need_no_quotes_and_quotes_may_hold_anything);
    tcase_add_test(tests, a_file_that_cannot_be_read_is_named);
    tcase_add_test(tests, two_hundred_and_fifty_six_streams_are_the_limit);
    tcase_add_test(tests, a_phase_keeps_what_it_does_not_set);
    tcase_add_test(tests, sixteen_phases_are_the_limit);
    tcase_add_test(tests, a_cut_or_damaged_file_is_refused_in_words_or_read);
    tcase_add_test(tests, closing_nothing_is_fine);
    return suite_run("config", tests);
}
