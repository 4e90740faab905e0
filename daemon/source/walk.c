/*
 * Walk: a stack of work and threads that take from it.
 *
 *   thread    count     does
 *   caller    1         starts and joins the others, logs progress each second
 *   lister    threads   lists a directory, or measures SLICE of the pictures of a listed one
 *
 * One lock, walk->lock, held for a few instructions and never while the file system is asked.  A
 * directory is on the stack, then one lister's, then on the stack again until its last slice is
 * given out: so that a folder of a million pictures keeps every lister busy.  The stack links the
 * directories themselves, so that work is never refused for want of memory.  The first failure ends
 * the walk.
 */
#include "daemon/source/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/check.h"
#include "daemon/base/log.h"
#include "daemon/source/fault.h"
#include "daemon/source/file.h"
#include "daemon/source/source.h"

enum { SLICE = 1024 }; /* pictures that are measured at a time */

struct walk {
    const struct root *root;
    struct source_watch *watch;
    pthread_mutex_t lock;
    pthread_cond_t work;           /* the stack grew, or the walk ended */
    pthread_cond_t end;            /* the walk ended; measured by the monotonic clock */
    struct directory *stack;       /* under lock: to be listed or measured */
    size_t active;                 /* under lock: jobs under way */
    struct directory *directories; /* under lock: all of them */
    size_t directory_count;        /* under lock */
    uint64_t samples;              /* under lock: measured so far */
    enum stk_status status;        /* under lock: the first failure */
    char *error;                   /* under lock: its sentence */
};

/* List a directory, or measure pictures first .. first + count - 1 of it. */
struct job {
    struct directory *directory;
    bool listed;
    uint32_t first;
    uint32_t count;
};

static bool ended(const struct walk *walk)
{
    return walk->status != STK_OK || (walk->stack == NULL && walk->active == 0);
}

static void push(struct walk *walk, struct directory *directory)
{
    directory->below = walk->stack;
    walk->stack = directory;
}

/* A listed directory stays on the stack while it has pictures that nobody measures. */
static struct job claim(struct walk *walk)
{
    struct directory *directory = walk->stack;
    struct job job = {.directory = directory, .listed = directory->listed};
    if (job.listed) {
        uint32_t left = directory->run.count - directory->claimed;
        job.first = directory->claimed;
        job.count = left < SLICE ? left : SLICE;
        directory->claimed += job.count;
    }
    if (!job.listed || directory->claimed == directory->run.count)
        walk->stack = directory->below;
    return job;
}

static bool take(struct walk *walk, struct job *job)
{
    pthread_mutex_lock(&walk->lock);
    while (walk->stack == NULL && !ended(walk))
        pthread_cond_wait(&walk->work, &walk->lock);
    bool going = !ended(walk);
    if (going) {
        *job = claim(walk);
        walk->active++;
    }
    pthread_mutex_unlock(&walk->lock);
    return going;
}

static void finish(struct walk *walk, const struct job *job, enum stk_status status, char *error)
{
    if (status == STK_OK && fault_is_stopped(walk->watch))
        status = fault_stopped(walk->root->path, error);
    pthread_mutex_lock(&walk->lock);
    walk->active--;
    walk->samples += job->count;
    if (status == STK_OK && !job->listed && job->directory->run.count > 0) {
        job->directory->listed = true;
        push(walk, job->directory);
        pthread_cond_broadcast(&walk->work);
    }
    if (status != STK_OK && walk->status == STK_OK) {
        walk->status = status;
        memcpy(walk->error, error, SOURCE_ERROR_BYTES);
    }
    if (ended(walk)) {
        pthread_cond_broadcast(&walk->work);
        pthread_cond_signal(&walk->end);
    }
    pthread_mutex_unlock(&walk->lock);
}

static enum stk_status out_of_memory(const struct root *root, const char *path, char *error)
{
    return fault_write(error, STK_MEMORY, "no memory to list %s",
                       fault_quote(root->path, path).text);
}

static struct directory *directory_open(const struct directory *parent, const char *name,
                                        int32_t label)
{
    size_t parent_len = strlen(parent->path);
    size_t path_bytes = parent_len + 1 + strlen(name) + 1;
    struct directory *directory = calloc(1, sizeof *directory + path_bytes);
    if (directory == NULL)
        return NULL;
    directory->parent = parent;
    directory->run.label = label;
    char *end = stpcpy(directory->path, parent->path);
    if (parent_len > 0)
        end = stpcpy(end, "/");
    stpcpy(end, name);
    return directory;
}

