/*
 * Key files: what is read of those that CZMQ and pyzmq write, and what is none.
 */
#include "proto/key_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/suite.h"

#define PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define SECRET "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

static char folder[] = "/tmp/stk-key-XXXXXX";
static char path[64];
static struct stk_key_file file;
static char reason[STK_KEY_REASON_BYTES];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.key", folder);
}

static void teardown(void)
{
    unlink(path);
    rmdir(folder);
}

static void write_bytes(const void *bytes, size_t len, mode_t mode)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, len, out), len);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static enum stk_status read_text(const char *text, bool secret)
{
    write_bytes(text, strlen(text), 0600);
    memset(&file, 'x', sizeof file);
    reason[0] = '\0';
    return stk_key_file_read(path, secret, &file, reason);
}

/* Nothing of a file that is refused may be left over. */
static void is_refused(enum stk_status status, enum stk_status wanted, const char *words)
{
    static const struct stk_key_file none;
    ck_assert_int_eq(status, wanted);
    ck_assert_mem_eq(&file, &none, sizeof file);
    ck_assert_msg(strstr(reason, words) != NULL, "%s", reason);
}

START_TEST(a_certificate_of_czmq_is_read)
{
    ck_assert_int_eq(read_text("#   ZeroMQ CURVE **Secret** Certificate\n"
                               "metadata\n"
                               "    name = \"alice\"\n"
                               "    streams = \"train valid\"\n"
                               "curve\n"
                               "    public-key = \"" PUBLIC "\"\n"
                               "    secret-key = \"" SECRET "\"\n",
                               true),
                     STK_OK);
    ck_assert_str_eq(file.public_key, PUBLIC);
    ck_assert_str_eq(file.secret_key, SECRET);
    ck_assert_str_eq(file.streams, "train valid");
}
END_TEST

START_TEST(a_certificate_of_pyzmq_is_read)
{
    ck_assert_int_eq(read_text("metadata\r\n"
                               "\tstreams = train = valid \r\n"
                               "curve\r\n"
                               "\tpublic-key='" PUBLIC "'\r",
                               false),
                     STK_OK);
    ck_assert_str_eq(file.public_key, PUBLIC);
    ck_assert_str_eq(file.secret_key, "");
    ck_assert_str_eq(file.streams, "train = valid");
}
END_TEST

START_TEST(what_has_no_meaning_is_passed_over)
{
    ck_assert_int_eq(read_text("# public-key = \"short\"\n"
                               "=\n"
                               "public-key\n"
                               "public-keys = \"short\"\n"
                               "curve = 1\n"
                               "public-key = " PUBLIC "\n",
                               false),
                     STK_OK);
    ck_assert_str_eq(file.public_key, PUBLIC);
    ck_assert_str_eq(file.streams, "");
}
END_TEST

static const char *const no_keys[] = {
    "public-key = \"" PUBLIC "0\"\n",
    "public-key = \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\"\n",
    "public-key = \"" PUBLIC "\n", /* one quote */
    "public-key = \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf,\"\n",
    "public-key =\n",
    "public-key = " PUBLIC "\nsecret-key = 1\n",
    "public-key = " PUBLIC "\nstreams = \"\"\n",
};

START_TEST(a_value_that_is_no_key_is_refused)
{
    is_refused(read_text(no_keys[_i], false), STK_INVALID, "has a value that is no key");
}
END_TEST

START_TEST(the_key_that_is_wanted_must_be_there)
{
    is_refused(read_text("public-key = " PUBLIC "\n", true), STK_INVALID, "holds no secret key");
    is_refused(read_text("secret-key = " SECRET "\n", false), STK_INVALID, "holds no public key");
    is_refused(read_text("", false), STK_INVALID, "holds no public key");
}
END_TEST

START_TEST(names_of_streams_have_a_limit)
{
    static char text[3 * STK_KEY_STREAMS_BYTES];
    for (int len = STK_KEY_STREAMS_BYTES - 1; len <= STK_KEY_STREAMS_BYTES; len++) {
        int head = snprintf(text, sizeof text, "public-key = %s\nstreams = ", PUBLIC);
        memset(text + head, 'x', (size_t)len);
        text[head + len] = '\0';
        enum stk_status status = read_text(text, false);
        if (len < STK_KEY_STREAMS_BYTES)
            ck_assert_int_eq(status, STK_OK);
        else
            is_refused(status, STK_INVALID, "too long");
    }
}
END_TEST

