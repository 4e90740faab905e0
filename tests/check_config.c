/*
 * The configuration: defaults, every key, every error by its exact text, the printed form, and the
 * files that ship (run from the repository's root).
 */
#include "config/config.h"

#include <fcntl.h>
#include <float.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/schema.h"
#include "tests/suite.h"

enum { PATH_BYTES = 256, FILE_BYTES = 1 << 17 };

/* A directory of this test's own: stokerd.conf, and a source "data". */
static char root[PATH_BYTES / 2];
static char path[PATH_BYTES];
static char source[PATH_BYTES];
static char error[CONFIG_ERROR_BYTES];

static void make_root(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(root, sizeof(root), "%s/check_config.XXXXXX", parent != NULL ? parent : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/stokerd.conf", root);
    snprintf(source, sizeof(source), "%s/data", root);
    ck_assert_int_eq(mkdir(source, 0700), 0);
}

static void remove_root(void)
{
    unlink(path);
    rmdir(source);
    rmdir(root);
}

static void write_bytes(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

/* Write the file; '@' stands for the source's path. */
static void write_file(const char *text)
{
    static char bytes[FILE_BYTES];
    size_t len = 0;
    for (; *text != '\0'; text++) {
        ck_assert_uint_lt(len, sizeof(bytes) - PATH_BYTES);
        if (*text == '@')
            len += (size_t)sprintf(bytes + len, "%s", source);
        else
            bytes[len++] = *text;
    }
    write_bytes(bytes, len);
}

static struct config *open_text(const char *text)
{
    struct config *config = NULL;
    write_file(text);
    enum stk_status status = config_open(path, &config, error);
    ck_assert_msg(status == STK_OK, "%s", error);
    ck_assert_str_eq(error, "");
    ck_assert_ptr_nonnull(config);
    return config;
}

static void assert_transforms_equal(const struct recipe *left, const struct recipe *right)
{
    ck_assert_uint_eq(left->transform_count, right->transform_count);
    for (size_t i = 0; i < left->transform_count; i++)
        ck_assert_int_eq(left->transforms[i], right->transforms[i]);
    ck_assert_mem_eq(&left->random_resized_crop, &right->random_resized_crop,
                     sizeof(left->random_resized_crop));
    ck_assert_uint_eq(left->resize.side_count, right->resize.side_count);
    for (size_t i = 0; i < left->resize.side_count; i++)
        ck_assert_uint_eq(left->resize.side[i], right->resize.side[i]);
    ck_assert_mem_eq(&left->pad_crop, &right->pad_crop, sizeof(left->pad_crop));
    ck_assert_double_eq(left->flip.prob, right->flip.prob);
    ck_assert_double_eq(left->random_erasing.prob, right->random_erasing.prob);
    ck_assert_mem_eq(left->random_erasing.scale, right->random_erasing.scale,
                     sizeof(left->random_erasing.scale));
    ck_assert_mem_eq(left->random_erasing.ratio, right->random_erasing.ratio,
                     sizeof(left->random_erasing.ratio));
    ck_assert_int_eq(left->random_erasing.mode, right->random_erasing.mode);
    ck_assert_mem_eq(left->random_erasing.value, right->random_erasing.value,
                     sizeof(left->random_erasing.value));
}

static void assert_mixes_equal(const struct recipe_mix *left, const struct recipe_mix *right)
{
    ck_assert_int_eq(left->method, right->method);
    ck_assert_int_eq(left->preset, right->preset);
    ck_assert_double_eq(left->alpha, right->alpha);
    ck_assert_double_eq(left->cutmix_alpha, right->cutmix_alpha);
    ck_assert_double_eq(left->switch_prob, right->switch_prob);
    ck_assert_double_eq(left->prob, right->prob);
    ck_assert_int_eq(left->per, right->per);
    ck_assert_int_eq(left->fold, right->fold);
    ck_assert_int_eq(left->partner, right->partner);
    ck_assert_int_eq(left->partner_self, right->partner_self);
    ck_assert_int_eq(left->cutmix_box, right->cutmix_box);
    ck_assert_mem_eq(left->box_range, right->box_range, sizeof(left->box_range));
    ck_assert_double_eq(left->smoothing, right->smoothing);
    ck_assert_uint_eq(left->from_epoch, right->from_epoch);
    ck_assert_uint_eq(left->until_epoch, right->until_epoch);
}

static void assert_recipes_equal(const struct recipe *left, const struct recipe *right)
{
    ck_assert_uint_eq(left->seed, right->seed);
    ck_assert_uint_eq(left->batch, right->batch);
    ck_assert_int_eq(left->order, right->order);
    ck_assert_int_eq(left->last, right->last);
    ck_assert_int_eq(left->sampler, right->sampler);
    ck_assert_uint_eq(left->epoch_samples, right->epoch_samples);
    ck_assert_uint_eq(left->repeat, right->repeat);
    ck_assert_double_eq(left->subset, right->subset);
    ck_assert_int_eq(left->on_corrupt, right->on_corrupt);
    ck_assert_uint_eq(left->height, right->height);
    ck_assert_uint_eq(left->width, right->width);
    assert_transforms_equal(left, right);
    ck_assert_int_eq(left->interpolation, right->interpolation);
    ck_assert_int_eq(left->dtype, right->dtype);
    ck_assert_int_eq(left->layout, right->layout);
    ck_assert_mem_eq(left->mean, right->mean, sizeof(left->mean));
    ck_assert_mem_eq(left->std, right->std, sizeof(left->std));
    ck_assert_int_eq(left->labels, right->labels);
    assert_mixes_equal(&left->mix, &right->mix);
    ck_assert_uint_eq(left->phase_count, right->phase_count);
    ck_assert_mem_eq(left->phases, right->phases, sizeof(left->phases));
}

static void assert_configs_equal(const struct config *left, const struct config *right)
{
    ck_assert_uint_eq(left->listen_count, right->listen_count);
    for (size_t i = 0; i < left->listen_count; i++)
        ck_assert_str_eq(left->listen[i], right->listen[i]);
    ck_assert_uint_eq(left->workers, right->workers);
    ck_assert_uint_eq(left->readers, right->readers);
    ck_assert_uint_eq(left->memory_bytes_max, right->memory_bytes_max);
    ck_assert_uint_eq(left->clients_max, right->clients_max);
    ck_assert_uint_eq(left->requests_max, right->requests_max);
    ck_assert_uint_eq(left->client_timeout_ms, right->client_timeout_ms);
    ck_assert_uint_eq(left->image_pixels_max, right->image_pixels_max);
    ck_assert_uint_eq(left->image_bytes_max, right->image_bytes_max);
    ck_assert_uint_eq(left->connections_max, right->connections_max);
    ck_assert_uint_eq(left->connections_per_second, right->connections_per_second);
    ck_assert_int_eq(left->log_level, right->log_level);
    ck_assert_uint_eq(left->stream_count, right->stream_count);
    for (size_t i = 0; i < left->stream_count; i++) {
        ck_assert_str_eq(left->streams[i].name, right->streams[i].name);
        ck_assert_str_eq(left->streams[i].source, right->streams[i].source);
        assert_recipes_equal(&left->streams[i].recipe, &right->streams[i].recipe);
    }
}

static const struct recipe default_recipe = {
    .seed = 0,
    .batch = 64,
    .order = ORDER_SHUFFLE,
    .last = STK_LAST_DROP,
    .sampler = SAMPLER_ALL,
    .repeat = 1,
    .subset = 1,
    .on_corrupt = ON_CORRUPT_REPLACE,
    .image_pixels_max = 100000000,
    .image_bytes_max = 32 << 20,
    .height = 224,
    .width = 224,
    .interpolation = INTERPOLATION_BILINEAR,
    .transforms = {TRANSFORM_RANDOM_RESIZED_CROP, TRANSFORM_FLIP},
    .transform_count = 2,
    .random_resized_crop = {.scale = {0.08, 1.0}, .ratio = {3.0 / 4.0, 4.0 / 3.0}},
    .resize = {.side = {256}, .side_count = 1},
    .pad_crop = {.padding = 4},
    .flip = {.prob = 0.5},
    .random_erasing = {.prob = 0.5, .scale = {0.02, 0.33}, .ratio = {0.3, 3.3}},
    .dtype = STK_U8,
    .layout = STK_NHWC,
    .mean = {0.485, 0.456, 0.406},
    .std = {0.229, 0.224, 0.225},
    .labels = LABELS_INDEX,
    .mix = {.method = MIX_NONE},
};

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

/* Every key at another value than its default, in an order that is not the table's. */
static const char every_key[] =
    "# comment, # with { a \" brace\n"
    "stream valid { /* a comment\n"
    "    of two lines */ source = \"@\" labels = dense\n"
    "    mix {\n"
    "        until_epoch = 4294967295\n"
    "        from_epoch = 10\n"
    "        smoothing = 0.2\n"
    "        cutmix_box = {minmax, 0.25, 0.75}\n"
    "        partner_self = yes\n"
    "        partner = dataset\n"
    "        fold = no\n"
    "        per = batch\n"
    "        prob = 0.75\n"
    "        switch_prob = 0.25\n"
    "        alpha = 0.01\n"
    "        preset = fastai\n"
    "        method = both\n"
    "    }\n"
    "}\n"
    "log_level = debug // comment\n"
    "connections_max = 60000 connections_per_second = 60000\n"
    "image_bytes_max = 64K\n"
    "image_pixels_max = 4294836225\n"
    "requests_max = 1 clients_max = 4096 client_timeout = 24h memory_max = 3T\n"
    "readers = 256\n"
    "workers = 1024\n"
    "client_addresses = \"10.0.0.0/8 fd00::/8\" client_keys = @ server_key = \"\"\n"
    "listen = {tcp://[::1]:1, # the first\n"
    "          \"tcp://*:65535 insecure=yes\", 'ipc:///tmp/a b'}\n"
    "stream Train-1.a_b {\n"
    "    on_corrupt = fail\n"
    "    labels = dense\n"
    "    list = /etc/passwd index = /etc/passwd\n"
    "    std = {1e-6, 1000, 1}\n"
    "    mean = {-1000, 0, 1000}\n"
    "    layout = nchw\n"
    "    dtype = f32\n"
    "    interpolation = nearest\n"
    "    random_erasing {\n"
    "        value = {1, 2, 255}\n"
    "        mode = value\n"
    "        ratio = {0.5, 2}\n"
    "        scale = {0.1, 0.2}\n"
    "        prob = 0.25\n"
    "    }\n"
    "    flip { prob = 1 }\n"
    "    pad_crop { fill = {3, 4, 5} padding = 0 }\n"
    "    resize { side = {8192, 300} }\n"
    "    transform = {resize, pad_crop, flip, random_erasing}\n"
    "    size = {8192, 1}\n"
    "    phase { from_epoch = 7 size = {4, 5} batch = 6 }\n"
    "    phase { size = 9 from_epoch = 4294967295 }\n"
    "    last = wrap\n"
    "    subset = 1e-9\n"
    "    repeat = 64\n"
    "    epoch_samples = 1099511627776\n"
    "    sampler = weighted\n"
    "    seed = 18446744073709551615\n"
    "    order = shuffle\n"
    "    batch = 8192\n"
    "    source = folder:@\n"
    "}\n"
    "stream crops {\n"
    "    source = @\n"
    "    transform = random_resized_crop\n"
    "    random_resized_crop {\n"
    "        ratio = {0.001, 1000}\n"
    "        scale = {0.000001, 0.5}\n"
    "    }\n"
    "}\n"
    "stream middle {\n"
    "    source = @\n"
    "    center_crop { }\n"
    "    transform = center_crop\n"
    "}\n";

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

/* What is written, and what must be said behind "FILE:" to the byte. */
static const struct {
    const char *text, *error;
} mistakes[] = {
    /* keys */
    {"\nstream train {\n bacth = 1\n}",
     "3: unknown key \"bacth\" in stream \"train\"; did you mean \"batch\"?"},
    {"worker = 1", "1: unknown key \"worker\"; did you mean \"workers\"?"},
    {"steam train {\n}", "1: unknown key \"steam\"; did you mean \"stream\"?"},
    {"stream a {\n mix {\n  alhpa = 1\n }\n}",
     "3: unknown key \"alhpa\" in a mix section; did you mean \"alpha\"?"},
    {"zebra = 1", "1: unknown key \"zebra\"; stokerd.conf(5) lists them all"},
    {"batch = 1", "1: unknown key \"batch\"; it belongs inside a stream"},
    {"stream a {\n alpha = 1\n}",
     "2: unknown key \"alpha\" in stream \"a\"; it belongs inside the mix section of a stream"},
    {"stream a {\n mix { workers = 1 }\n}",
     "2: unknown key \"workers\" in a mix section; it belongs outside of the streams"},
    {"an_unknown_key_that_is_longer_than_any = 1",
     "1: unknown key \"an_unknown_key_that_is_longer_than_any\"; stokerd.conf(5) lists them all"},
    {"workers = 1\nworkers = 1", "2: \"workers\" is set twice; keep one"},
    {"stream a {\n size = {1, 2}\n size = {1, 2}\n}", "3: \"size\" is set twice; keep one"},

    /* values */
    {"stream a {\n source = @\n batch = 100000\n}", "3: \"batch\" is 100000; it must be 1 .. 8192"},
    {"stream a { batch = 0 }", "1: \"batch\" is 0; it must be 1 .. 8192"},
    {"stream a { batch = -1 }", "1: \"batch\" is -1; it must be 1 .. 8192"},
    {"stream a { batch = 4294967297 }", "1: \"batch\" is 4294967297; it must be 1 .. 8192"},
    {"stream a { batch = 99999999999999999999 }",
     "1: \"batch\" is 99999999999999999999; it must be 1 .. 8192"},
    {"stream a { batch = lots }", "1: \"batch\" is \"lots\"; it must be 1 .. 8192"},
    {"stream a { batch = 0x10 }", "1: \"batch\" is \"0x10\"; it must be 1 .. 8192"},
    {"stream a { batch = 1.5 }", "1: \"batch\" is \"1.5\"; it must be 1 .. 8192"},
    {"stream a { batch = \"\" }", "1: \"batch\" is \"\"; it must be 1 .. 8192"},
    {"stream a { batch = 1K }", "1: \"batch\" is \"1K\"; it must be 1 .. 8192"},
    {"stream a { seed = 18446744073709551616 }",
     "1: \"seed\" is 18446744073709551616; it must be 0 .. 18446744073709551615"},
    {"stream a { seed = -1 }", "1: \"seed\" is -1; it must be 0 .. 18446744073709551615"},
    {"stream a { size = 8193 }", "1: \"size\" is 8193; it must be 1 .. 8192"},
    {"stream a { size = {224,\n 0} }", "2: \"size\" is 0; it must be 1 .. 8192"},
    {"stream a { resize { side = 0 } }", "1: \"side\" is 0; it must be 1 .. 8192"},
    {"stream a { pad_crop { padding = 8192 } }", "1: \"padding\" is 8192; it must be 0 .. 8191"},
    {"stream a { pad_crop { fill = {0, 0, 256} } }", "1: \"fill\" is 256; it must be 0 .. 255"},
    {"stream a { random_erasing { mode = pixel } }",
     "1: \"mode\" is \"pixel\"; it must be value or noise"},
    {"stream a { flip { prob = 1.01 } }", "1: \"prob\" is 1.01; it must be 0 .. 1"},
    {"stream a { flip { prob = nan } }", "1: \"prob\" is \"nan\"; it must be 0 .. 1"},
    {"stream a { flip { prob = inf } }", "1: \"prob\" is \"inf\"; it must be 0 .. 1"},
    {"stream a { flip { prob = 0x1p-1 } }", "1: \"prob\" is \"0x1p-1\"; it must be 0 .. 1"},
    {"stream a { flip { prob = 1e999 } }", "1: \"prob\" is 1e999; it must be 0 .. 1"},
    {"stream a { flip { prob = ' 1' } }", "1: \"prob\" is \" 1\"; it must be 0 .. 1"},
    {"stream a { flip { prob = 0,5 } }",
     "1: \",\" is not expected here; write KEY = VALUE, or KEY = {VALUE, VALUE}"},
    {"stream a { random_resized_crop { scale = {0, 1} } }",
     "1: \"scale\" is 0; it must be 1e-06 .. 1"},
    {"stream a { random_resized_crop { ratio = {1, 1001} } }",
     "1: \"ratio\" is 1001; it must be 0.001 .. 1000"},
    {"stream a { std = {1, 0, 1} }", "1: \"std\" is 0; it must be 1e-06 .. 1000"},
    {"stream a { std = {1, -1, 1} }", "1: \"std\" is -1; it must be 1e-06 .. 1000"},
    {"stream a { mean = {1, 1, -1001} }", "1: \"mean\" is -1001; it must be -1000 .. 1000"},
    {"stream a { mix { alpha = 0 } }", "1: \"alpha\" is 0; it must be 0.01 .. 100"},
    {"stream a { order = shuffel }",
     "1: \"order\" is \"shuffel\"; it must be shuffle or sequential"},
    {"stream a { last = keep }", "1: \"last\" is \"keep\"; it must be drop, partial, wrap or mask"},
    {"stream a { sampler = uniform }",
     "1: \"sampler\" is \"uniform\"; it must be all, weighted or balanced"},
    {"stream a { repeat = 0 }", "1: \"repeat\" is 0; it must be 1 .. 64"},
    {"stream a { subset = 0 }", "1: \"subset\" is 0; it must be 1e-09 .. 1"},
    {"stream a { subset = 1.1 }", "1: \"subset\" is 1.1; it must be 1e-09 .. 1"},
    {"stream a { phase { from_epoch = 0 } }", "1: \"from_epoch\" is 0; it must be 1 .. 4294967295"},
    {"stream a { transform = centre_crop }",
     "1: \"transform\" is \"centre_crop\"; it must be random_resized_crop, resize, center_crop, "
     "pad_crop, flip or random_erasing"},
    {"stream a { interpolation = cubic }",
     "1: \"interpolation\" is \"cubic\"; it must be bilinear, bicubic, box, lanczos or nearest"},
    {"stream a { dtype = i32 }", "1: \"dtype\" is \"i32\"; it must be u8, f32, f16 or bf16"},
    {"stream a { layout = NHWC }", "1: \"layout\" is \"NHWC\"; it must be nhwc or nchw"},
    {"stream a { on_corrupt = x }", "1: \"on_corrupt\" is \"x\"; it must be replace or fail"},
    {"stream a { mix { method = cut } }",
     "1: \"method\" is \"cut\"; it must be none, mixup, cutmix or both"},
    {"stream a { mix { preset = keras } }",
     "1: \"preset\" is \"keras\"; it must be fastai, timm, torchvision, paper or fastbook"},
    {"stream a { mix { fold = 1 } }", "1: \"fold\" is \"1\"; it must be no or yes"},
    {"stream a { mix { cutmix_box = ceil } }",
     "1: \"cutmix_box\" is \"ceil\"; it must be floor, round or {minmax, LOW, HIGH} of 0 .. 1"},
    {"stream a { mix { cutmix_box = {minmax, 0.2, 1.1} } }",
     "1: \"cutmix_box\" is 1.1; it must be floor, round or {minmax, LOW, HIGH} of 0 .. 1"},
    {"stream a { mix { cutmix_box = {minmax, 0, 0.5, 1} } }",
     "1: \"cutmix_box\" has 4 values; it must have 1 .. 3"},
    {"log_level = verbose",
     "1: \"log_level\" is \"verbose\"; it must be error, warn, notice, info or debug"},
    {"http = localhost:7655", "1: \"http\" is \"localhost:7655\"; it must be ADDRESS:PORT with an "
                              "address in numbers, such as "
                              "127.0.0.1:7655 or [::1]:7655"},
    {"http = 127.0.0.1:65536",
     "1: \"http\" is \"127.0.0.1:65536\"; it must be ADDRESS:PORT with an address in numbers, such "
     "as 127.0.0.1:7655 or [::1]:7655"},
    {"http = \"[::]:7655\"",
     "1: \"http\" is \"[::]:7655\", which other hosts reach; set http_token to a file with a token "
     "that they must know, or listen on 127.0.0.1"},
    {"http = 10.0.0.5:7655",
     "1: \"http\" is \"10.0.0.5:7655\", which other hosts reach; set http_token to a file with a "
     "token that they must know, or listen on 127.0.0.1"},
    {"http_token = /etc/hostname",
     "1: \"http_token\" means nothing without \"http\"; remove it, or set http = 127.0.0.1:7655"},
    {"http = 127.0.0.1:7655 http_token = /nowhere",
     "1: token file \"/nowhere\" cannot be read: No such file or directory"},
    {"workers = 1025", "1: \"workers\" is 1025; it must be 0 .. 1024"},
    {"readers = 0", "1: \"readers\" is 0; it must be 1 .. 256"},
    {"memory_max = 16777217T", "1: \"memory_max\" is 16777217T; it must be 0 .. 16T"},
    {"memory_max = 2g", "1: \"memory_max\" is \"2g\"; it must be 0 .. 16T"},
    {"memory_max = 2GB", "1: \"memory_max\" is \"2GB\"; it must be 0 .. 16T"},
    {"memory_max = 1.5G", "1: \"memory_max\" is \"1.5G\"; it must be 0 .. 16T"},
    {"memory_max = G", "1: \"memory_max\" is \"G\"; it must be 0 .. 16T"},
    {"client_timeout = 5", "1: \"client_timeout\" is \"5\"; it must be 0 .. 24h"},
    {"client_timeout = 5M", "1: \"client_timeout\" is \"5M\"; it must be 0 .. 24h"},
    {"client_timeout = 25h", "1: \"client_timeout\" is 25h; it must be 0 .. 24h"},
    {"memory_max = 5s", "1: \"memory_max\" is \"5s\"; it must be 0 .. 16T"},
    {"image_bytes_max = 2G", "1: \"image_bytes_max\" is 2G; it must be 1K .. 1G"},
    {"image_pixels_max = 0", "1: \"image_pixels_max\" is 0; it must be 1 .. 4294836225"},

    /* lists */
    {"stream a { mean = 0.5 }", "1: \"mean\" has 1 value; it must have 3"},
    {"stream a { std = {1, 1} }", "1: \"std\" has 2 values; it must have 3"},
    {"stream a { random_erasing { scale = {0.1, 0.2, 0.3} } }",
     "1: \"scale\" has 3 values; it must have 2"},
    {"stream a { resize { side = {1, 2, 3} } }", "1: \"side\" has 3 values; it must have 1 .. 2"},
    {"stream a { transform = {flip, flip, flip, flip, flip, flip, flip} }",
     "1: \"transform\" has 7 values; it must have 1 .. 6"},
    {"stream a { size = {1, 2, 3} }", "1: \"size\" has 3 values; it must have 1 .. 2"},
    {"workers = {1, 2}", "1: \"workers\" has 2 values; it must have 1"},
    {"listen = {}", "1: an empty list; give it a value, or remove the setting"},
    {"listen = {a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a}",
     "1: \"listen\" has 17 values; it must have 1 .. 16"},

    /* endpoints */
    {"listen = udp://a:1", "1: \"listen\" has \"udp://a:1\"; it must be tcp://HOST:PORT or "
                           "ipc:///PATH"},
    {"listen = {tcp://a:1,\n tcp://a}",
     "2: \"listen\" has \"tcp://a\"; it must be tcp://HOST:PORT or ipc:///PATH"},
    {"listen = tcp://:1", "1: \"listen\" has \"tcp://:1\"; it must be tcp://HOST:PORT or "
                          "ipc:///PATH"},
    {"listen = tcp://a:0", "1: \"listen\" has \"tcp://a:0\"; it must be tcp://HOST:PORT or "
                           "ipc:///PATH"},
    {"listen = tcp://a:65536", "1: \"listen\" has \"tcp://a:65536\"; it must be tcp://HOST:PORT or "
                               "ipc:///PATH"},
    {"listen = tcp://::1:7654", "1: \"listen\" has \"tcp://::1:7654\"; it must be "
                                "tcp://HOST:PORT or ipc:///PATH"},
    {"listen = ipc://relative", "1: \"listen\" has \"ipc://relative\"; it must be "
                                "tcp://HOST:PORT or ipc:///PATH"},
    {"listen = ipc://", "1: \"listen\" has \"ipc://\"; it must be tcp://HOST:PORT or ipc:///PATH"},
    {"listen = ipc:///"
     "7890123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
     "56789012345678",
     NULL}, /* 103 bytes: short enough, and then there is no stream */
    {"listen = ipc:///"
     "234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"
     "23456789012345678",
     "1: \"listen\" has a socket path of 108 bytes, "
     "\"/23456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
     "890123456789012345678\"; the system takes at most 107, choose a shorter one"},
    {"listen = \"tcp://a:1 keys=no\"", "1: \"listen\" has \"tcp://a:1 keys=no\"; it must be "
                                       "tcp://HOST:PORT or ipc:///PATH"},
    {"listen = \"tcp://a:1 keys=yes insecure=yes\"",
     "1: \"listen\" has \"tcp://a:1 keys=yes insecure=yes\"; behind tcp there may be keys=yes or "
     "insecure=yes, behind ipc mode=0660 and group=NAME"},
    {"listen = \"tcp://a:1 mode=0660\"",
     "1: \"listen\" has \"tcp://a:1 mode=0660\"; behind tcp there may be keys=yes or insecure=yes, "
     "behind ipc mode=0660 and group=NAME"},
    {"listen = \"ipc:///a mode=0999\"",
     "1: \"listen\" has \"ipc:///a mode=0999\"; behind tcp there may be keys=yes or insecure=yes, "
     "behind ipc mode=0660 and group=NAME"},
    {"listen = \"ipc:///a insecure=yes\"",
     "1: \"listen\" has \"ipc:///a insecure=yes\"; behind tcp there may be keys=yes or "
     "insecure=yes, behind ipc mode=0660 and group=NAME"},
    {"listen = tcp://10.0.0.5:1",
     "1: \"listen\" has \"tcp://10.0.0.5:1\", which needs keys, and there is no \"server_key\"; "
     "make "
     "one with stoker keygen, or write \"tcp://10.0.0.5:1 insecure=yes\" to serve whoever reaches "
     "it"},
    {"listen = tcp://127.evil.org:1",
     "1: \"listen\" has \"tcp://127.evil.org:1\", which needs keys, and there is no "
     "\"server_key\"; make one with stoker keygen, or write \"tcp://127.evil.org:1 insecure=yes\" "
     "to serve whoever reaches it"},
    {"listen = \"ipc:///a keys=yes\"", "1: \"listen\" has \"ipc:///a keys=yes\", and there is no "
                                       "\"server_key\"; make one with stoker "
                                       "keygen"},
    {"server_key = /nowhere/a",
     "1: \"server_key\": cannot read the key file \"/nowhere/a\": No such "
     "file or directory"},
    {"client_keys = /etc/passwd", "1: \"client_keys\" is \"/etc/passwd\", which is no directory; "
                                  "name the one that has a file NAME.key for each client"},
    {"client_addresses = \"10.0.0.1/8\"",
     "1: \"client_addresses\" is \"10.0.0.1/8\"; it must be networks such as \"10.1.0.0/16 "
     "fd00::/8\", 64 at most"},
    {"listen = {tcp://a:1,\n tcp://a:1}", "1: \"listen\" has \"tcp://a:1\" twice; remove one"},

    /* streams */
    {"", "1: no stream; add one: stream NAME { source = DIRECTORY }"},
    {"# nothing\n\nworkers = 1\n\n# more\n",
     "3: no stream; add one: stream NAME { source = DIRECTORY }"},
    {"stream a { source = @ }\n\nstream a { source = @ }",
     "3: stream \"a\" stands twice; rename one"},
    {"stream 'a b' { source = @ }",
     "1: stream \"a b\" has a name that no URL can hold; use 1 .. 64 of A-Z a-z 0-9 . _ -"},
    {"stream a/b { source = @ }",
     "1: stream \"a/b\" has a name that no URL can hold; use 1 .. 64 of A-Z a-z 0-9 . _ -"},
    {"stream '' { source = @ }",
     "1: stream \"\" has a name that no URL can hold; use 1 .. 64 of A-Z a-z 0-9 . _ -"},
    {"stream a234567890123456789012345678901234567890123456789012345678901234x { source = @ }",
     "1: stream \"a234567890123456789012345678901234567890123456789012345678901234x\" has a name "
     "that no URL can hold; use 1 .. 64 of A-Z a-z 0-9 . _ -"},
    {"\n\nstream a\n{\n\n}", "4: stream \"a\" has no \"source\"; add source = DIRECTORY"},
    {"stream a { source = @\n mix { }\n}\nstream b {\n}",
     "4: stream \"b\" has no \"source\"; add source = DIRECTORY"},
    {"stream a {\n\n source = /nowhere/at/all\n}",
     "3: source \"/nowhere/at/all\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a { source = folder:/nowhere }",
     "1: source \"/nowhere\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a { source = '' }",
     "1: source \"\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a { source = /dev/null }",
     "1: source \"/dev/null\" of stream \"a\" is no directory; name the directory that holds a "
     "sub-directory for each class, or csv:FILE"},
    {"stream a { source = webdataset:/data }",
     "1: unknown kind of source in \"webdataset:/data\"; known are: folder or csv (write ./ before "
     "a path with a colon)"},
    {"stream a { source = fold:/data }",
     "1: unknown kind of source in \"fold:/data\"; known are: folder or csv (write ./ before a "
     "path with a colon)"},

    {"stream a { source = csv:/nowhere.csv }",
     "1: source \"/nowhere.csv\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a {\n source = csv:/dev }", "2: source \"/dev\" of stream \"a\" is no file"},
    {"stream a { source = csv:/etc/passwd\n root = /etc/passwd }",
     "2: root \"/etc/passwd\" of stream \"a\" is no directory; name the one that the paths of the "
     "csv source start from"},
    {"stream a { source = @\n root = @ }", "2: \"root\" is where the paths of a csv source start; "
                                           "stream \"a\" lists a folder, remove it"},
    {"stream a { source = @\n list = /nowhere.txt }",
     "2: list \"/nowhere.txt\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a { source = @\n list = /dev }", "2: list \"/dev\" of stream \"a\" is no file"},
    {"stream a { source = @\n index = on }", "2: index \"on\" of stream \"a\" is no file; write "
                                             "auto, off, or the name of one that \"stoker "
                                             "index\" has made"},
    {"stream a { source = @\n index = \"\" }",
     "2: index \"\" of stream \"a\" is no file; write auto, off, or the name of one that \"stoker "
     "index\" has made"},

    /* phases */
    {"stream a {\n source = @\n phase { size = 96 }\n}",
     "1: phase 1 of stream \"a\" has no \"from_epoch\"; say from which epoch on it holds"},
    {"stream a { source = @\n phase { from_epoch = 5\n size = 96 }\n"
     " phase { size = 128\n from_epoch = 5 } }",
     "5: \"from_epoch\" is 5 behind a phase from epoch 5; phases stand in the order of their "
     "epochs"},
    {"stream a { source = @\n phase { from_epoch = 5 size = 96 }\n"
     " phase { from_epoch = 9 size = {96, 96} batch = 64 } }",
     "3: the phase from epoch 9 changes nothing; give it another \"size\" or \"batch\", or remove "
     "it"},
    {"stream a { source = @ transform = {resize, center_crop}\n resize { side = 256 }\n"
     " phase { from_epoch = 5 size = 288 } }",
     "2: \"side\" of resize leaves every picture too small for the 288 x 288 that center_crop "
     "cuts out in a phase, and is the same in all of them; it lacks 32, make it larger or \"size\" "
     "smaller"},
    {"stream a { source = @ size = 32 transform = pad_crop\n pad_crop { padding = 8 }\n"
     " phase { from_epoch = 5 size = 8 } }",
     "2: \"padding\" of pad_crop is 8; it must be below 8, the smaller side of \"size\""},
    {"stream a { source = @\n mix { method = cutmix\n cutmix_box = {minmax, 0.5, 0.6} }\n"
     " phase { from_epoch = 5 size = 1 } }",
     "3: \"cutmix_box\" is {minmax, 0.5, 0.6}, and no whole number of pixels lies between them in "
     "a picture of 1 x 1; set them further apart"},
    {"stream a { source = @\n mix { preset = fastbook }\n phase { from_epoch = 5\n batch = 4097 } "
     "}",
     "4: \"batch\" is 4097; with partner = dataset, which makes two pictures for each sample, it "
     "must be at most 4096"},
    {"stream a { source = @\n phase { seed = 1 } }",
     "2: unknown key \"seed\" in a phase section; it belongs inside a stream"},
    {"stream a { from_epoch = 1 }", "1: unknown key \"from_epoch\" in stream \"a\"; it belongs "
                                    "inside the mix section of a stream"},
    {"stream a { source = @\n mix { }\n phase { from_epoch = 5 size = 96 }\n}\nstream b {\n}",
     "5: stream \"b\" has no \"source\"; add source = DIRECTORY"},

    /* settings that must fit each other */
    {"stream a { source = @\n epoch_samples = 9 }",
     "2: \"epoch_samples\" is 9, but sampler = all takes every sample once; remove it, or set "
     "sampler to weighted or balanced"},
    {"stream a { source = @\n order = sequential\n sampler = balanced }",
     "3: \"sampler\" is balanced, which draws at random; with order = sequential it must be all"},
    {"stream a { source = @\n repeat = 3\n order = sequential }",
     "2: \"repeat\" is 3, which is for augmented training; with order = sequential it must be 1"},
    {"stream a { source = @\n repeat = 3\n last = mask }",
     "2: \"repeat\" is 3, but last = mask counts every sample once; set repeat to 1, or last to "
     "drop, partial or wrap"},
    {"stream a { source = @\n mix { }\n last = mask }",
     "3: \"last\" is mask, which is for evaluation, in a stream that mixes; remove its mix "
     "section, or set last to drop, partial or wrap"},
    {"stream a { source = @\n random_resized_crop { scale = {1, 0.5} } }",
     "2: \"scale\" of random_resized_crop is {1, 0.5}; the smaller number must stand first"},
    {"stream a { source = @\n random_resized_crop {\n ratio = {2, 1} } }",
     "3: \"ratio\" of random_resized_crop is {2, 1}; the smaller number must stand first"},
    {"stream a { source = @\n transform = {resize, random_erasing}\n"
     "random_erasing { ratio = {2, 1} } }",
     "3: \"ratio\" of random_erasing is {2, 1}; the smaller number must stand first"},
    {"stream a { source = @\n transform = flip }",
     "2: \"transform\" has nothing that brings a picture to \"size\"; begin it with "
     "random_resized_crop, resize, center_crop or pad_crop"},
    {"stream a { source = @\n transform = {resize,\n flip, flip} }",
     "2: \"transform\" has \"flip\" twice; remove one"},
    {"stream a { source = @\n transform = {flip, resize} }",
     "2: \"transform\" has \"resize\" behind \"flip\"; crops and resize come first, then flip, "
     "then what changes pixels"},
    {"stream a { source = @\n transform = {resize, random_erasing, flip} }",
     "2: \"transform\" has \"flip\" behind \"random_erasing\"; crops and resize come first, then "
     "flip, then what changes pixels"},
    {"stream a { source = @\n transform = {random_erasing, resize} }",
     "2: \"transform\" has \"resize\" behind \"random_erasing\"; crops and resize come first, then "
     "flip, then what changes pixels"},
    {"stream a { source = @\n transform = {random_resized_crop, center_crop} }",
     "2: \"transform\" has \"center_crop\" behind \"random_resized_crop\", and they exclude each "
     "other; only center_crop or pad_crop can follow, behind resize"},
    {"stream a { source = @\n transform = {center_crop, resize} }",
     "2: \"transform\" has \"resize\" behind \"center_crop\", and they exclude each other; only "
     "center_crop or pad_crop can follow, behind resize"},
    {"stream a { source = @\n transform = {resize, center_crop, pad_crop} }",
     "2: \"transform\" has \"pad_crop\" behind \"center_crop\", and they exclude each other; only "
     "center_crop or pad_crop can follow, behind resize"},
    {"stream a { source = @\n pad_crop { padding = 3 }\n}",
     "2: \"pad_crop\" has a section and does not stand in \"transform\" of stream \"a\"; add it "
     "there, or remove the section"},
    {"stream a { source = @\n transform = resize\n flip { }\n}",
     "3: \"flip\" has a section and does not stand in \"transform\" of stream \"a\"; add it there, "
     "or remove the section"},
    {"stream a { source = @\n transform = resize\n resize { side = 224 }\n}",
     "3: \"side\" of resize has no meaning without a crop behind it, where resize makes \"size\"; "
     "remove it, or add center_crop or pad_crop"},
    {"stream a { source = @\n transform = {resize, center_crop}\n resize { side = 223 } }",
     "3: \"side\" of resize leaves every picture too small for the 224 x 224 that center_crop "
     "cuts out; it lacks 1, make it larger or \"size\" smaller"},
    {"stream a { source = @\n size = 300\n transform = {resize, center_crop} }",
     "3: \"side\" of resize leaves every picture too small for the 300 x 300 that center_crop "
     "cuts out; it lacks 44, make it larger or \"size\" smaller"},
    {"stream a { source = @\n transform = {resize, pad_crop}\n resize { side = {300, 215} } }",
     "3: \"side\" of resize leaves every picture too small for the 224 x 224 that pad_crop cuts "
     "out; it lacks 1, make it larger or \"size\" smaller"},
    {"stream a { source = @\n size = {32, 8}\n transform = pad_crop\n pad_crop { padding = 8 } }",
     "4: \"padding\" of pad_crop is 8; it must be below 8, the smaller side of \"size\""},
    {"stream a { source = @\n transform = {resize, random_erasing}\n"
     "random_erasing { mode = noise\n value = {1, 1, 1} } }",
     "4: \"value\" of random_erasing has no meaning with mode = noise; remove one"},
    {"stream a { source = @\n dtype = f16\n std = {1, 1, 7e-06} }",
     "3: \"mean\" 0.406 and \"std\" 7e-06 make 84857.1 of the value 255; dtype = f16 ends at "
     "65504, make \"std\" larger or choose f32 or bf16"},
    {"stream a { source = @\n dtype = f16\n mean = {0, -1000, 0}\n std = {1, 0.01, 1} }",
     "4: \"mean\" -1000 and \"std\" 0.01 make 100000 of the value 0; dtype = f16 ends at 65504, "
     "make \"std\" larger or choose f32 or bf16"},

    /* grammar */
    {"stream a {\n source = @\n\n", "1: \"{\" is never closed; add a \"}\""},
    {"stream a {\n mix {\n }", "1: \"{\" is never closed; add a \"}\""},
    {"stream a {\n size = {1, 2\n }", "1: \"{\" is never closed; add a \"}\""},
    {"stream a { source = @ }\n}", "2: \"}\" closes nothing; remove it"},
    {"{{\n{{{", "2: \"{\" inside 4 others; close one first"},
    {"workers", "1: the file ends inside a setting; complete it"},
    {"workers =\n\n", "1: the file ends inside a setting; complete it"},
    {"stream\n", "1: the file ends inside a setting; complete it"},
    {"workers 1", "1: \"workers\" has no \"=\"; write KEY = VALUE"},
    {"workers = 1 2", "1: unknown key \"2\"; stokerd.conf(5) lists them all"},
    {"workers = = 2", "1: \"=\" is not expected here; write KEY = VALUE, or KEY = {VALUE, VALUE}"},
    {"listen = {tcp://a:1 tcp://b:1}", "1: \"tcp://b:1\" is not expected here; write KEY = VALUE, "
                                       "or KEY = {VALUE, VALUE}"},
    {"stream {\n}", "1: a stream without a name; write stream NAME {"},
    {"stream = a", "1: a stream without a name; write stream NAME {"},
    {"stream a source = @", "1: \"stream\" is a section and has no \"{\"; open it with one"},
    {"stream a { mix = mixup }", "1: \"mix\" is a section and has no \"{\"; open it with one"},
    {"stream a {\n mix { }\n mix\n { }\n}", "4: \"mix\" stands twice in stream \"a\"; keep one"},
    {"stream a {\n flip { }\n mix { }\n flip {\n prob = 0 }\n}",
     "5: \"flip\" stands twice in stream \"a\"; keep one"},
    {"stream a {\n flip = 0 }", "2: \"flip\" is a section and has no \"{\"; open it with one"},
    {"stream a {\n scale = {0.5, 1} }",
     "2: unknown key \"scale\" in stream \"a\"; it belongs inside the random_resized_crop section "
     "of a stream"},
    {"stream b { source = @\n flip { }\n mix { } }\nstream a {\n flip { }\n}",
     "4: stream \"a\" has no \"source\"; add source = DIRECTORY"},
    {"stream a { source = \"@ \n}", "1: \" is never closed; close the quotes on their line"},
    {"stream a {\n source = 'x", "2: ' is never closed; close the quotes on their line"},
    {"stream a {\n source = \"x\\", "2: \" is never closed; close the quotes on their line"},
    {"workers = 1 /* x\n\n", "1: \"/*\" is never closed; add a \"*/\""},
    {"stream a { source = @#1 }",
     "1: \"#\" starts a comment here; put a value that holds it into quotes"},
    {"stream a { source = @/*.jpg }",
     "1: \"/*\" starts a comment here; put a value that holds it into quotes"},
    {"stream a { source = //nas/data }",
     "1: \"//\" starts a comment here; put a value that holds it into quotes"},
    {"stream a { source = @/a+b }", "1: \"+\" outside of quotes; put the whole value into quotes"},
    {"listen = tcp://*:1",
     "1: \"/*\" starts a comment here; put a value that holds it into quotes"},
    {"stream a { source = @* }", "1: \"*\" outside of quotes; put the whole value into quotes"},
    {"include(x)", "1: \"(\" outside of quotes; put the whole value into quotes"},
    {"listen += tcp://a:1", "1: \"+\" outside of quotes; put the whole value into quotes"},
    {"stream a { source = ${HOME} }",
     "1: \"${\" outside of quotes; variables are not expanded, write the value"},
    {"stream a { source = \"${HOME}\" }",
     "1: \"${\" in double quotes; variables are not expanded, write the value, or \\${ for these "
     "two characters"},
    {"workers = 1\n\x01", "2: control character 0x01; is it a configuration file?"},
    {"stream a { source = \"/x\\n\x1b[2J\" }",
     "1: source \"/x??[2J\" of stream \"a\" cannot be used: No such file or directory"},
};

START_TEST(a_mistake_is_named_by_file_line_and_remedy)
{
    struct config *config = (struct config *)root; /* must become NULL */
    write_file(mistakes[_i].text);
    ck_assert_int_eq(config_open(path, &config, error), STK_CONFIG);
    ck_assert_ptr_null(config);
    size_t len = strlen(path);
    ck_assert_int_eq(strncmp(error, path, len), 0);
    ck_assert_int_eq(error[len], ':');
    const char *expected = mistakes[_i].error != NULL
                               ? mistakes[_i].error
                               : "1: no stream; add one: stream NAME { source = DIRECTORY }";
    ck_assert_str_eq(error + len + 1, expected);
}
END_TEST

START_TEST(no_mistake_reaches_stderr_or_the_next_reading)
{
    char log[PATH_BYTES];
    snprintf(log, sizeof(log), "%s/stderr", root);
    int fd = open(log, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    unlink(log);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct config *config = NULL;
        write_file(mistakes[i].text);
        ck_assert_int_eq(config_open(path, &config, error), STK_CONFIG);
        config = open_text(every_key);
        ck_assert_uint_eq(config->stream_count, 4);
        config_close(&config);
    }
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
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

/* Print, read what was printed, and print that. */
static void assert_prints_back(const char *text)
{
    struct config *config = open_text(text);
    char *printed = NULL, *again = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);
    config_print(config, out);
    fclose(out);
    struct config *second = open_text(printed);
    assert_configs_equal(config, second);
    out = open_memstream(&again, &len);
    config_print(second, out);
    fclose(out);
    ck_assert_str_eq(printed, again);
    free(printed);
    free(again);
    config_close(&config);
    config_close(&second);
}

START_TEST(the_printed_form_reads_back_equal)
{
    assert_prints_back("stream train { source = @ }");
    assert_prints_back(every_key);
    assert_prints_back("stream a { source = @ transform = resize }");
    assert_prints_back("stream a { source = @ transform = {resize, random_erasing}\n"
                       "random_erasing { mode = noise } }");
    assert_prints_back("memory_max = 100000001\nstream a { source = @\nlabels = dense\n"
                       "mix { method = none\nsmoothing = 0.3 } }");
    assert_prints_back("stream a { source = @\nmix { preset = timm } }");
    assert_prints_back("stream a { source = @\nmix { preset = timm switch_prob = 1 } }");
    assert_prints_back("stream a { source = @\nmix { preset = timm switch_prob = 0 } }");
    assert_prints_back("listen = {\"ipc:///a \\\"\\\\\\${x\", 'tcp://a:* insecure=yes'}\n"
                       "stream a { source = @ }");
}
END_TEST

START_TEST(a_printed_path_reads_back_and_tells_a_terminal_nothing)
{
    static const char text[] = "listen = \"ipc:///a\xc2\x9b\x32J\xe2\x80\xae\xff\xc3\xa9\"\n"
                               "stream a { source = @ }";
    assert_prints_back(text);
    struct config *config = open_text(text);
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);
    config_print(config, out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(printed, "\"ipc:///a\\xc2\\x9b2J\\xe2\\x80\\xae\\xff\xc3\xa9\""));
    free(printed);
    config_close(&config);
}
END_TEST

START_TEST(any_double_reads_back_as_itself)
{
    uint64_t random = 7;
    for (unsigned round = 0; round < 200; round++) {
        char text[512];
        double values[3];
        for (unsigned i = 0; i < 3; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            values[i] = (double)(random >> 11) * 0x1p-53 * (i == 0 ? 1e-5 : i == 1 ? 1 : 999);
            values[i] += 1e-6;
        }
        snprintf(text, sizeof(text), "stream a { source = @\nstd = {%.17g, %.17g, %.17g} }",
                 values[0], values[1], values[2]);
        struct config *config = open_text(text);
        ck_assert_mem_eq(config->streams[0].recipe.std, values, sizeof(values));
        config_close(&config);
        assert_prints_back(text);
    }
}
END_TEST

START_TEST(the_printed_form_names_every_key_that_matters)
{
    struct config *config = open_text(
        "stream train { source = @ phase { from_epoch = 12 size = 288 } }\n"
        "stream a { source = @ transform = {resize, pad_crop, random_erasing} }\n"
        "stream b { source = @ transform = {resize, random_erasing} random_erasing { mode = noise "
        "} }\n"
        "stream c { source = @ transform = {center_crop} }\n");
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);
    config_print(config, out);
    fclose(out);
    static const char globals[] =
        "listen = {\"ipc:///run/stoker/stoker.sock\", \"tcp://127.0.0.1:7654\"}\n"
        "server_key = \"\"\n"
        "client_keys = \"\"\n"
        "client_addresses = \"\"\n"
        "workers = 0\n"
        "readers = 8\n"
        "memory_max = 0\n"
        "clients_max = 1024\n"
        "requests_max = 8192\n"
        "client_timeout = 1m\n"
        "image_pixels_max = 100000000\n"
        "image_bytes_max = 32M\n"
        "connections_max = 0\n"
        "connections_per_second = 50\n"
        "log_level = info\n"
        "http = \"\"\n"
        "http_token = \"\"\n";
    static const char stream[] = "\n"
                                 "stream %s {\n"
                                 "    source = \"%s\"\n"
                                 "    root = \"\"\n"
                                 "    list = \"\"\n"
                                 "    index = \"auto\"\n"
                                 "    labels = index\n"
                                 "    batch = 64\n"
                                 "    order = shuffle\n"
                                 "    seed = 0\n"
                                 "    last = drop\n"
                                 "    sampler = all\n"
                                 "    epoch_samples = 0\n"
                                 "    repeat = 1\n"
                                 "    subset = 1\n"
                                 "    size = {224, 224}\n"
                                 "    transform = {%s}\n"
                                 "    interpolation = bilinear\n"
                                 "    dtype = u8\n"
                                 "    layout = nhwc\n"
                                 "    mean = {0.485, 0.456, 0.406}\n"
                                 "    std = {0.229, 0.224, 0.225}\n"
                                 "    on_corrupt = replace\n"
                                 "    corrupt_max = 0.5\n"
                                 "%s"
                                 "    mix {\n"
                                 "        method = none\n"
                                 "    }\n"
                                 "%s"
                                 "}\n";
#define ERASING                                                                                    \
    "    random_erasing {\n        prob = 0.5\n        scale = {0.02, 0.33}\n"                     \
    "        ratio = {0.3, 3.3}\n"
    static const struct {
        const char *name, *transform, *sections, *phases;
    } rows[] = {
        {"a", "resize, pad_crop, random_erasing",
         "    resize {\n        side = {256}\n    }\n"
         "    pad_crop {\n        padding = 4\n        fill = {0, 0, 0}\n    }\n" ERASING
         "        mode = value\n        value = {0, 0, 0}\n    }\n",
         ""},
        {"b", "resize, random_erasing", ERASING "        mode = noise\n    }\n", ""},
        {"c", "center_crop", "", ""},
        {"train", "random_resized_crop, flip",
         "    random_resized_crop {\n        scale = {0.08, 1}\n"
         "        ratio = {0.75, 1.3333333333333333}\n    }\n"
         "    flip {\n        prob = 0.5\n    }\n",
         "    phase {\n        from_epoch = 12\n        batch = 64\n        size = {288, 288}\n    "
         "}\n"},
    };
    char whole[8192];
    size_t at = (size_t)sprintf(whole, "%s", globals);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        at += (size_t)sprintf(whole + at, stream, rows[i].name, source, rows[i].transform,
                              rows[i].sections, rows[i].phases);
    ck_assert_str_eq(printed, whole);
    free(printed);
    config_close(&config);
}
END_TEST