/* The directories' chain, from the last one by next, becomes work and the walk's. */
static void add(struct walk *walk, struct directory *last)
{
    pthread_mutex_lock(&walk->lock);
    while (last != NULL) {
        struct directory *directory = last;
        last = directory->next;
        directory->next = walk->directories;
        walk->directories = directory;
        walk->directory_count++;
        push(walk, directory);
    }
    pthread_cond_broadcast(&walk->work);
    pthread_mutex_unlock(&walk->lock);
}

/* Sub-folders have their parent's label; those of the root are numbered. */
static enum stk_status add_folders(struct walk *walk, const struct directory *parent,
                                   const struct names *folders)
{
    struct directory *last = NULL;
    for (size_t i = 0; i < folders->count; i++) {
        int32_t label = parent->parent == NULL ? (int32_t)i : parent->run.label;
        struct directory *child = directory_open(parent, names_get(folders, i), label);
        if (child == NULL) {
            walk_release(&last);
            return STK_MEMORY;
        }
        child->next = last;
        last = child;
    }
    add(walk, last);
    return STK_OK;
}

/* Whether a link led back to a directory that we are in. */
static bool is_inside_itself(const struct directory *directory)
{
    for (const struct directory *up = directory->parent; up != NULL; up = up->parent) {
        if (up->inode == directory->inode && up->device == directory->device)
            return true;
    }
    return false;
}

static size_t longest(const struct names *names)
{
    size_t len_max = 0;
    for (size_t i = 0; i < names->count; i++) {
        size_t len = strlen(names_get(names, i));
        len_max = len > len_max ? len : len_max;
    }
    return len_max;
}

/* Whatever is below a directory can be opened by its path from the root. */
static enum stk_status check_lengths(const struct walk *walk, const struct directory *directory,
                                     const struct scan *scan, char *error)
{
    size_t picture_len = longest(&scan->pictures);
    size_t folder_len = longest(&scan->folders);
    size_t len = picture_len > folder_len ? picture_len : folder_len;
    if (strlen(directory->path) + 1 + len < PATH_MAX)
        return STK_OK;
    return fault_write(error, STK_LIMIT, "cannot list %s: a path in it has more than %d bytes",
                       fault_quote(walk->root->path, directory->path).text, PATH_MAX - 1);
}

/* The pictures' paths, sorted, go to the directory's run. */
static enum stk_status keep_pictures(const struct walk *walk, struct directory *directory,
                                     struct names *pictures, char *error)
{
    struct listing_run *run = &directory->run;
    int32_t label = run->label;
    size_t folder_len = strlen(directory->path);
    size_t paths_bytes = pictures->count * (folder_len + 1) + pictures->text_len;
    if (paths_bytes > UINT32_MAX)
        return fault_write(error, STK_LIMIT,
                           "cannot list %s: its names fill more than 4 GiB; use sub-folders",
                           fault_quote(walk->root->path, directory->path).text);
    names_sort(pictures);
    if (listing_run_init(run, (uint32_t)pictures->count, paths_bytes) != STK_OK)
        return out_of_memory(walk->root, directory->path, error);
    run->label = label;
    char *path = run->paths;
    for (size_t i = 0; i < pictures->count; i++) {
        run->bytes[i] = pictures->items[i].bytes;
        run->offsets[i] = (uint32_t)(path - run->paths);
        memcpy(path, directory->path, folder_len);
        path[folder_len] = '/';
        path = stpcpy(path + folder_len + 1, names_get(pictures, i)) + 1;
    }
    return STK_OK;
}

static enum stk_status list(struct walk *walk, struct directory *directory, struct scan *scan,
                            char *error)
{
    enum stk_status status = scan_directory(scan, walk->root, directory->path, error);
    if (status != STK_OK)
        return status;
    directory->device = scan->device;
    directory->inode = scan->inode;
    directory->looping = is_inside_itself(directory);
    if (directory->looping)
        return STK_OK;
    directory->ignored = scan->ignored;
    directory->dangling = scan->dangling;
    status = check_lengths(walk, directory, scan, error);
    if (status == STK_OK && scan->pictures.count > 0)
        status = keep_pictures(walk, directory, &scan->pictures, error);
    if (status == STK_OK && scan->folders.count > 0 &&
        add_folders(walk, directory, &scan->folders) != STK_OK)
        status = out_of_memory(walk->root, directory->path, error);
    return status;
}

