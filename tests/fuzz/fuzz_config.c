/*
 * libFuzzer target: a stranger's bytes as the configuration file.
 *
 * No crash; what is refused is said with the file's name; and what is accepted is printed as a file
 * that reads back to the same print.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/base/check.h"

enum { LEN_MAX = 1 << 13, PRINT_BYTES_MAX = 1 << 20 };

/* A file without a place on a disk. */
struct file {
    int fd;
    char path[32];
};

static struct file make_file(const void *bytes, size_t len)
{
    struct file file = {.fd = memfd_create("fuzz.conf", MFD_CLOEXEC)};
    CHECK(file.fd >= 0 && write(file.fd, bytes, len) == (ssize_t)len);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

/* The print of a file; returns its length, 0 where the file is refused. */
static size_t print(const void *bytes, size_t len, char *out)
{
    struct file file = make_file(bytes, len);
    struct config *config;
    char error[CONFIG_ERROR_BYTES];
    size_t printed = 0;
    if (config_open(file.path, &config, error) == STK_OK) {
        FILE *stream = fmemopen(out, PRINT_BYTES_MAX, "w");
        CHECK(stream != NULL && error[0] == '\0');
        config_print(config, stream);
        printed = (size_t)ftell(stream);
        CHECK(fclose(stream) == 0);
        config_close(&config);
    } else {
        CHECK(config == NULL && strncmp(error, file.path, strlen(file.path)) == 0);
    }
    close(file.fd);
    return printed;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static char first[PRINT_BYTES_MAX], again[PRINT_BYTES_MAX];
    if (len > LEN_MAX)
        return 0;
    size_t printed = print(bytes, len, first);
    if (printed == 0)
        return 0;
    CHECK(print(first, printed, again) == printed);
    CHECK(memcmp(first, again, printed) == 0);
    return 0;
}
