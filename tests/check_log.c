/*
 * Log: lines are logfmt whatever a value holds, and carry a priority for the journal alone.
 *
 * Every test runs in its own process: stderr is led into a pipe, and the first line decides about
 * the journal.
 */
#include "daemon/base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/suite.h"

enum { LINE_BYTES_MAX = 2048 };

static int pipe_out;
static int stderr_kept;

static void capture(void)
{
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    stderr_kept = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    close(ends[1]);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    pipe_out = ends[0];
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
}

static void restore(void)
{
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    close(pipe_out);
}

/* Everything that was logged since the last call. */
static const char *logged(void)
{
    static char text[1 << 16];
    ssize_t len = read(pipe_out, text, sizeof text - 1);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void name_journal(ino_t inode_offset)
{
    struct stat file;
    char stream[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &file), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)file.st_dev,
             (uintmax_t)(file.st_ino + inode_offset));
    ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
}

START_TEST(a_line_is_level_event_and_pairs)
{
    LOG(WARN, "image.corrupt", LOG_TEXT("stream", "train"), LOG_NUMBER("index", 81322));
    ck_assert_str_eq(logged(), "warn image.corrupt stream=train index=81322\n");
}
END_TEST

START_TEST(a_number_is_whole_up_to_64_bits)
{
    LOG(INFO, "e", LOG_NUMBER("zero", 0), LOG_NUMBER("max", UINT64_MAX));
    ck_assert_str_eq(logged(), "info e zero=0 max=18446744073709551615\n");
}
END_TEST

START_TEST(a_value_that_needs_quotes_has_them)
{
    LOG(INFO, "e", LOG_TEXT("blank", "a b"), LOG_TEXT("equals", "a=b"), LOG_TEXT("empty", ""),
        LOG_TEXT("quote", "a\"b"), LOG_TEXT("backslash", "a\\b"));
    ck_assert_str_eq(logged(), "info e blank=\"a b\" equals=\"a=b\" empty=\"\" quote=\"a\\\"b\" "
                               "backslash=\"a\\\\b\"\n");
}
END_TEST

START_TEST(a_value_cannot_forge_a_line)
{
    LOG(INFO, "e", LOG_TEXT("path", "x\n<0>error forged\x1b[2J\x7f\xff"));
    ck_assert_str_eq(logged(), "info e path=\"x\\x0a<0>error forged\\x1b[2J\\x7f\\xff\"\n");
}
END_TEST

START_TEST(a_level_hides_those_below_it)
{
    LOG(DEBUG, "hidden", LOG_NUMBER("n", 1));
    ck_assert_str_eq(logged(), "");
    log_set_level(LOG_LEVEL_DEBUG);
    LOG(DEBUG, "shown", LOG_NUMBER("n", 2));
    ck_assert_str_eq(logged(), "debug shown n=2\n");
    log_set_level(LOG_LEVEL_WARN);
    LOG(NOTICE, "hidden", LOG_NUMBER("n", 3));
    LOG(WARN, "shown", LOG_NUMBER("n", 4));
    LOG(ERROR, "shown", LOG_NUMBER("n", 5));
    ck_assert_str_eq(logged(), "warn shown n=4\nerror shown n=5\n");
}
END_TEST

START_TEST(a_long_line_is_cut_and_ends)
{
    static char value[3 * LINE_BYTES_MAX];
    memset(value, 'x', sizeof value - 1);
    LOG(INFO, "e", LOG_TEXT("long", value), LOG_TEXT("after", "y"));
    const char *line = logged();
    size_t len = strlen(line);
    ck_assert_uint_le(len, LINE_BYTES_MAX);
    ck_assert_uint_ge(len, LINE_BYTES_MAX - 2);
    ck_assert_ptr_eq(strchr(line, '\n'), line + len - 1);
    ck_assert_ptr_null(strchr(line, 'y'));
}
END_TEST

