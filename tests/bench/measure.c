/*
 * Measuring: threads that take items from one counter.
 */
#include "tests/bench/measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/base/clock.h"

enum { EPOCH_BATCHES = 16 }; /* of work whose items are batches, the time is looked at that often */

/* One measurement.  The counters are relaxed: an item too many is counted as well. */
struct run {
    const struct work *work;
    const struct data *data;
    uint64_t epoch_items;
    uint64_t until_ns; /* set between the barriers */
    pthread_barrier_t barrier;
    atomic_ullong next;
    atomic_ullong end; /* no item from here on */
};

struct thread {
    pthread_t id;
    struct run *run;
    uint64_t items;
    uint64_t failed;
    uint64_t cpu_ns;
};

static uint64_t cpu_now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The next item, or false where the time was over at the end of an epoch. */
static bool take(struct run *run, uint64_t *item)
{
    *item = atomic_fetch_add_explicit(&run->next, 1, memory_order_relaxed);
    if (*item > 0 && *item % run->epoch_items == 0 && clock_now_ns() >= run->until_ns)
        atomic_store_explicit(&run->end, *item, memory_order_relaxed);
    return *item < atomic_load_explicit(&run->end, memory_order_relaxed);
}

static void do_item(struct thread *thread, void *state, uint64_t item)
{
    const struct work *work = thread->run->work;
    uint64_t before_ns = 0;
    bool done = true;
    if (work->prepare != NULL) {
        done = work->prepare(state, item);
        before_ns = cpu_now_ns(CLOCK_THREAD_CPUTIME_ID);
    }
    done = done && work->run(state, item);
    if (work->prepare != NULL)
        thread->cpu_ns += cpu_now_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
    thread->items++;
    thread->failed += !done;
}

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    struct run *run = thread->run;
    void *state = run->work->open(run->data);
    pthread_barrier_wait(&run->barrier); /* everything is made */
    pthread_barrier_wait(&run->barrier); /* until_ns is set */
    uint64_t start_ns = cpu_now_ns(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t item; take(run, &item);)
        do_item(thread, state, item);
    if (run->work->prepare == NULL)
        thread->cpu_ns = cpu_now_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
    pthread_barrier_wait(&run->barrier); /* everything is done */
    run->work->close(state);
    return NULL;
}

static void start(struct run *run, struct thread *threads, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        threads[i] = (struct thread){.run = run};
        if (pthread_create(&threads[i].id, NULL, thread_main, &threads[i]) != 0)
            data_fail("cannot start %u threads", count);
    }
}

static struct result sum_up(const struct run *run, const struct thread *threads, uint32_t count)
{
    struct result result = {0};
    uint64_t pictures = run->work->batches ? run->data->batch : 1;
    for (uint32_t i = 0; i < count; i++) {
        result.pictures += threads[i].items * pictures;
        result.failed += threads[i].failed * pictures;
        result.cpu_ns += threads[i].cpu_ns;
    }
    return result;
}

struct result measure(const struct work *work, const struct data *data, uint32_t threads,
                      double seconds)
{
    struct run run = {
        .work = work,
        .data = data,
        .epoch_items = work->batches ? EPOCH_BATCHES : data->steps * data->batch,
        .end = UINT64_MAX,
    };
    struct thread *workers = calloc(threads, sizeof *workers);
    if (workers == NULL || pthread_barrier_init(&run.barrier, NULL, threads + 1) != 0)
        data_fail("no memory");
    start(&run, workers, threads);
    pthread_barrier_wait(&run.barrier);
    uint64_t start_ns = clock_now_ns();
    uint64_t process_ns = cpu_now_ns(CLOCK_PROCESS_CPUTIME_ID);
    run.until_ns = start_ns + (uint64_t)(seconds * 1e9);
    pthread_barrier_wait(&run.barrier);
    pthread_barrier_wait(&run.barrier);
    uint64_t wall_ns = clock_now_ns() - start_ns;
    process_ns = cpu_now_ns(CLOCK_PROCESS_CPUTIME_ID) - process_ns;
    for (uint32_t i = 0; i < threads; i++)
        pthread_join(workers[i].id, NULL);
    struct result result = sum_up(&run, workers, threads);
    result.wall_ns = wall_ns;
    if (work->process)
        result.cpu_ns = process_ns;
    pthread_barrier_destroy(&run.barrier);
    free(workers);
    return result;
}
