/*
 * Measure: threads that take a run after the other.
 *
 *   thread    count     does
 *   caller    1         starts and joins the others, logs progress each second
 *   measurer  threads   asks for the sizes of one run's files
 *
 * One lock, taken twice a run and never while the file system is asked.  The first failure ends it.
 */
#include "daemon/source/measure.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "daemon/base/check.h"
#include "daemon/base/log.h"
#include "daemon/source/fault.h"
#include "daemon/source/source.h"

struct measure {
    const struct root *root;
    struct source_watch *watch;
    struct listing_run *runs;
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t end;     /* the last run is done, or it failed; by the monotonic clock */
    size_t next;            /* under lock: the first run that nobody took */
    size_t done;            /* under lock: runs */
    uint64_t samples;       /* under lock: of them */
    enum stk_status status; /* under lock: the first failure */
    char *error;            /* under lock: its sentence */
};

static bool ended(const struct measure *measure)
{
    return measure->status != STK_OK || measure->done == measure->count;
}

static struct listing_run *take(struct measure *measure)
{
    struct listing_run *run = NULL;
    pthread_mutex_lock(&measure->lock);
    if (measure->status == STK_OK && measure->next < measure->count)
        run = &measure->runs[measure->next++];
    pthread_mutex_unlock(&measure->lock);
    return run;
}

/* code is an errno of the sample's path, or 0. */
static void finish(struct measure *measure, const struct listing_run *run, int code,
                   const char *path)
{
    pthread_mutex_lock(&measure->lock);
    measure->done++;
    measure->samples += run->count;
    if (code != 0 && measure->status == STK_OK)
        measure->status = fault_write(measure->error, fault_status(code), "cannot look at %s: %s",
                                      fault_quote(path, "").text, fault_reason(code).text);
    if (measure->status == STK_OK && fault_is_stopped(measure->watch))
        measure->status = fault_stopped(measure->root->path, measure->error);
    if (ended(measure))
        pthread_cond_signal(&measure->end);
    pthread_mutex_unlock(&measure->lock);
}

static void *measurer(void *argument)
{
    struct measure *measure = argument;
    for (struct listing_run *run; (run = take(measure)) != NULL;) {
        const char *path = NULL;
        int code = 0;
        for (uint32_t i = 0; i < run->count && code == 0; i++) {
            mode_t mode;
            path = run->paths + run->offsets[i];
            code = scan_look(measure->root->fd, path, &mode, &run->bytes[i]);
            if (code != 0 && fault_status(code) == STK_UNREADABLE)
                code = 0; /* the sample's, whose bytes are unknown */
        }
        finish(measure, run, code, path);
    }
    return NULL;
}

/* Wait for the end; a line of progress each second, written without the lock. */
static void wait_end(struct measure *measure, const char *source)
{
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    next.tv_sec++;
    pthread_mutex_lock(&measure->lock);
    while (!ended(measure)) {
        if (pthread_cond_timedwait(&measure->end, &measure->lock, &next) != ETIMEDOUT)
            continue;
        uint64_t samples = measure->samples;
        pthread_mutex_unlock(&measure->lock);
        LOG(INFO, "source.listing", LOG_TEXT("source", source), LOG_NUMBER("samples", samples));
        next.tv_sec++;
        pthread_mutex_lock(&measure->lock);
    }
    pthread_mutex_unlock(&measure->lock);
}

static void init(struct measure *measure)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&measure->lock, NULL);
    pthread_cond_init(&measure->end, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum stk_status measure_runs(const struct root *root, struct listing_run *runs, size_t count,
                             const char *source, unsigned threads, struct source_watch *watch,
                             char *error)
{
    CHECK(threads >= 1 && threads <= SOURCE_THREADS_MAX);
    struct measure measure = {.root = root,
                              .watch = watch,
                              .runs = runs,
                              .count = count,
                              .status = STK_OK,
                              .error = error};
    pthread_t measurers[SOURCE_THREADS_MAX];
    unsigned started = 0;
    init(&measure);
    while (started < threads && started < count &&
           pthread_create(&measurers[started], NULL, measurer, &measure) == 0)
        started++;
    if (started > 0)
        wait_end(&measure, source);
    else if (count > 0)
        measure.status = fault_write(error, STK_SYSTEM, "cannot start a thread to list %s",
                                     fault_quote(source, "").text);
    for (unsigned i = 0; i < started; i++)
        pthread_join(measurers[i], NULL);
    pthread_cond_destroy(&measure.end);
    pthread_mutex_destroy(&measure.lock);
    return measure.status;
}
