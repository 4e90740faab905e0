/*
 * Files: opened without waiting for whoever writes a FIFO, looked at, read.
 */
#include "daemon/source/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/check.h"
#include "daemon/source/fault.h"

/* O_NONBLOCK: a FIFO or a device behind a picture's name must not hold the thread.  O_NOCTTY: nor
 * become its terminal. */
enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY };

_Static_assert(sizeof(size_t) >= sizeof(off_t), "a file's size fits memory's");

static enum stk_status fail(int code, const char *what, char *reason)
{
    return fault_write(reason, fault_status(code), "cannot %s it: %s", what,
                       fault_reason(code).text);
}

int file_open(int directory, const char *path, int flags)
{
    int fd;
    do {
        fd = openat(directory, path, flags | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

int64_t file_mtime_ns(const struct stat *file)
{
    int64_t ns;
    if (__builtin_mul_overflow(file->st_mtim.tv_sec, 1000000000, &ns) ||
        __builtin_add_overflow(ns, file->st_mtim.tv_nsec, &ns))
        return 0;
    return ns;
}

/* The file is one that can be a sample, and the one that was listed. */
static enum stk_status check(int fd, uint64_t bytes_listed, struct source_state *state,
                             char *reason)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return fail(errno, "look at", reason);
    if (!S_ISREG(file.st_mode))
        return fault_write(reason, STK_UNREADABLE, "no regular file");
    if (file.st_size == 0)
        return fault_write(reason, STK_UNREADABLE, "empty file");
    if ((uint64_t)file.st_size != bytes_listed)
        return fault_write(reason, STK_UNREADABLE,
                           "changed since it was listed: %" PRIu64 " bytes then, %jd now",
                           bytes_listed, (intmax_t)file.st_size);
    *state = (struct source_state){bytes_listed, file_mtime_ns(&file)};
    return STK_OK;
}

/* What a disk reads ahead of a part would be read for nothing. */
static struct source_range choose(int fd, const struct source_state *file,
                                  const struct source_reading *reading)
{
    struct source_range range = {0, (size_t)file->bytes};
    if (reading->choose != NULL)
        range = reading->choose(reading->context, file);
    CHECK(range.len > 0 && range.from < file->bytes && range.len <= file->bytes - range.from);
    if (range.len < file->bytes)
        (void)posix_fadvise(fd, (off_t)range.from, (off_t)range.len, POSIX_FADV_RANDOM);
    return range;
}

static enum stk_status fill(int fd, struct encoded *encoded, const struct source_range *range,
                            char *reason)
{
    size_t len = 0;
    while (len < range->len) {
        ssize_t part = pread(fd, encoded->data + len, range->len - len, (off_t)(range->from + len));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return fail(errno, "read", reason);
        if (part == 0)
            return fault_write(reason, STK_UNREADABLE, "shrank while it was read");
        len += (size_t)part;
    }
    encoded->len = len;
    return STK_OK;
}

static enum stk_status read_open_file(int fd, uint64_t bytes_listed,
                                      const struct source_reading *reading, struct encoded *encoded,
                                      char *reason)
{
    struct source_state file;
    enum stk_status status = check(fd, bytes_listed, &file, reason);
    if (status != STK_OK)
        return status;
    struct source_range range = choose(fd, &file, reading);
    status = reading->reserve(reading->context, encoded, range.len);
    if (status != STK_OK)
        return fault_write(reason, status, "no room for its %zu bytes: %s", range.len,
                           stk_status_text(status));
    encoded->from = range.from;
    encoded->file = file;
    return fill(fd, encoded, &range, reason);
}

enum stk_status file_read(int directory, const char *path, uint64_t bytes_listed,
                          const struct source_reading *reading, struct encoded *encoded,
                          char *reason)
{
    encoded->len = 0;
    int fd = file_open(directory, path, OPEN_FLAGS);
    if (fd < 0)
        return fail(errno, "open", reason);
    enum stk_status status = read_open_file(fd, bytes_listed, reading, encoded, reason);
    close(fd);
    return status;
}
