/*
 * Cores: what a tree of /proc and /sys files says about quotas, drawn in a temporary folder.
 *
 * The test's own affinity is set to all cores it has; quotas are tried below and above that.
 */
#include "daemon/base/cores.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/suite.h"

static char root[] = "/tmp/stoker-cores-XXXXXX";

static void make_root(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_entry(const char *path, const struct stat *entry, int kind, struct FTW *walk)
{
    (void)entry;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_root(void)
{
    ck_assert_int_eq(nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void put(const char *path, const char *text)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *slash = strchr(name + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ck_assert(mkdir(name, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(name, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static uint32_t allowed(void)
{
    cpu_set_t cores;
    ck_assert_int_eq(sched_getaffinity(0, sizeof cores, &cores), 0);
    return (uint32_t)CPU_COUNT(&cores);
}

static uint32_t at_most(uint32_t quota)
{
    return quota < allowed() ? quota : allowed();
}

START_TEST(without_groups_the_mask_counts)
{
    ck_assert_uint_eq(cores_count(root), allowed());
}
END_TEST

START_TEST(a_quota_of_the_own_group_counts)
{
    put("/proc/self/cgroup", "0::/machine/stoker\n");
    put("/sys/fs/cgroup/machine/stoker/cpu.max", "100000 100000\n");
    ck_assert_uint_eq(cores_count(root), 1);
}
END_TEST

START_TEST(a_part_of_a_core_counts_as_one)
{
    put("/proc/self/cgroup", "0::/a\n");
    put("/sys/fs/cgroup/a/cpu.max", "1000 100000\n");
    ck_assert_uint_eq(cores_count(root), 1);
    put("/sys/fs/cgroup/a/cpu.max", "100001 100000\n");
    ck_assert_uint_eq(cores_count(root), at_most(2));
}
END_TEST

START_TEST(the_tightest_group_above_counts)
{
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
    ck_assert_uint_eq(cores_count(root), 1);
}
END_TEST

START_TEST(a_path_of_the_host_ends_at_what_is_mounted)
{
    put("/proc/self/cgroup", "0::/docker/0123456789abcdef\n");
    put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
    ck_assert_uint_eq(cores_count(root), 1);
}
END_TEST

START_TEST(version_1_counts)
{
    put("/proc/self/cgroup", "12:memory:/a\n4:cpuset:/a\n3:cpu,cpuacct:/a\n");
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cores_count(root), 1);
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n");
    ck_assert_uint_eq(cores_count(root), allowed());
}
END_TEST

START_TEST(another_controller_does_not_count)
{
    put("/proc/self/cgroup", "4:cpuset:/a\n5:cpuacct:/a\n");
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "1000\n");
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cores_count(root), allowed());
}
END_TEST

START_TEST(nonsense_limits_nothing)
{
    static const char *const quotas[] = {"", "\n", "0 100000", "100000 0", "-5 100000", "a b", "7"};
    static const char *const groups[] = {"", "0", "0:", "0:\n", "::\n", "0::/a"};
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++) {
        for (size_t k = 0; k < sizeof groups / sizeof *groups; k++) {
            put("/proc/self/cgroup", groups[k]);
            put("/sys/fs/cgroup/a/cpu.max", quotas[i]);
            ck_assert_uint_eq(cores_count(root), allowed());
        }
    }
}
END_TEST

START_TEST(this_machine_has_cores)
{
    uint32_t count = cores_count("");
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_le(count, allowed());
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("cores");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, without_groups_the_mask_counts);
    tcase_add_test(tests, a_quota_of_the_own_group_counts);
    tcase_add_test(tests, a_part_of_a_core_counts_as_one);
    tcase_add_test(tests, the_tightest_group_above_counts);
    tcase_add_test(tests, a_path_of_the_host_ends_at_what_is_mounted);
    tcase_add_test(tests, version_1_counts);
    tcase_add_test(tests, another_controller_does_not_count);
    tcase_add_test(tests, nonsense_limits_nothing);
    tcase_add_test(tests, this_machine_has_cores);
    return suite_run("cores", tests);
}
