/*
 * Trees: what is looked at where a file cannot be read.
 */
#include "daemon/source/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/source/fault.h"
#include "daemon/source/file.h"

enum stk_status tree_init(struct tree *tree, int fd, const char *path)
{
    tree->path = strdup(path);
    if (tree->path == NULL)
        return STK_MEMORY;
    tree->fd = fd;
    return STK_OK;
}

void tree_release(struct tree *tree)
{
    close(tree->fd);
    free(tree->path);
}

/* The folder that a path's file is in. */
static void folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(folder, PATH_MAX, ".");
    else
        snprintf(folder, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* Whether an open folder has something in it; one that may be entered and not listed has. */
static bool has_entry(int folder)
{
    int fd = file_open(folder, ".", O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return errno == EACCES && faccessat(folder, ".", X_OK, AT_EACCESS) == 0;
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        close(fd);
        return false; /* no memory: nothing is replaced for that */
    }
    const struct dirent *entry;
    do {
        entry = readdir(directory);
    } while (entry != NULL &&
             (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    closedir(directory);
    return entry != NULL;
}

/* Take what is at the tree's path now, where that is another folder than the one that is open. */
static void find_again(const struct tree *tree)
{
    struct stat old, now;
    int fd = file_open(AT_FDCWD, tree->path, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return;
    bool another = fstat(fd, &now) == 0 && (fstat(tree->fd, &old) != 0 ||
                                            old.st_dev != now.st_dev || old.st_ino != now.st_ino);
    /* In place: whoever reads by the number meanwhile has the one folder or the other. */
    int same = another ? dup3(fd, tree->fd, O_CLOEXEC) : tree->fd;
    (void)same; /* where that fails, the next read looks again */
    close(fd);
}

static enum stk_status folder_is_gone(const struct tree *tree, const char *path, const char *folder,
                                      char *reason)
{
    const char *root = path[0] == '/' ? "" : tree->path;
    return fault_write(reason, STK_SYSTEM, "its folder %s is gone or empty",
                       strcmp(folder, ".") == 0 ? fault_quote(root, "").text
                                                : fault_quote(root, folder).text);
}

/* As file_read, but a file whose folder is gone is not gone by itself.  Whether it is missing is
 * only known of a folder that is held open: by its name the folder may have come back between a
 * look at the file and one at the folder. */
static enum stk_status read_listed(const struct tree *tree, const char *path, uint64_t bytes_listed,
                                   const struct source_reading *reading, struct encoded *encoded,
                                   char *reason)
{
    enum stk_status status = file_read(tree->fd, path, bytes_listed, reading, encoded, reason);
    if (status != STK_UNREADABLE)
        return status;
    char folder[PATH_MAX];
    folder_of(path, folder);
    int fd = file_open(tree->fd, folder, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return folder_is_gone(tree, path, folder, reason);
    const char *slash = strrchr(path, '/');
    status =
        file_read(fd, slash != NULL ? slash + 1 : path, bytes_listed, reading, encoded, reason);
    if (status == STK_UNREADABLE && !has_entry(fd))
        status = folder_is_gone(tree, path, folder, reason);
    close(fd);
    return status;
}

enum stk_status tree_read(const struct tree *tree, const char *path, uint64_t bytes_listed,
                          const struct source_reading *reading, struct encoded *encoded,
                          char *reason)
{
    enum stk_status status = read_listed(tree, path, bytes_listed, reading, encoded, reason);
    if (status != STK_SYSTEM)
        return status;
    /* Once more in any case: another reader may have found it first. */
    find_again(tree);
    return read_listed(tree, path, bytes_listed, reading, encoded, reason);
}
