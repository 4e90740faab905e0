/*
 * Figures: what the daemon counts of itself.
 *
 * Each table feeds the storage, the stats reply, the metrics and the man page.  Counters only grow;
 * gauges are what is true now.  All loads and stores are relaxed: a figure orders nothing.
 */
#ifndef STK_FIGURES_H
#define STK_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

/* X(name with its unit, counter or gauge, help) */
#define FIGURE_LIST(X)                                                                             \
    X(batches_made, COUNTER, "batches decoded, mixed and sealed")                                  \
    X(batches_sent, COUNTER, "batches handed to a trainer's connection")                           \
    X(batches_failed, COUNTER, "batches that could not be made")                                   \
    X(batches_cached, GAUGE, "finished batches in memory")                                         \
    X(batches_evicted, COUNTER, "finished batches that made room for others")                      \
    X(batches_evicted_wanted, COUNTER, "of these, those that a trainer was still to come to")      \
    X(cache_hits, COUNTER, "requests that found their batch made or in the making")                \
    X(bytes_sent, COUNTER, "tensor bytes of the batches sent")                                     \
    X(images_decoded, COUNTER, "pictures decoded into a slot")                                     \
    X(images_replaced, COUNTER, "slots whose own sample could not be decoded")                     \
    X(faults, COUNTER, "samples that could not be read for a fault that may pass")                 \
    X(bytes_read, COUNTER, "encoded bytes read from sources")                                      \
    X(file_bytes, COUNTER, "bytes of the files that these are of, read or not")                    \
    X(index_hits, COUNTER, "pictures that an index had the place of")                              \
    X(index_misses, COUNTER, "pictures that no index knew")                                        \
    X(index_stale, COUNTER, "pictures that were not as they were indexed")                         \
    X(requests, COUNTER, "requests received")                                                      \
    X(requests_waiting, GAUGE, "batch requests that are not answered yet")                         \
    X(errors_sent, COUNTER, "error replies")                                                       \
    X(overloaded, COUNTER, "of these, those that told a client to come back later")                \
    X(clients, GAUGE, "trainers connected")                                                        \
    X(clients_cut, COUNTER, "trainers dropped for leaving their batches untaken")                  \
    X(connections, GAUGE, "connections open, trainers' and others'")                               \
    X(connections_refused, COUNTER, "connections closed at once, over connections_max")            \
    X(connections_throttled, COUNTER, "connections closed at once, over connections_per_second")   \
    X(handshakes_refused, COUNTER, "connections that had no key, or none that is let in")          \
    X(slab_bytes_in_use, GAUGE, "memory of batches in the making, in flight or cached")            \
    X(memory_bytes_max, GAUGE, "the memory plan's total")                                          \
    X(workers, GAUGE, "threads that decode")                                                       \
    X(reloads, COUNTER, "configurations read anew and taken over")                                 \
    X(reloads_refused, COUNTER, "configurations read anew and refused")                            \
    X(uptime_ns, GAUGE, "time since the start")                                                    \
    X(plan_ns_total, COUNTER, "time spent planning batches")                                       \
    X(read_ns_total, COUNTER, "time spent reading files, all readers together")                    \
    X(decode_ns_total, COUNTER, "time spent on decode and transforms, all workers together")       \
    X(mix_ns_total, COUNTER, "time spent mixing, all workers together")                            \
    X(idle_ns_total, COUNTER, "time that workers waited for something to decode")