/* Whatever its length, a quoted value that is cut ends with its quote and no half escape. */
START_TEST(a_quoted_value_that_is_cut_is_closed)
{
    static char value[LINE_BYTES_MAX];
    for (size_t pad = 0; pad < 8; pad++) {
        memset(value, ' ', pad);
        memset(value + pad, '\n', sizeof value - 1 - pad);
        LOG(INFO, "e", LOG_TEXT("long", value), LOG_TEXT("after", "a b"));
        const char *line = logged();
        size_t len = strlen(line);
        ck_assert_uint_le(len, LINE_BYTES_MAX);
        ck_assert_uint_ge(len, LINE_BYTES_MAX - 5);
        ck_assert_str_eq(line + len - 6, "\\x0a\"\n");
    }
}
END_TEST

START_TEST(the_last_value_that_fits_is_whole)
{
    static char value[LINE_BYTES_MAX];
    size_t fixed = strlen("info e long=\" \"\n");
    value[0] = ' ';
    memset(value + 1, 'x', LINE_BYTES_MAX - fixed);
    LOG(INFO, "e", LOG_TEXT("long", value));
    const char *line = logged();
    ck_assert_uint_eq(strlen(line), LINE_BYTES_MAX);
    ck_assert_str_eq(line + LINE_BYTES_MAX - 4, "xx\"\n");
}
END_TEST

START_TEST(a_line_to_the_journal_starts_with_its_priority)
{
    name_journal(0);
    log_set_level(LOG_LEVEL_DEBUG);
    LOG(ERROR, "e", LOG_NUMBER("n", 3));
    LOG(WARN, "e", LOG_NUMBER("n", 4));
    LOG(NOTICE, "e", LOG_NUMBER("n", 5));
    LOG(INFO, "e", LOG_NUMBER("n", 6));
    LOG(DEBUG, "e", LOG_NUMBER("n", 7));
    ck_assert_str_eq(logged(), "<3>error e n=3\n<4>warn e n=4\n<5>notice e n=5\n<6>info e n=6\n"
                               "<7>debug e n=7\n");
}
END_TEST

START_TEST(a_line_has_no_priority_where_the_journal_is_another_file)
{
    name_journal(1);
    LOG(WARN, "e", LOG_NUMBER("n", 1));
    ck_assert_str_eq(logged(), "warn e n=1\n");
}
END_TEST

START_TEST(a_line_has_no_priority_where_the_journal_is_no_file)
{
    ck_assert_int_eq(setenv("JOURNAL_STREAM", "8:", 1), 0);
    LOG(WARN, "e", LOG_NUMBER("n", 1));
    ck_assert_str_eq(logged(), "warn e n=1\n");
}
END_TEST

/* A journal's end of its protocol. */
static char journal_folder[] = "/tmp/stk-journal-XXXXXX";
static char journal_path[64];
static int journal_end;

static void open_journal(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_ptr_nonnull(mkdtemp(journal_folder));
    snprintf(journal_path, sizeof journal_path, "%s/socket", journal_folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", journal_path);
    journal_end = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(journal_end, (struct sockaddr *)&address, sizeof address), 0);
}

static void close_journal(void)
{
    close(journal_end);
    unlink(journal_path);
    rmdir(journal_folder);
}

/* The fields of the next entry as KEY=VALUE|, so that one that a value makes would show. */
static const char *entered(void)
{
    static char text[1 << 14];
    char entry[1 << 14];
    ssize_t len = recv(journal_end, entry, sizeof entry, 0);
    char *out = text;
    for (const char *at = entry; at < entry + len;) {
        size_t key_len = strcspn(at, "\n");
        uint64_t value_len;
        memcpy(&value_len, at + key_len + 1, sizeof value_len);
        const char *value = at + key_len + 1 + sizeof value_len;
        out += sprintf(out, "%.*s=%.*s|", (int)key_len, at, (int)value_len, value);
        at = value + value_len + 1;
        ck_assert_int_eq(at[-1], '\n');
    }
    *out = '\0';
    return text;
}