START_TEST(the_nearest_key_is_found_by_few_edits)
{
    static const struct {
        enum config_section section;
        const char *name, *nearest;
    } rows[] = {
        {CONFIG_STREAM, "bacth", "batch"},
        {CONFIG_STREAM, "batches", "batch"},
        {CONFIG_STREAM, "Batch", "batch"},
        {CONFIG_STREAM, "sise", "size"},
        {CONFIG_STREAM, "resise", "resize"},
        {CONFIG_STREAM, "transforms", "transform"},
        {CONFIG_TRANSFORMS + TRANSFORM_RANDOM_ERASING, "vlaue", "value"},
        {CONFIG_STREAM, "interpolate", "interpolation"},
        {CONFIG_STREAM, "oncorrupt", "on_corrupt"},
        {CONFIG_STREAM, "sede", "seed"},
        {CONFIG_STREAM, "tsd", "std"}, /* a swap is one edit */
        {CONFIG_STREAM, "zzz", NULL},
        {CONFIG_STREAM, "", NULL},
        {CONFIG_GLOBAL, "max_memory", NULL},
        {CONFIG_GLOBAL, "memry_max", "memory_max"},
        {CONFIG_GLOBAL, "image_pixel_max", "image_pixels_max"},
        {CONFIG_GLOBAL, "image_byte_max", "image_bytes_max"},
        {CONFIG_GLOBAL, "lisent", "listen"},
        {CONFIG_MIX, "metod", "method"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct config_key *key = config_key_nearest(rows[i].section, rows[i].name);
        if (rows[i].nearest == NULL) {
            ck_assert_msg(key == NULL, "%s: %s", rows[i].name, key == NULL ? "" : key->name);
        } else {
            ck_assert_msg(key != NULL, "%s", rows[i].name);
            ck_assert_str_eq(key->name, rows[i].nearest);
        }
    }
}
END_TEST

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

static void assert_recipe_text(const struct recipe *recipe, const char *expected)
{
    char text[RECIPE_TEXT_BYTES];
    size_t len = recipe_text(recipe, text, sizeof(text));
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(len, strlen(expected));
}

START_TEST(a_recipe_has_one_canonical_text)
{
    assert_recipe_text(&default_recipe, "plan=1\n"
                                        "seed=0\n"
                                        "batch=64\n"
                                        "order=shuffle\n"
                                        "last=drop\n"
                                        "sampler=all\n"
                                        "repeat=1\n"
                                        "subset=1\n"
                                        "on_corrupt=replace\n"
                                        "image_pixels_max=100000000\n"
                                        "image_bytes_max=33554432\n"
                                        "height=224\n"
                                        "width=224\n"
                                        "interpolation=bilinear\n"
                                        "transform=random_resized_crop,flip\n"
                                        "random_resized_crop.scale=0.080000000000000002,1\n"
                                        "random_resized_crop.ratio=0.75,1.3333333333333333\n"
                                        "flip.prob=0.5\n"
                                        "dtype=u8\n"
                                        "layout=nhwc\n"
                                        "labels=index\n"
                                        "mix=none\n");
    struct recipe recipe = default_recipe;
    recipe.seed = UINT64_MAX;
    recipe.order = ORDER_SEQUENTIAL;
    recipe.last = STK_LAST_PARTIAL;
    recipe.sampler = SAMPLER_BALANCED;
    recipe.repeat = 3;
    recipe.subset = 0.1;
    recipe.phase_count = 2;
    recipe.phases[0] = (struct recipe_phase){5, 64, 128, 96};
    recipe.phases[1] = (struct recipe_phase){80, 32, 160, 96};
    recipe.on_corrupt = ON_CORRUPT_FAIL;
    recipe.height = 100;
    recipe.transforms[0] = TRANSFORM_RESIZE;
    recipe.transforms[1] = TRANSFORM_PAD_CROP;
    recipe.transforms[2] = TRANSFORM_RANDOM_ERASING;
    recipe.transform_count = 3;
    recipe.random_erasing.prob = -0.0;
    recipe.interpolation = INTERPOLATION_LANCZOS;
    recipe.dtype = STK_F32;
    recipe.layout = STK_NCHW;
    recipe.mean[1] = -0.0;
    recipe.labels = LABELS_DENSE;
    recipe.mix = mix_preset_keys(MIX_PRESET_FASTAI, NULL);
    recipe.mix.smoothing = 0.1;
    assert_recipe_text(&recipe, "plan=1\n"
                                "seed=18446744073709551615\n"
                                "batch=64\n"
                                "order=sequential\n"
                                "last=partial\n"
                                "sampler=balanced\n"
                                "epoch_samples=0\n"
                                "repeat=3\n"
                                "subset=0.10000000000000001\n"
                                "on_corrupt=fail\n"
                                "image_pixels_max=100000000\n"
                                "image_bytes_max=33554432\n"
                                "height=100\n"
                                "width=224\n"
                                "interpolation=lanczos\n"
                                "transform=resize,pad_crop,random_erasing\n"
                                "resize.side=256\n"
                                "pad_crop.padding=4\n"
                                "pad_crop.fill=0,0,0\n"
                                "random_erasing.prob=0\n"
                                "random_erasing.scale=0.02,0.33000000000000002\n"
                                "random_erasing.ratio=0.29999999999999999,3.2999999999999998\n"
                                "random_erasing.mode=value\n"
                                "random_erasing.value=0,0,0\n"
                                "dtype=f32\n"
                                "layout=nchw\n"
                                "mean=0.48499999999999999,0,0.40600000000000003\n"
                                "std=0.22900000000000001,0.224,0.22500000000000001\n"
                                "labels=dense\n"
                                "smoothing=0.10000000000000001\n"
                                "mix=mixup\n"
                                "mix_alpha=0.40000000000000002\n"
                                "mix_prob=1\n"
                                "mix_per=sample\n"
                                "mix_fold=yes\n"
                                "mix_partner=permutation\n"
                                "mix_from_epoch=0\n"
                                "mix_until_epoch=0\n"

                                "phase=5\n"
                                "batch=64\n"
                                "height=128\n"
                                "width=96\n"
                                "phase=80\n"
                                "batch=32\n"
                                "height=160\n"
                                "width=96\n");
}
END_TEST

START_TEST(the_longest_recipe_fits_its_storage)
{
    struct recipe recipe = default_recipe;
    recipe.seed = UINT64_MAX;
    recipe.batch = recipe.height = recipe.width = UINT32_MAX;
    recipe.image_pixels_max = recipe.image_bytes_max = UINT64_MAX;
    recipe.order = ORDER_SEQUENTIAL;
    recipe.last = STK_LAST_PARTIAL;
    recipe.interpolation = INTERPOLATION_BILINEAR;
    recipe.sampler = SAMPLER_WEIGHTED;
    recipe.epoch_samples = UINT64_MAX;
    recipe.repeat = UINT32_MAX;
    recipe.subset = -DBL_MAX;
    recipe.phase_count = RECIPE_PHASES_MAX;
    memset(recipe.phases, 0xff, sizeof(recipe.phases));
    recipe.dtype = STK_F32;
    recipe.mix = (struct recipe_mix){.method = MIX_BOTH,
                                     .preset = MIX_PRESET_TORCHVISION,
                                     .per = MIX_PER_SAMPLE,
                                     .partner = MIX_PARTNER_PERMUTATION,
                                     .cutmix_box = MIX_BOX_MINMAX,
                                     .smoothing = DBL_MAX,
                                     .from_epoch = UINT32_MAX,
                                     .until_epoch = UINT32_MAX};
    for (unsigned i = 0; i < 3; i++) {
        recipe.mean[i] = recipe.std[i] = -DBL_MAX;
        recipe.pad_crop.fill[i] = recipe.random_erasing.value[i] = UINT32_MAX;
    }
    recipe.labels = LABELS_DENSE;
    for (unsigned i = 0; i < 2; i++) {
        recipe.random_resized_crop.scale[i] = recipe.random_resized_crop.ratio[i] = -DBL_MAX;
        recipe.random_erasing.scale[i] = recipe.random_erasing.ratio[i] = -DBL_MAX;
        recipe.resize.side[i] = UINT32_MAX;
    }
    for (unsigned i = 0; i < TRANSFORM_COUNT; i++) /* more than a file may have */
        recipe.transforms[i] = (enum transform)i;
    recipe.transform_count = TRANSFORM_COUNT;
    recipe.resize.side_count = 2;
    recipe.pad_crop.padding = UINT32_MAX;
    recipe.flip.prob = recipe.random_erasing.prob = -DBL_MAX;
    recipe.mix.alpha = recipe.mix.cutmix_alpha = recipe.mix.smoothing = -DBL_MAX;
    recipe.mix.switch_prob = recipe.mix.prob = -DBL_MAX;
    recipe.mix.box_range[0] = recipe.mix.box_range[1] = -DBL_MAX;
    char text[RECIPE_TEXT_BYTES], cut[100], mix[RECIPE_MIX_TEXT_BYTES];
    size_t len = recipe_text(&recipe, text, sizeof(text));
    ck_assert_uint_lt(len, sizeof(text));
    ck_assert_uint_eq(strlen(text), len);
    ck_assert_uint_eq(recipe_text(&recipe, cut, sizeof(cut)), len);
    ck_assert_uint_eq(strlen(cut), sizeof(cut) - 1);
    ck_assert_int_eq(strncmp(cut, text, sizeof(cut) - 1), 0);
    ck_assert_uint_eq(recipe_text(&recipe, NULL, 0), len);
    recipe_mix_text(&recipe.mix, mix);
    ck_assert_ptr_nonnull(strstr(mix, " until_epoch=4294967295")); /* the last word */
}
END_TEST

/* Whether two files' only streams have the same canonical text. */
static bool same_recipe_text(const char *left, const char *right)
{
    char texts[2][RECIPE_TEXT_BYTES];
    const char *const bodies[2] = {left, right};
    for (unsigned i = 0; i < 2; i++) {
        char text[512];
        snprintf(text, sizeof(text), "stream a { source = @\n%s\n}", bodies[i]);
        struct config *config = open_text(text);
        recipe_text(&config->streams[0].recipe, texts[i], sizeof(texts[i]));
        config_close(&config);
    }
    return strcmp(texts[0], texts[1]) == 0;
}

START_TEST(what_cannot_change_a_byte_does_not_change_the_canonical_text)
{
    ck_assert(same_recipe_text("", "mean = {0, 0, 0}"));
    ck_assert(same_recipe_text("", "std = {1, 1, 1}"));
    ck_assert(same_recipe_text("", "transform = {random_resized_crop, flip}"));
    ck_assert(
        same_recipe_text("transform = center_crop", "transform = center_crop center_crop { }"));
    ck_assert(same_recipe_text("transform = {resize, center_crop}",
                               "transform = {resize, center_crop} resize { side = 256 }"));
    ck_assert(same_recipe_text("transform = {pad_crop, flip}",
                               "transform = {pad_crop, flip} interpolation = box"));
    ck_assert(same_recipe_text("transform = center_crop",
                               "transform = center_crop interpolation = lanczos"));
    ck_assert(same_recipe_text("", "mix { method = none }"));
    ck_assert(same_recipe_text("mix { }", "mix { method = mixup\npreset = fastai\nalpha = 0.4 }"));
    ck_assert(same_recipe_text("mix { }", "mix { preset = paper per = sample fold = yes "
                                          "alpha = 0.4 }")); /* names are no bytes */
    ck_assert(same_recipe_text("mix { preset = timm method = mixup }",
                               "mix { preset = timm method = mixup smoothing = 0 }"));
}
END_TEST

/* 1 / 1.5263e-05 rounds to f16's largest number, 1 / 1.526e-05 to infinity. */
START_TEST(f16_takes_what_it_can_hold_and_the_others_everything)
{
    static const char *const bodies[] = {
        "dtype = f16 mean = {0, 0, 0} std = {1.5263e-05, 1, 1}",
        "dtype = u8 mean = {0, 0, 0} std = {1.526e-05, 1, 1}",
        "dtype = f32 mean = {-1000, 1000, 0} std = {1e-06, 1e-06, 1e-06}",
        "dtype = bf16 mean = {-1000, 1000, 0} std = {1e-06, 1e-06, 1e-06}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "stream a { source = @\n%s\n}", bodies[i]);
        struct config *config = open_text(text);
        config_close(&config);
    }
    struct config *config = NULL;
    write_file("stream a { source = @\ndtype = f16 mean = {0, 0, 0} std = {1.526e-05, 1, 1} }");
    ck_assert_int_eq(config_open(path, &config, error), STK_CONFIG);
}
END_TEST

START_TEST(what_changes_bytes_changes_the_canonical_text)
{
    static const char *const bodies[][2] = {
        {"", "batch = 65"},
        {"", "order = sequential"},
        {"", "seed = 1"},
        {"", "last = wrap"},
        {"", "last = mask"},
        {"", "sampler = weighted"},
        {"sampler = weighted", "sampler = balanced"},
        {"sampler = weighted", "sampler = weighted epoch_samples = 100"},
        {"", "repeat = 2"},
        {"", "subset = 0.5"},
        {"", "phase { from_epoch = 2 size = 225 }"},
        {"phase { from_epoch = 2 size = 225 }", "phase { from_epoch = 3 size = 225 }"},
        {"phase { from_epoch = 2 size = 225 }", "phase { from_epoch = 2 size = {225, 226} }"},
        {"phase { from_epoch = 2 size = 225 }", "phase { from_epoch = 2 size = 225 batch = 9 }"},
        {"", "size = 225"},
        {"size = {1, 2}", "size = {2, 1}"},
        {"", "transform = resize"},
        {"", "transform = random_resized_crop"},
        {"", "random_resized_crop { scale = {0.08, 0.99} }"},
        {"", "random_resized_crop { ratio = {0.75, 1.3333333333333335} }"},
        {"", "flip { prob = 0.50000000000000011 }"},
        {"transform = {resize, center_crop}", "transform = {resize, pad_crop}"},
        {"transform = {resize, center_crop}",
         "transform = {resize, center_crop} resize { side = 257 }"},
        {"transform = {resize, center_crop}",
         "transform = {resize, center_crop} resize { side = {256, 256} }"},
        {"transform = pad_crop", "transform = pad_crop pad_crop { padding = 3 }"},
        {"transform = pad_crop", "transform = pad_crop pad_crop { fill = {0, 1, 0} }"},
        {"transform = resize", "transform = {resize, random_erasing}"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { prob = 0.4 }"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { scale = {0.02, 0.3} }"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { ratio = {0.3, 3} }"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { mode = noise }"},
        {"transform = {resize, random_erasing}",
         "transform = {resize, random_erasing} random_erasing { value = {0, 0, 1} }"},
        {"", "interpolation = bicubic"},
        {"interpolation = box", "interpolation = nearest"},
        {"transform = {resize, pad_crop}", "transform = {resize, pad_crop} interpolation = box"},
        {"", "dtype = f32"},
        {"", "layout = nchw"},
        {"dtype = f32", "dtype = f32\nmean = {0.485, 0.456, 0.407}"},
        {"dtype = f32", "dtype = f32\nstd = {0.229, 0.224, 0.226}"},
        {"dtype = f32", "dtype = f16"},
        {"dtype = f16", "dtype = bf16"},
        {"dtype = f16", "dtype = f16\nmean = {0.485, 0.456, 0.407}"},
        {"dtype = bf16", "dtype = bf16\nstd = {0.229, 0.224, 0.226}"},
        {"", "on_corrupt = fail"},
        {"", "labels = dense"},
        {"labels = dense", "labels = dense mix { method = none smoothing = 0.1 }"},
        {"labels = dense mix { preset = timm }",
         "labels = dense mix { preset = timm smoothing = 0 }"},
        {"", "mix { }"},
        {"mix { alpha = 1 }", "mix { preset = paper }"},
        {"mix { }", "mix { alpha = 0.41 }"},
        {"mix { preset = timm }", "mix { preset = torchvision }"},
        {"mix { preset = timm }", "mix { preset = timm cutmix_alpha = 0.5 }"},
        {"mix { preset = timm }", "mix { preset = timm switch_prob = 0.4 }"},
        {"mix { }", "mix { prob = 0.5 }"},
        {"mix { }", "mix { per = batch }"},
        {"mix { }", "mix { fold = no }"},
        {"mix { preset = fastbook }", "mix { preset = fastbook partner_self = yes }"},
        {"mix { preset = timm }", "mix { preset = timm cutmix_box = round }"},
        {"mix { preset = timm }", "mix { preset = timm cutmix_box = {minmax, 0.2, 0.8} }"},
        {"mix { preset = timm cutmix_box = {minmax, 0.2, 0.8} }",
         "mix { preset = timm cutmix_box = {minmax, 0.2, 0.7} }"},
        {"mix { }", "mix { from_epoch = 1 }"},
        {"mix { }", "mix { until_epoch = 1 }"},
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        ck_assert_msg(!same_recipe_text(bodies[i][0], bodies[i][1]), "%s", bodies[i][1]);
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
    tcase_add_loop_test(tests, a_mistake_is_named_by_file_line_and_remedy, 0,
                        sizeof(mistakes) / sizeof(mistakes[0]));
    tcase_add_test(tests, no_mistake_reaches_stderr_or_the_next_reading);
    tcase_add_test(tests, a_file_that_cannot_be_read_is_named);
    tcase_add_test(tests, two_hundred_and_fifty_six_streams_are_the_limit);
    tcase_add_test(tests, a_phase_keeps_what_it_does_not_set);
    tcase_add_test(tests, sixteen_phases_are_the_limit);
    tcase_add_test(tests, a_cut_or_damaged_file_is_refused_in_words_or_read);
    tcase_add_test(tests, the_printed_form_reads_back_equal);
    tcase_add_test(tests, a_printed_path_reads_back_and_tells_a_terminal_nothing);
    tcase_add_test(tests, any_double_reads_back_as_itself);
    tcase_add_test(tests, the_printed_form_names_every_key_that_matters);
    tcase_add_test(tests, the_nearest_key_is_found_by_few_edits);
    tcase_add_test(tests, the_example_is_ready_when_its_streams_are_uncommented);
    tcase_add_test(tests, every_key_of_the_example_stands_at_its_default);
    tcase_add_test(tests, the_example_states_the_range_above_every_key);
    tcase_add_test(tests, the_manual_names_every_key_with_its_range_and_default);
    tcase_add_test(tests, a_recipe_has_one_canonical_text);
    tcase_add_test(tests, the_longest_recipe_fits_its_storage);
    tcase_add_test(tests, what_cannot_change_a_byte_does_not_change_the_canonical_text);
    tcase_add_test(tests, f16_takes_what_it_can_hold_and_the_others_everything);
    tcase_add_test(tests, what_changes_bytes_changes_the_canonical_text);
    tcase_add_test(tests, closing_nothing_is_fine);
    return suite_run("config", tests);
}
