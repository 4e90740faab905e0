/*
 * Files: opened without waiting for whoever writes a FIFO, looked at, read.
 */
#include "daemon/source/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* The file is one that can be a sample, and the one that was listed. */
static enum stk_status check(int fd, uint64_t bytes_listed, char *reason)
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
    return STK_OK;
}

static enum stk_status fill(int fd, struct encoded *encoded, size_t bytes, char *reason)
{
    size_t len = 0;
    while (len < bytes) {
        ssize_t part = pread(fd, encoded->data + len, bytes - len, (off_t)len);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return fail(errno, "read", reason);
        if (part == 0)
            return fault_write(reason, STK_UNREADABLE, "shrank while it was read");
        len += (size_t)part;
    }
    encoded->len = bytes;
    return STK_OK;
}

static enum stk_status read_open_file(int fd, uint64_t bytes_listed, source_reserve *reserve,
                                      void *context, struct encoded *encoded, char *reason)
{
    enum stk_status status = check(fd, bytes_listed, reason);
    if (status != STK_OK)
        return status;
    status = reserve(context, encoded, (size_t)bytes_listed);
    if (status != STK_OK)
        return fault_write(reason, status, "no room for its %" PRIu64 " bytes: %s", bytes_listed,
                           stk_status_text(status));
    return fill(fd, encoded, (size_t)bytes_listed, reason);
}

enum stk_status file_read(int directory, const char *path, uint64_t bytes_listed,
                          source_reserve *reserve, void *context, struct encoded *encoded,
                          char *reason)
{
    encoded->len = 0;
    int fd = file_open(directory, path, OPEN_FLAGS);
    if (fd < 0)
        return fail(errno, "open", reason);
    enum stk_status status = read_open_file(fd, bytes_listed, reserve, context, encoded, reason);
    close(fd);
    return status;
}
