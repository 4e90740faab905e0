/*
 * libFuzzer target: a stranger's bytes as a file of keys.
 *
 * No crash; of what is refused nothing is left, and the path is named; and what is accepted is
 * written as a certificate that reads back the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/check.h"
#include "proto/key_file.h"

enum { LEN_MAX = 1 << 15 };

static enum stk_status read_bytes(const void *bytes, size_t len, bool secret,
                                  struct stk_key_file *file)
{
    char path[32], reason[STK_KEY_REASON_BYTES] = "";
    int fd = memfd_create("fuzz.key", MFD_CLOEXEC);
    CHECK(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, bytes, len) == (ssize_t)len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memset(file, 'x', sizeof *file);
    enum stk_status status = stk_key_file_read(path, secret, file, reason);
    CHECK(status == STK_OK || strstr(reason, path) != NULL);
    CHECK(close(fd) == 0);
    return status;
}

static void check_key(const char *key, bool wanted)
{
    CHECK(memchr(key, '\0', STK_KEY_BYTES) != NULL);
    CHECK(wanted ? stk_key_is_valid(key) : key[0] == '\0' || stk_key_is_valid(key));
}

/* The names in single quotes: a value may hold the others, and no end of a line. */
static void check_written(const struct stk_key_file *file, bool secret)
{
    char text[STK_KEY_STREAMS_BYTES + 256];
    struct stk_key_file again;
    int len = snprintf(text, sizeof text, "curve\n");
    if (file->public_key[0] != '\0')
        len += snprintf(text + len, sizeof text - (size_t)len, " public-key = \"%s\"\n",
                        file->public_key);
    if (file->secret_key[0] != '\0')
        len += snprintf(text + len, sizeof text - (size_t)len, " secret-key = \"%s\"\n",
                        file->secret_key);
    if (file->streams[0] != '\0')
        len += snprintf(text + len, sizeof text - (size_t)len, " streams = '%s'\n", file->streams);
    CHECK(read_bytes(text, (size_t)len, secret, &again) == STK_OK);
    CHECK(memcmp(&again, file, sizeof again) == 0);
}

static void check(const void *bytes, size_t len, bool secret)
{
    static const struct stk_key_file none;
    struct stk_key_file file;
    if (read_bytes(bytes, len, secret, &file) != STK_OK) {
        CHECK(memcmp(&file, &none, sizeof file) == 0);
        return;
    }
    check_key(file.public_key, !secret);
    check_key(file.secret_key, secret);
    CHECK(memchr(file.streams, '\0', sizeof file.streams) != NULL);
    check_written(&file, secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > LEN_MAX)
        return 0;
    check(bytes, len, false);
    check(bytes, len, true);
    return 0;
}
