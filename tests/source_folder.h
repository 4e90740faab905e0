/*
 * A folder source of a test's own, which leaves as many descriptors open as it found.
 */
#ifndef STK_TESTS_SOURCE_FOLDER_H
#define STK_TESTS_SOURCE_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/source/source.h"
#include "tests/suite.h"

static char root[PATH_MAX];
static int root_fd;
static unsigned descriptors;
static char error[SOURCE_ERROR_BYTES];

static inline unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *stream = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(stream);
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count;
}

static inline void make_root(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/check_source.XXXXXX", folder != NULL ? folder : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(chmod(root, 0755), 0);
    root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(root_fd, 0);
    log_set_level(LOG_LEVEL_ERROR);
    descriptors = count_descriptors();
}

/* Not nftw: a test's paths are longer than it can take. */
static inline void remove_below(int fd)
{
    DIR *stream = fdopendir(fd);
    ck_assert_ptr_nonnull(stream);
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (entry->d_type == DT_DIR)
            remove_below(openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ck_assert_int_eq(unlinkat(fd, name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0), 0);
    }
    closedir(stream);
}

static inline void remove_root(void)
{
    ck_assert_uint_eq(count_descriptors(), descriptors);
    remove_below(root_fd);
    ck_assert_int_eq(rmdir(root), 0);
}

/* Make a path's folders. */
static inline void put_folders(const char *path)
{
    char part[PATH_MAX];
    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdirat(root_fd, part, 0755);
    }
}

/* Make a file below the root that holds a text. */
static inline void put(const char *path, const char *text)
{
    put_folders(path);
    int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static inline void put_link(const char *target, const char *path)
{
    put_folders(path);
    ck_assert_int_eq(symlinkat(target, root_fd, path), 0);
}

static inline struct source *open_root(unsigned threads)
{
    struct source *source;
    enum stk_status status =
        source_open(&(struct source_place){root, "", "", 0, NULL}, threads, &source, error);
    ck_assert_msg(status == STK_OK, "%s", error);
    ck_assert_str_eq(error, "");
    return source;
}

#define ASSERT_CONTAINS(text, part)                                                                \
    ck_assert_msg(strstr((text), (part)) != NULL, "\"%s\" is not in: %s", (part), (text))

/* Leave room for so many more descriptors. */
static inline void limit_descriptors(unsigned more)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int next = dup(root_fd);
    close(next);
    limit.rlim_cur = (rlim_t)next + more;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static inline void unlimit_descriptors(void)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#endif
