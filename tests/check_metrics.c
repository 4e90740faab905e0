/*
 * Metrics: names by Prometheus' conventions, values in base units, labels that cannot break a line.
 */
#include "daemon/metrics.h"

#include <string.h>

#include "tests/suite.h"

START_TEST(a_name_ends_with_its_unit_and_a_counters_with_total)
{
    static const struct {
        const char *figure;
        enum metrics_kind kind;
        const char *name;
    } rows[] = {
        {"batches_made", METRICS_COUNTER, "stoker_batches_made_total"},
        {"clients", METRICS_GAUGE, "stoker_clients"},
        {"bytes_sent", METRICS_COUNTER, "stoker_sent_bytes_total"},
        {"slab_bytes_in_use", METRICS_GAUGE, "stoker_slab_in_use_bytes"},
        {"uptime_ns", METRICS_GAUGE, "stoker_uptime_seconds"},
        {"read_ns_total", METRICS_COUNTER, "stoker_read_seconds_total"},
        {"readiness_permille", METRICS_GAUGE, "stoker_readiness_ratio"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[METRICS_NAME_BYTES];
        metrics_name("stoker_", rows[i].figure, rows[i].kind, name);
        ck_assert_str_eq(name, rows[i].name);
    }
}
END_TEST

static void check_sample(const char *figure, const char *value, uint64_t number, const char *wanted)
{
    struct buffer buffer = {0};
    const struct metrics_label labels[METRICS_LABELS_MAX] = {{"stream", value}};
    metrics_sample(&buffer, "stoker_", figure, METRICS_GAUGE, labels, number);
    ck_assert_str_eq(buffer.bytes, wanted);
    buffer_release(&buffer);
}

START_TEST(a_value_is_in_base_units)
{
    check_sample("uptime_ns", "a", 1500000000, "stoker_uptime_seconds{stream=\"a\"} 1.5\n");
    check_sample("uptime_ns", NULL, 0, "stoker_uptime_seconds 0\n");
    check_sample("bytes_sent", NULL, UINT64_MAX, "stoker_sent_bytes 18446744073709551615\n");
    check_sample("readiness_permille", NULL, 250, "stoker_readiness_ratio 0.25\n");
}
END_TEST

START_TEST(no_label_ends_its_line)
{
    check_sample("clients", "a\"} 1\n#\\", 1, "stoker_clients{stream=\"a\\\"} 1\\n#\\\\\"} 1\n");
    check_sample("clients", "V\u00f6gel \xff\xc3", 1,
                 "stoker_clients{stream=\"V\u00f6gel ??\"} 1\n");
}
END_TEST

START_TEST(a_head_tells_help_and_type)
{
    struct buffer buffer = {0};
    metrics_head(&buffer, "stoker_", "read_ns_total", METRICS_COUNTER, "time spent reading");
    ck_assert_str_eq(buffer.bytes, "# HELP stoker_read_seconds_total time spent reading\n"
                                   "# TYPE stoker_read_seconds_total counter\n");
    buffer_release(&buffer);
    ck_assert_ptr_null(buffer.bytes);
}
END_TEST

START_TEST(a_buffer_keeps_all_that_is_printed)
{
    struct buffer buffer = {0};
    for (int i = 0; i < 100000; i++)
        buffer_print(&buffer, "%05d\n", i);
    ck_assert_uint_eq(buffer.len, 600000);
    ck_assert_uint_eq(strlen(buffer.bytes), 600000);
    ck_assert_int_eq(memcmp(buffer.bytes + 6 * 77777, "77777\n", 6), 0);
    ck_assert(!buffer.failed);
    buffer_release(&buffer);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("metrics");
    tcase_add_test(tests, a_name_ends_with_its_unit_and_a_counters_with_total);
    tcase_add_test(tests, a_value_is_in_base_units);
    tcase_add_test(tests, no_label_ends_its_line);
    tcase_add_test(tests, a_head_tells_help_and_type);
    tcase_add_test(tests, a_buffer_keeps_all_that_is_printed);
    return suite_run("metrics", tests);
}
