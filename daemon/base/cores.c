/*
 * Cores: the affinity mask, and the quotas from a process's group up to the root.
 *
 * /proc/self/cgroup names a group by its path.  In a container without a namespace of its own for
 * groups that path is the host's and leads nowhere; its own group is then what is mounted at the
 * top, which the walk ends at.
 */
#include "daemon/base/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = PATH_MAX + 64 };

/* A mask of over 1,024 cores does not fit the call. */
static uint32_t cores_allowed(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0)
        return (uint32_t)CPU_COUNT(&cores);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (uint32_t)online : 1;
}

static bool read_line(const char *folder, const char *name, char line[LINE_BYTES])
{
    char path[LINE_BYTES];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return false;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool read = fgets(line, LINE_BYTES, file) != NULL;
    fclose(file);
    return read;
}

/* Version 2: "max 100000" or "150000 100000". */
static bool quota_v2(const char *group, long long *quota_us, long long *period_us)
{
    char line[LINE_BYTES];
    return read_line(group, "cpu.max", line) && sscanf(line, "%lld %lld", quota_us, period_us) == 2;
}

/* Version 1: a file each; a quota of -1 is none. */
static bool quota_v1(const char *group, long long *quota_us, long long *period_us)
{
    char line[LINE_BYTES];
    return read_line(group, "cpu.cfs_quota_us", line) && sscanf(line, "%lld", quota_us) == 1 &&
           read_line(group, "cpu.cfs_period_us", line) && sscanf(line, "%lld", period_us) == 1;
}

static void limit_by_group(const char *group, uint32_t *count)
{
    long long quota_us;
    long long period_us;
    if (!quota_v2(group, &quota_us, &period_us) && !quota_v1(group, &quota_us, &period_us))
        return;
    if (quota_us <= 0 || period_us <= 0)
        return;
    long long cores = quota_us / period_us + (quota_us % period_us != 0);
    if (cores < *count)
        *count = (uint32_t)cores;
}

/* Every group from the one at path up to the top. */
static void limit_by_path(const char *top, const char *path, uint32_t *count)
{
    char group[LINE_BYTES];
    int len = snprintf(group, sizeof group, "%s%s", top, path);
    if (len < 0 || (size_t)len >= sizeof group)
        return;
    for (char *end = group + len; end >= group + strlen(top); end = strrchr(group, '/')) {
        *end = '\0';
        limit_by_group(group, count);
    }
}

static bool names_cpu(const char *controllers)
{
    static const char name[] = "cpu";
    for (const char *at = controllers; *at != '\0'; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strcspn(at, ",") == strlen(name) && strncmp(at, name, strlen(name)) == 0)
            return true;
    }
    return false;
}

/* A line of /proc/self/cgroup, "ID:CONTROLLERS:PATH"; version 2 names no controllers. */
static void limit_by_line(const char *root, char *line, uint32_t *count)
{
    char *controllers = strchr(line, ':');
    char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL)
        return;
    *controllers++ = '\0';
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (*controllers != '\0' && !names_cpu(controllers))
        return;
    char top[LINE_BYTES];
    snprintf(top, sizeof top, "%s/sys/fs/cgroup%s", root, *controllers != '\0' ? "/cpu" : "");
    limit_by_path(top, path, count);
}

uint32_t cores_count(const char *root)
{
    uint32_t count = cores_allowed();
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *groups = fopen(line, "re");
    if (groups == NULL)
        return count;
    while (fgets(line, sizeof line, groups) != NULL)
        limit_by_line(root, line, &count);
    fclose(groups);
    return count;
}
