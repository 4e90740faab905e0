/*
 * Scan: readdir tells most entries' kinds; statx is asked about links and about file systems that
 * do not tell.
 */
#include "daemon/source/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/source/fault.h"
#include "daemon/source/file.h"
#include "daemon/source/listing.h"

void scan_release(struct scan *scan)
{
    names_release(&scan->folders);
    names_release(&scan->pictures);
}

static enum stk_status fail(int code, const struct root *root, const char *path, char *error)
{
    const char *advice = code == EACCES ? "; let the user of this process read and search it" : "";
    return fault_write(error, fault_status(code), "cannot list %s: %s%s",
                       fault_quote(root->path, path).text, fault_reason(code).text, advice);
}

int scan_look(int directory, const char *name, mode_t *mode, uint64_t *bytes)
{
    struct statx file;
    *mode = 0;
    *bytes = LISTING_BYTES_UNKNOWN;
    if (statx(directory, name, 0, STATX_TYPE | STATX_SIZE, &file) != 0) {
        /* A link that leads nowhere, through a file or in a circle; or a file just removed. */
        bool nowhere = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
        return nowhere ? 0 : errno;
    }
    *mode = file.stx_mode & S_IFMT;
    if (S_ISREG(*mode))
        *bytes = file.stx_size;
    return 0;
}

/* The same names as ImageFolder's name.lower().endswith((".jpg", ".jpeg")). */
static bool is_picture(const char *name)
{
    size_t len = strlen(name);
    return (len >= 4 && strcasecmp(name + len - 4, ".jpg") == 0) ||
           (len >= 5 && strcasecmp(name + len - 5, ".jpeg") == 0);
}

/* STK_OK, or STK_MEMORY. */
static enum stk_status keep(struct scan *scan, const char *name, mode_t mode, uint64_t bytes)
{
    if (S_ISDIR(mode))
        return names_add(&scan->folders, name, 0);
    if (S_ISREG(mode) && is_picture(name))
        return names_add(&scan->pictures, name, bytes);
    if (mode == 0 && is_picture(name))
        scan->dangling++;
    else
        scan->ignored++;
    return STK_OK;
}

/* An index, or the beginning of one: see daemon/index/home.h. */
static bool is_index(const char *name)
{
    static const char prefix[] = ".stoker-index";
    return strncmp(name, prefix, sizeof prefix - 1) == 0;
}

/* 0, or an errno. */
static int scan_entry(struct scan *scan, int directory, const struct dirent *entry)
{
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_index(name))
        return 0;
    mode_t mode = (mode_t)entry->d_type << 12; /* DTTOIF, without its sign */
    uint64_t bytes = LISTING_BYTES_UNKNOWN;
    if (entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) {
        int code = scan_look(directory, name, &mode, &bytes);
        if (code != 0)
            return code;
    }
    return keep(scan, name, mode, bytes) == STK_OK ? 0 : ENOMEM;
}

static int scan_entries(struct scan *scan, DIR *stream)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL)
            return errno;
        int code = scan_entry(scan, dirfd(stream), entry);
        if (code != 0)
            return code;
    }
}

/* 0, or an errno.  The descriptor moves to *stream. */
static int open_stream(const struct root *root, const char *path, DIR **stream)
{
    const char *name = *path != '\0' ? path : ".";
    int fd = file_open(root->fd, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    if (fd < 0)
        return errno;
    *stream = fdopendir(fd);
    if (*stream != NULL)
        return 0;
    int code = errno;
    close(fd);
    return code;
}

enum stk_status scan_directory(struct scan *scan, const struct root *root, const char *path,
                               char *error)
{
    names_clear(&scan->folders);
    names_clear(&scan->pictures);
    scan->ignored = 0;
    scan->dangling = 0;
    DIR *stream;
    int code = open_stream(root, path, &stream);
    if (code != 0)
        return fail(code, root, path, error);
    struct stat self = {0};
    code = fstat(dirfd(stream), &self) == 0 ? scan_entries(scan, stream) : errno;
    scan->device = self.st_dev;
    scan->inode = self.st_ino;
    closedir(stream);
    return code == 0 ? STK_OK : fail(code, root, path, error);
}
