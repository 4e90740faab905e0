/*
 * Trees: a file is missing where its folder is there, and a folder that comes back is not too late.
 */
#include "daemon/source/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/suite.h"

static char root[64], folder[96], away[96];
static struct tree tree;
static bool coming_back; /* the folder does, as soon as somebody has not found it */

/* The tree's own calls come here: the linker resolves them to the program. */
int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    int fd = (int)syscall(SYS_openat, directory, path, flags, va_arg(arguments, unsigned));
    va_end(arguments);
    int code = errno;
    if (fd < 0 && coming_back)
        coming_back = rename(away, folder) != 0;
    errno = code;
    return fd;
}

static enum stk_status reserve(void *context, struct encoded *encoded, size_t bytes)
{
    static uint8_t storage[8];
    (void)context;
    ck_assert_uint_le(bytes, sizeof storage);
    encoded->data = storage;
    encoded->capacity = sizeof storage;
    return STK_OK;
}

static enum stk_status read_file(const char *path)
{
    struct encoded encoded = {0};
    char reason[SOURCE_ERROR_BYTES];
    enum stk_status status =
        tree_read(&tree, path, 5, &(struct source_reading){reserve, NULL, NULL}, &encoded, reason);
    if (status == STK_OK)
        ck_assert_mem_eq(encoded.data, "hello", 5);
    return status;
}

static void setup(void)
{
    char path[128];
    snprintf(root, sizeof root, "/tmp/check-tree-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/class", root);
    snprintf(away, sizeof away, "%s/away", root);
    snprintf(path, sizeof path, "%s/one.jpg", folder);
    ck_assert_int_eq(mkdir(folder, 0755), 0);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    ck_assert_int_eq(write(fd, "hello", 5), 5);
    close(fd);
    fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(tree_init(&tree, fd, root), STK_OK);
    coming_back = false;
}

static void teardown(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/one.jpg", folder);
    unlink(path);
    rmdir(folder);
    rmdir(away);
    rmdir(root);
    tree_release(&tree);
}

START_TEST(a_file_is_missing_where_its_folder_is_there_and_not_empty)
{
    char path[128];
    ck_assert_int_eq(read_file("class/one.jpg"), STK_OK);
    ck_assert_int_eq(read_file("class/two.jpg"), STK_UNREADABLE);
    snprintf(path, sizeof path, "%s/two.jpg", folder);
    ck_assert_int_eq(read_file(path), STK_UNREADABLE);
    ck_assert_int_eq(read_file("two.jpg"), STK_UNREADABLE);
    ck_assert_int_eq(read_file("elsewhere/one.jpg"), STK_SYSTEM);
    ck_assert_int_eq(mkdir(away, 0755), 0);
    ck_assert_int_eq(read_file("away/one.jpg"), STK_SYSTEM);
}
END_TEST

START_TEST(a_folder_that_comes_back_behind_a_look_at_its_file_has_the_file)
{
    ck_assert_int_eq(rename(folder, away), 0);
    coming_back = true;
    ck_assert_int_eq(read_file("class/one.jpg"), STK_OK);
    ck_assert(!coming_back);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("tree");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_file_is_missing_where_its_folder_is_there_and_not_empty);
    tcase_add_test(tests, a_folder_that_comes_back_behind_a_look_at_its_file_has_the_file);
    return suite_run("tree", tests);
}
