/*
 * The printed form of a configuration: it names every key that matters, and reads back equal.
 */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "tests/config_file.h"
#include "tests/recipes.h"

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

int main(void)
{
    TCase *tests = tcase_create("config_print");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_printed_form_reads_back_equal);
    tcase_add_test(tests, a_printed_path_reads_back_and_tells_a_terminal_nothing);
    tcase_add_test(tests, any_double_reads_back_as_itself);
    tcase_add_test(tests, the_printed_form_names_every_key_that_matters);
    return suite_run("config_print", tests);
}