/* Ask for the sizes that are not known yet.  A picture that vanished stays unknown. */
static int measure_at(int fd, const struct job *job)
{
    const struct listing_run *run = &job->directory->run;
    size_t folder_len = strlen(job->directory->path);
    for (uint32_t i = job->first; i < job->first + job->count; i++) {
        mode_t mode;
        if (run->bytes[i] != LISTING_BYTES_UNKNOWN)
            continue;
        int code =
            scan_look(fd, run->paths + run->offsets[i] + folder_len + 1, &mode, &run->bytes[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

static enum stk_status measure(const struct walk *walk, const struct job *job, char *error)
{
    const char *path = job->directory->path;
    /* A descriptor of the slice's own: threads that share one contend for its reference count. */
    int fd = file_open(walk->root->fd, path, O_PATH | O_DIRECTORY);
    int code = fd >= 0 ? measure_at(fd, job) : errno;
    if (fd >= 0)
        close(fd);
    if (code == 0)
        return STK_OK;
    return fault_write(error, fault_status(code), "cannot look at the pictures in %s: %s",
                       fault_quote(walk->root->path, path).text, fault_reason(code).text);
}

static void *lister(void *argument)
{
    struct walk *walk = argument;
    struct scan scan = {0};
    struct job job;
    while (take(walk, &job)) {
        char error[SOURCE_ERROR_BYTES] = "";
        enum stk_status status =
            job.listed ? measure(walk, &job, error) : list(walk, job.directory, &scan, error);
        finish(walk, &job, status, error);
    }
    scan_release(&scan);
    return NULL;
}

static struct timespec in_a_second(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec++;
    return time;
}

/* Wait for the end; a line of progress each second, written without the lock. */
static void watch(struct walk *walk, const char *source)
{
    struct timespec next = in_a_second();
    pthread_mutex_lock(&walk->lock);
    while (!ended(walk)) {
        if (pthread_cond_timedwait(&walk->end, &walk->lock, &next) != ETIMEDOUT)
            continue;
        uint64_t samples = walk->samples;
        size_t directories = walk->directory_count;
        pthread_mutex_unlock(&walk->lock);
        LOG(INFO, "source.listing", LOG_TEXT("source", source), LOG_NUMBER("samples", samples),
            LOG_NUMBER("directories", directories));
        next = in_a_second();
        pthread_mutex_lock(&walk->lock);
    }
    pthread_mutex_unlock(&walk->lock);
}

static void init(struct walk *walk, const struct root *root, struct source_watch *watch,
                 char *error)
{
    *walk = (struct walk){.root = root, .watch = watch, .status = STK_OK, .error = error};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&walk->lock, NULL);
    pthread_cond_init(&walk->work, NULL);
    pthread_cond_init(&walk->end, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void release(struct walk *walk)
{
    pthread_cond_destroy(&walk->end);
    pthread_cond_destroy(&walk->work);
    pthread_mutex_destroy(&walk->lock);
}

/* Fewer threads than asked for are enough; none is a failure. */
static enum stk_status run_threads(struct walk *walk, const char *source, unsigned threads)
{
    pthread_t listers[SOURCE_THREADS_MAX];
    unsigned started = 0;
    while (started < threads && pthread_create(&listers[started], NULL, lister, walk) == 0)
        started++;
    if (started == 0)
        return fault_write(walk->error, STK_SYSTEM, "cannot start a thread to list %s",
                           fault_quote(walk->root->path, "").text);
    watch(walk, source);
    for (unsigned i = 0; i < started; i++)
        pthread_join(listers[i], NULL);
    return walk->status;
}

enum stk_status walk_run(const struct root *root, const struct scan *scan, const char *source,
                         unsigned threads, struct source_watch *watch,
                         struct directory **directories, size_t *count, char *error)
{
    CHECK(threads >= 1 && threads <= SOURCE_THREADS_MAX);
    /* Its path is empty: the flexible array's one end mark is what calloc leaves. */
    struct directory *top = calloc(1, sizeof *top + 1);
    *directories = NULL;
    *count = 0;
    if (top == NULL)
        return out_of_memory(root, "", error);
    top->device = scan->device;
    top->inode = scan->inode;
    struct walk walk;
    init(&walk, root, watch, error);
    enum stk_status status = add_folders(&walk, top, &scan->folders);
    if (status == STK_OK)
        status = run_threads(&walk, source, threads);
    else
        status = out_of_memory(root, "", error);
    release(&walk);
    *directories = walk.directories;
    *count = walk.directory_count;
    if (status != STK_OK) {
        walk_release(directories);
        *count = 0;
    }
    free(top);
    return status;
}

void walk_release(struct directory **directories)
{
    while (*directories != NULL) {
        struct directory *directory = *directories;
        *directories = directory->next;
        listing_run_release(&directory->run);
        free(directory);
    }
}