/* Of one stream, since it was listed. */
#define STREAM_COUNTER_LIST(X)                                                                     \
    X(batches_made, COUNTER, "batches decoded, mixed and sealed")                                  \
    X(batches_sent, COUNTER, "batches handed to a trainer's connection")                           \
    X(batches_failed, COUNTER, "batches that could not be made")                                   \
    X(cache_hits, COUNTER, "requests that found their batch made or in the making")                \
    X(requests, COUNTER, "batches asked for")                                                      \
    X(images_sent, COUNTER, "pictures of the batches sent")                                        \
    X(bytes_sent, COUNTER, "tensor bytes of the batches sent")                                     \
    X(images_decoded, COUNTER, "pictures decoded into a slot")                                     \
    X(images_replaced, COUNTER, "slots whose own sample could not be decoded")                     \
    X(faults, COUNTER, "samples that could not be read for a fault that may pass")                 \
    X(bytes_read, COUNTER, "encoded bytes read from its source")                                   \
    X(file_bytes, COUNTER, "bytes of the files that these are of, read or not")                    \
    X(index_hits, COUNTER, "pictures that an index had the place of")                              \
    X(index_misses, COUNTER, "pictures that no index knew")                                        \
    X(index_stale, COUNTER, "pictures that were not as they were indexed")                         \
    X(plan_ns_total, COUNTER, "time spent planning batches")                                       \
    X(read_ns_total, COUNTER, "time spent reading files, all readers together")                    \
    X(decode_ns_total, COUNTER, "time spent on decode and transforms, all workers together")       \
    X(mix_ns_total, COUNTER, "time spent mixing, all workers together")

/* Of one stream: what is made of the others once a second. */
#define STREAM_GAUGE_LIST(X)                                                                       \
    X(trainers, GAUGE, "trainers that asked for something within ten seconds")                     \
    X(samples_bad, GAUGE, "samples known to be bad")                                               \
    X(images_per_second, GAUGE, "pictures sent, over ten seconds")                                 \
    X(images_per_second_more_cores, GAUGE, "what two more cores and workers would make of it")     \
    X(limit_permille, GAUGE, "share of the batches asked for that are where the limit is")         \
    X(disk_busy_permille, GAUGE, "share of the readers' time spent reading, for all streams")      \
    X(decode_busy_permille, GAUGE, "share of the workers' time spent decoding, for all streams")   \
    X(network_busy_permille, GAUGE, "share of the time with a batch on its way")                   \
    X(trainer_busy_permille, GAUGE, "share of the time with a batch ready at its trainer")

/* Of one trainer, since it connected. */
#define TRAINER_FIGURE_LIST(X)                                                                     \
    X(batches_sent, COUNTER, "batches handed to its connection")                                   \
    X(images_sent, COUNTER, "pictures of these")                                                   \
    X(bytes_sent, COUNTER, "tensor bytes of these")                                                \
    X(images_per_second, GAUGE, "pictures sent, over ten seconds")                                 \
    X(window_granted, GAUGE, "requests in flight that it may have")                                \
    X(window_used, GAUGE, "the most that it had asked for, or on their way, at once")              \
    X(requests_waiting, GAUGE, "batches asked for and not sent yet")                               \
    X(batches_under_way, GAUGE, "batches sent that the connection has not taken yet")              \
    X(epoch, GAUGE, "of its last request")                                                         \
    X(step, GAUGE, "of its last request")                                                          \
    X(starved_ns_total, COUNTER, "time without a batch ready at the trainer: it waits for data")   \
    X(ready_ns_total, COUNTER, "time with a batch ready at the trainer: data waits for it")        \
    X(readiness_permille, GAUGE, "data readiness: the share of the latter, over ten seconds")

#define FIGURE_FIELD(name, kind, help) _Atomic uint64_t name;
struct figures {
    FIGURE_LIST(FIGURE_FIELD)
};

struct stream_figures {
    STREAM_COUNTER_LIST(FIGURE_FIELD)
};

/** Add to a counter or gauge.  Threads: any. */
static inline void figure_add(_Atomic uint64_t *figure, uint64_t amount)
{
    atomic_fetch_add_explicit(figure, amount, memory_order_relaxed);
}

/** Add to the daemon's figure and to a stream's.  Threads: any. */
static inline void figure_add_both(_Atomic uint64_t *figure, _Atomic uint64_t *of_stream,
                                   uint64_t amount)
{
    figure_add(figure, amount);
    figure_add(of_stream, amount);
}

/** Take from a gauge.  Threads: any. */
static inline void figure_sub(_Atomic uint64_t *figure, uint64_t amount)
{
    atomic_fetch_sub_explicit(figure, amount, memory_order_relaxed);
}

/** Set a gauge.  Threads: any. */
static inline void figure_set(_Atomic uint64_t *figure, uint64_t value)
{
    atomic_store_explicit(figure, value, memory_order_relaxed);
}

/** Read a figure.  Threads: any. */
static inline uint64_t figure_get(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

#endif
