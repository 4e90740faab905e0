/*
 * A disk that fails while a file says so: stokerd-disk is stokerd, linked so that its calls of
 * pread, pwrite, statx and statvfs come here first (ld --wrap).
 *
 * STOKER_DISK names the file.  While it holds "eio" every read fails as one of a broken disk does,
 * while it holds "short" every file ends after 100 bytes, while it holds "slow" every read takes 40
 * ms, while it holds "stall" none ends, while it holds "crawl" each look at a file takes 250 ms,
 * while it holds "full" nothing can be written at a place, while it holds "tight" nothing seems to
 * be free, while it is not there all is well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES = 100, SLOW_MS = 40, LOOK_MS = 250, STALL_MS = 5 };

/* Its name is the linker's. */
ssize_t __real_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset);

int __real_statx(int folder, const char *path, int flags, unsigned mask, struct statx *file);
int __wrap_statx(int folder, const char *path, int flags, unsigned mask, struct statx *file);

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);

int __real_statvfs(const char *path, struct statvfs *disk);
int __wrap_statvfs(const char *path, struct statvfs *disk);

/* What the file says, "" where it is not there. */
static void read_order(char order[8])
{
    memset(order, 0, 8);
    int fd = open(getenv("STOKER_DISK"), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t len = __real_pread(fd, order, 7, 0);
    (void)len; /* nothing read is nothing ordered */
    close(fd);
}

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000};
    nanosleep(&pause, NULL);
}

int __wrap_statx(int folder, const char *path, int flags, unsigned mask, struct statx *file)
{
    char order[8];
    read_order(order);
    if (strncmp(order, "crawl", 5) == 0)
        pause_ms(LOOK_MS);
    return __real_statx(folder, path, flags, mask, file);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset)
{
    char order[8];
    for (read_order(order); strncmp(order, "stall", 5) == 0; read_order(order))
        pause_ms(STALL_MS);
    if (strncmp(order, "eio", 3) == 0) {
        errno = EIO;
        return -1;
    }
    if (strncmp(order, "slow", 4) == 0)
        pause_ms(SLOW_MS);
    if (strncmp(order, "short", 5) == 0 && offset + (off_t)len > FILE_BYTES)
        len = offset < FILE_BYTES ? (size_t)(FILE_BYTES - offset) : 0;
    return __real_pread(fd, bytes, len, offset);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    char order[8];
    read_order(order);
    if (strncmp(order, "full", 4) != 0)
        return __real_pwrite(fd, bytes, len, offset);
    errno = ENOSPC;
    return -1;
}

int __wrap_statvfs(const char *path, struct statvfs *disk)
{
    char order[8];
    read_order(order);
    int result = __real_statvfs(path, disk);
    if (strncmp(order, "tight", 5) == 0)
        disk->f_bavail = 0;
    return result;
}