START_TEST(a_secret_that_others_can_use_is_forbidden)
{
    static const mode_t fine[] = {0600, 0400, 0640};
    static const mode_t wrong[] = {0604, 0602, 0601, 0620, 0660, 0666};
    const char *text = "secret-key = " SECRET "\npublic-key = " PUBLIC "\n";
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        write_bytes(text, strlen(text), fine[i]);
        ck_assert_int_eq(stk_key_file_read(path, true, &file, reason), STK_OK);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_bytes(text, strlen(text), wrong[i]);
        is_refused(stk_key_file_read(path, true, &file, reason), STK_FORBIDDEN, "chmod 600");
        ck_assert_int_eq(stk_key_file_read(path, false, &file, reason), STK_OK);
    }
}
END_TEST

START_TEST(a_file_that_is_too_long_or_has_a_zero_is_refused)
{
    static char text[16384 + 1];
    memset(text, '\n', sizeof text);
    memcpy(text, "public-key = " PUBLIC, strlen("public-key = " PUBLIC));
    write_bytes(text, sizeof text - 1, 0600);
    /* Whether it ends there is known only behind its limit. */
    is_refused(stk_key_file_read(path, false, &file, reason), STK_INVALID, "is no key file");
    write_bytes(text, sizeof text - 2, 0600);
    ck_assert_int_eq(stk_key_file_read(path, false, &file, reason), STK_OK);
    text[100] = '\0';
    write_bytes(text, 200, 0600);
    is_refused(stk_key_file_read(path, false, &file, reason), STK_INVALID, "is no key file");
}
END_TEST

START_TEST(what_is_no_file_is_refused_at_once)
{
    memset(&file, 'x', sizeof file);
    is_refused(stk_key_file_read(path, false, &file, reason), STK_SYSTEM, strerror(ENOENT));
    is_refused(stk_key_file_read(folder, true, &file, reason), STK_INVALID, "no regular file");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    is_refused(stk_key_file_read(path, true, &file, reason), STK_INVALID, "no regular file");
}
END_TEST

START_TEST(a_long_path_is_cut_in_the_sentence)
{
    static char longest[2 * STK_KEY_REASON_BYTES];
    memset(longest, 'x', sizeof longest - 1);
    is_refused(stk_key_file_read(longest, false, &file, reason), STK_SYSTEM, "cannot read");
    ck_assert_uint_eq(strlen(reason), STK_KEY_REASON_BYTES - 1);
}
END_TEST

/* Five characters of Z85 can say more than 2^32 - 1, which is %nSc0. */
START_TEST(a_key_is_forty_characters_for_thirty_two_bytes)
{
    char key[STK_KEY_BYTES] = PUBLIC;
    ck_assert(stk_key_is_valid(key));
    memcpy(key, "%nSc0", 5);
    ck_assert(stk_key_is_valid(key));
    memcpy(key, "%nSc1", 5);
    ck_assert(!stk_key_is_valid(key));
    memcpy(key, "#####", 5);
    ck_assert(!stk_key_is_valid(key));
    memcpy(key, "00 00", 5);
    ck_assert(!stk_key_is_valid(key));
    memcpy(key, "00000", 5);
    memcpy(key + 35, "%nSc1", 5);
    ck_assert(!stk_key_is_valid(key));
    ck_assert(!stk_key_is_valid(""));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("key_file");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_certificate_of_czmq_is_read);
    tcase_add_test(tests, a_certificate_of_pyzmq_is_read);
    tcase_add_test(tests, what_has_no_meaning_is_passed_over);
    tcase_add_loop_test(tests, a_value_that_is_no_key_is_refused, 0,
                        (int)(sizeof no_keys / sizeof *no_keys));
    tcase_add_test(tests, the_key_that_is_wanted_must_be_there);
    tcase_add_test(tests, names_of_streams_have_a_limit);
    tcase_add_test(tests, a_secret_that_others_can_use_is_forbidden);
    tcase_add_test(tests, a_file_that_is_too_long_or_has_a_zero_is_refused);
    tcase_add_test(tests, what_is_no_file_is_refused_at_once);
    tcase_add_test(tests, a_long_path_is_cut_in_the_sentence);
    tcase_add_test(tests, a_key_is_forty_characters_for_thirty_two_bytes);
    return suite_run("key_file", tests);
}