START_TEST(an_event_is_an_entry_of_the_journal_with_its_fields)
{
    open_journal();
    name_journal(0);
    log_to_journal(journal_path);
    LOG(WARN, "image.corrupt", LOG_TEXT("stream", "train"), LOG_TEXT("path", "a\nPRIORITY=0\n"),
        LOG_NUMBER("replaced_by", 977));
    ck_assert_str_eq(entered(),
                     "PRIORITY=4|SYSLOG_IDENTIFIER=stokerd|MESSAGE=warn image.corrupt stream=train "
                     "path=\"a\\x0aPRIORITY=0\\x0a\" replaced_by=977|EVENT=image.corrupt|"
                     "STREAM=train|PATH=a\nPRIORITY=0\n|REPLACED_BY=977|");
    ck_assert_str_eq(logged(), "");
    close_journal();
}
END_TEST

START_TEST(an_event_of_the_largest_values_is_an_entry_all_the_same)
{
    static char value[2 * LINE_BYTES_MAX];
    memset(value, 'x', sizeof value - 1);
    open_journal();
    name_journal(0);
    log_to_journal(journal_path);
    LOG(INFO, "e", LOG_TEXT("long", value), LOG_TEXT("again", value), LOG_TEXT("short", "y"));
    const char *entry = entered();
    ck_assert_ptr_nonnull(strstr(entry, "|LONG=xxx"));
    ck_assert_ptr_null(strstr(entry, "|AGAIN="));
    ck_assert_ptr_nonnull(strstr(entry, "|SHORT=y|"));
    close_journal();
}
END_TEST

START_TEST(an_event_that_the_journal_does_not_take_is_a_line)
{
    open_journal();
    name_journal(0);
    log_to_journal(journal_path);
    close_journal();
    LOG(NOTICE, "e", LOG_NUMBER("n", 1));
    ck_assert_str_eq(logged(), "<5>notice e n=1\n");
}
END_TEST

START_TEST(the_journal_gets_nothing_where_stderr_is_another_file)
{
    open_journal();
    name_journal(1);
    log_to_journal(journal_path);
    LOG(WARN, "e", LOG_NUMBER("n", 1));
    ck_assert_str_eq(logged(), "warn e n=1\n");
    ck_assert_int_eq(recv(journal_end, journal_path, 1, 0), -1);
    close_journal();
}
END_TEST

enum { THREADS = 4, LINES = 100 };

static void *log_lines(void *name)
{
    for (int i = 0; i < LINES; i++)
        LOG(INFO, "e", LOG_TEXT("thread", name), LOG_TEXT("again", name));
    return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
    char *names[THREADS] = {"aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"};
    pthread_t threads[THREADS];
    name_journal(0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_lines, names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int lines = 0;
    static char text[1 << 16];
    snprintf(text, sizeof text, "%s", logged());
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; lines++) {
        char first[16];
        char second[16];
        ck_assert_int_eq(sscanf(line, "<6>info e thread=%15s again=%15s", first, second), 2);
        ck_assert_str_eq(first, second);
    }
    ck_assert_int_eq(lines, THREADS * LINES);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("log");
    tcase_add_checked_fixture(tests, capture, restore);
    tcase_add_test(tests, a_line_is_level_event_and_pairs);
    tcase_add_test(tests, a_number_is_whole_up_to_64_bits);
    tcase_add_test(tests, a_value_that_needs_quotes_has_them);
    tcase_add_test(tests, a_value_cannot_forge_a_line);
    tcase_add_test(tests, a_level_hides_those_below_it);
    tcase_add_test(tests, a_long_line_is_cut_and_ends);
    tcase_add_test(tests, a_quoted_value_that_is_cut_is_closed);
    tcase_add_test(tests, the_last_value_that_fits_is_whole);
    tcase_add_test(tests, a_line_to_the_journal_starts_with_its_priority);
    tcase_add_test(tests, a_line_has_no_priority_where_the_journal_is_another_file);
    tcase_add_test(tests, a_line_has_no_priority_where_the_journal_is_no_file);
    tcase_add_test(tests, an_event_is_an_entry_of_the_journal_with_its_fields);
    tcase_add_test(tests, an_event_of_the_largest_values_is_an_entry_all_the_same);
    tcase_add_test(tests, an_event_that_the_journal_does_not_take_is_a_line);
    tcase_add_test(tests, the_journal_gets_nothing_where_stderr_is_another_file);
    tcase_add_test(tests, lines_of_threads_do_not_mix);
    return suite_run("log", tests);
}
