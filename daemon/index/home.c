/*
 * Where indexes are: paths.
 */
#include "daemon/index/home.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <xxhash.h>

enum stk_status index_home_beside(const char *root, char path[PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%s/.stoker-index", root);
    return len < PATH_MAX ? STK_OK : STK_LIMIT;
}

/* What may hold the state, in the order in which it is asked. */
struct place {
    const char *name;  /* of the environment */
    const char *below; /* what it names */
    const char *end;   /* characters that end it */
};

static const struct place places[] = {{"STATE_DIRECTORY", "", ":"},
                                      {"XDG_STATE_HOME", "/stoker", ""},
                                      {"HOME", "/.local/state/stoker", ""}};

/* The first one that is set, to an absolute path; *len is 0 where none is. */
static const struct place *find_place(const char **folder, int *len)
{
    *len = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        *folder = getenv(places[i].name);
        if (*folder == NULL || **folder != '/')
            continue;
        *len = (int)strcspn(*folder, places[i].end);
        return &places[i];
    }
    return NULL;
}

enum stk_status index_home_state(const char *root, char path[PATH_MAX])
{
    const char *folder;
    int folder_len;
    const struct place *place = find_place(&folder, &folder_len);
    char *real = place != NULL ? realpath(root, NULL) : NULL;
    if (real == NULL)
        return STK_END;
    int len = snprintf(path, PATH_MAX, "%.*s%s/index-%016" PRIx64, folder_len, folder, place->below,
                       (uint64_t)XXH3_64bits(real, strlen(real)));
    free(real);
    return len < PATH_MAX ? STK_OK : STK_LIMIT;
}

enum stk_status index_home_make(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *at = strchr(folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return STK_SYSTEM;
        *at = '/';
    }
    return STK_OK;
}

bool index_home_has_room(const char *path, uint64_t bytes)
{
    char folder[PATH_MAX];
    struct statvfs disk;
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    if (statvfs(folder, &disk) != 0)
        return true;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    return free_bytes >= bytes && free_bytes - bytes >= INDEX_HOME_FREE_BYTES_MIN;
}
