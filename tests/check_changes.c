/*
 * Changes: the settings of two configurations held against each other.
 */
#include "config/changes.h"

#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

static struct config_change changes[CONFIG_CHANGES_MAX];

static struct config config_of(struct config_stream *stream)
{
    return (struct config){.listen = {"ipc:///a"},
                           .listen_count = 1,
                           .server_key = "",
                           .client_keys = "",
                           .client_addresses = "",
                           .http = "",
                           .http_token = "",
                           .workers = 2,
                           .readers = 8,
                           .memory_bytes_max = 1 << 30,
                           .image_pixels_max = 1000,
                           .image_bytes_max = 2048,
                           .log_level = CONFIG_LOG_INFO,
                           .streams = stream,
                           .stream_count = stream != NULL};
}

static void assert_change(const struct config_change *change, const char *key, const char *before,
                          const char *after)
{
    ck_assert_str_eq(change->key, key);
    ck_assert_str_eq(change->before, before);
    ck_assert_str_eq(change->after, after);
}

START_TEST(equal_settings_have_no_change)
{
    struct config before = config_of(NULL);
    struct config after = config_of(NULL);
    ck_assert_uint_eq(config_changes(&before, &after, changes), 0);
    ck_assert_uint_eq(config_hold(&after, &before, changes), 0);
}
END_TEST

START_TEST(a_change_has_both_values_as_a_file_says_them)
{
    struct config before = config_of(NULL);
    struct config after = config_of(NULL);
    after.memory_bytes_max = (uint64_t)3 << 29;
    after.log_level = CONFIG_LOG_DEBUG;
    ck_assert_uint_eq(config_changes(&before, &after, changes), 2);
    assert_change(&changes[0], "memory_max", "1G", "1536M");
    assert_change(&changes[1], "log_level", "info", "debug");
}
END_TEST

START_TEST(endpoints_and_what_holds_until_the_end_are_no_change)
{
    struct config before = config_of(NULL);
    struct config after = config_of(NULL);
    after.listen[0] = "ipc:///b";
    after.workers = 3;
    ck_assert_uint_eq(config_changes(&before, &after, changes), 0);
}
END_TEST

START_TEST(what_holds_until_the_end_keeps_its_running_value)
{
    struct config before = config_of(NULL);
    struct config after = config_of(NULL);
    after.workers = 0;
    after.readers = 9;
    after.log_level = CONFIG_LOG_ERROR;
    ck_assert_uint_eq(config_hold(&after, &before, changes), 2);
    assert_change(&changes[0], "workers", "2", "0");
    assert_change(&changes[1], "readers", "8", "9");
    ck_assert_uint_eq(after.workers, 2);
    ck_assert_uint_eq(after.readers, 8);
    ck_assert_int_eq(after.log_level, CONFIG_LOG_ERROR);
}
END_TEST

START_TEST(the_limits_of_a_picture_are_held_in_recipes_too)
{
    struct config_stream stream = {.recipe = {.image_pixels_max = 7, .image_bytes_max = 9999}};
    struct config before = config_of(NULL);
    struct config after = config_of(&stream);
    after.image_pixels_max = 7;
    after.image_bytes_max = 9999;
    ck_assert_uint_eq(config_hold(&after, &before, changes), 2);
    assert_change(&changes[0], "image_pixels_max", "1000", "7");
    assert_change(&changes[1], "image_bytes_max", "2K", "9999");
    ck_assert_uint_eq(stream.recipe.image_pixels_max, 1000);
    ck_assert_uint_eq(stream.recipe.image_bytes_max, 2048);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("changes");
    tcase_add_test(tests, equal_settings_have_no_change);
    tcase_add_test(tests, a_change_has_both_values_as_a_file_says_them);
    tcase_add_test(tests, endpoints_and_what_holds_until_the_end_are_no_change);
    tcase_add_test(tests, what_holds_until_the_end_keeps_its_running_value);
    tcase_add_test(tests, the_limits_of_a_picture_are_held_in_recipes_too);
    return suite_run("changes", tests);
}
