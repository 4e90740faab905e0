/*
 * The verdict: what limits a stream, in a word, over a span of time.
 *
 * The law.  A trainer keeps a window of batches on their way round a ring: it asks for one (it is
 * made), gets it (it is sent), takes it (it lay ready at the trainer), and asks for the next.  The
 * ring is a closed queueing network, and what limits one is the place where most of its batches
 * are:
 *
 *     nothing asked for, nothing sent  idle
 *     most are ready at the trainer    trainer
 *     most are on their way to it      network
 *     most are asked for and unmade    disk or decode, whichever keeps more of its threads busy
 *
 * Where the last is so and a send was under way for a larger share of the time than those threads
 * were busy, it is the network all the same: what is sent holds all the memory.
 *
 * How much faster it would be with more cores is the utilisation law's bound: a place that is busy
 * for the share u of the time bears 1 / u of the rate, and the least of these is the rate.
 *
 * It assumes that a worker has a core to itself, that the stream's share of the workers stays as
 * it is, and that a trainer has its whole window from this daemon.  A trainer's own limit is known
 * only while batches lie ready: what it could take beyond that may turn out to be less.
 *
 * Pure; any thread.
 */
#ifndef STK_VERDICT_H
#define STK_VERDICT_H

#include <stdint.h>

enum verdict_limit {
    VERDICT_IDLE,
    VERDICT_DISK,
    VERDICT_DECODE,
    VERDICT_NETWORK,
    VERDICT_TRAINER,
    VERDICT_COUNT
};

enum { VERDICT_MORE_CORES = 2, VERDICT_SENTENCE_BYTES = 160 };

/* What happened in a span of time.  A trainer's times are summed over the stream's trainers, the
 * threads' over all threads and streams. */
struct verdict_span {
    uint64_t span_ns;    /* its length */
    uint64_t images;     /* sent to trainers */
    uint64_t asked_ns;   /* batches asked for and not sent yet, times how long they were */
    uint64_t sent_ns;    /* likewise, on their way */
    uint64_t held_ns;    /* likewise, ready at their trainer */
    uint64_t trainer_ns; /* trainers that asked for something, times how long */
    uint64_t sending_ns; /* of it, with a batch on its way */
    uint64_t ready_ns;   /* of it, with a batch ready */
    uint64_t read_ns;    /* readers' time in reads */
    uint64_t work_ns;    /* workers' time in decoding and mixing */
    uint32_t readers;
    uint32_t workers;
};

struct verdict {
    enum verdict_limit limit;
    uint32_t share_permille; /* of the batches that are where the limit is */
    /* How much of the time each place was busy. */
    uint32_t disk_permille;
    uint32_t decode_permille;
    uint32_t network_permille;
    uint32_t trainer_permille;
    uint64_t images_per_second;
    uint64_t images_per_second_more_cores; /* with VERDICT_MORE_CORES more, and as many workers */
};

/** What limits the stream; of an empty span, idle.  Owns: nothing.  Blocks: no.  Allocates: no. */
struct verdict verdict_of(const struct verdict_span *span);

/** "idle", "disk", "decode", "network" or "trainer"; constant. */
const char *verdict_word(enum verdict_limit limit);

/** A verdict in words, as `stoker stats` has them, into VERDICT_SENTENCE_BYTES of storage. */
void verdict_sentence(const struct verdict *verdict, char *sentence);

#endif
