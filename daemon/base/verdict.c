/*
 * The verdict: shares of time and of batches.
 */
#include "daemon/base/verdict.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* A place that is busy for less is no bound that anyone would meet. */
static const double share_min = 0.01;

static double share(uint64_t part, uint64_t whole)
{
    if (whole == 0)
        return 0;
    double ratio = (double)part / (double)whole;
    return ratio > 1 ? 1 : ratio;
}

static uint32_t permille(double ratio)
{
    return (uint32_t)(ratio * 1000 + 0.5);
}

static double bound(double busy)
{
    return 1 / (busy < share_min ? share_min : busy);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

struct busy {
    double disk, decode, network, trainer;
};

/* Where batches wait to be made. */
static enum verdict_limit limit_of_making(const struct busy *busy)
{
    bool disk = busy->disk > busy->decode;
    if (busy->network > (disk ? busy->disk : busy->decode))
        return VERDICT_NETWORK;
    return disk ? VERDICT_DISK : VERDICT_DECODE;
}

static enum verdict_limit limit_of(const struct verdict_span *span, const struct busy *busy)
{
    if (span->images == 0 && span->asked_ns == 0 && span->sent_ns == 0)
        return VERDICT_IDLE;
    if (span->held_ns > span->asked_ns && span->held_ns > span->sent_ns)
        return VERDICT_TRAINER;
    return span->sent_ns > span->asked_ns ? VERDICT_NETWORK : limit_of_making(busy);
}

/* The rate with more cores over the rate as it is; 1 where the cores are not the limit. */
static double gain_of_cores(const struct verdict_span *span, const struct busy *busy)
{
    double cores = (double)(span->workers + VERDICT_MORE_CORES) / span->workers;
    double others = least(bound(busy->disk), least(bound(busy->network), bound(busy->trainer)));
    double gain = least(cores * bound(busy->decode), others);
    return gain < 1 ? 1 : least(gain, cores);
}

struct verdict verdict_of(const struct verdict_span *span)
{
    const struct busy busy = {
        .disk = share(span->read_ns, span->span_ns * span->readers),
        .decode = share(span->work_ns, span->span_ns * span->workers),
        .network = share(span->sending_ns, span->trainer_ns),
        .trainer = share(span->ready_ns, span->trainer_ns),
    };
    struct verdict verdict = {
        .limit = limit_of(span, &busy),
        .disk_permille = permille(busy.disk),
        .decode_permille = permille(busy.decode),
        .network_permille = permille(busy.network),
        .trainer_permille = permille(busy.trainer),
    };
    if (verdict.limit == VERDICT_IDLE)
        return verdict;
    uint64_t batches_ns = span->asked_ns + span->sent_ns + span->held_ns;
    uint64_t there_ns = verdict.limit == VERDICT_TRAINER ? span->held_ns
                        : verdict.limit == VERDICT_NETWORK && span->sent_ns > span->asked_ns
                            ? span->sent_ns
                            : span->asked_ns;
    verdict.share_permille = permille(share(there_ns, batches_ns));
    double rate = span->span_ns == 0 ? 0 : (double)span->images * 1e9 / (double)span->span_ns;
    double gain = verdict.limit == VERDICT_DECODE ? gain_of_cores(span, &busy) : 1;
    verdict.images_per_second = (uint64_t)(rate + 0.5);
    verdict.images_per_second_more_cores = (uint64_t)(rate * gain + 0.5);
    return verdict;
}

const char *verdict_word(enum verdict_limit limit)
{
    static const char *const words[VERDICT_COUNT] = {"idle", "disk", "decode", "network",
                                                     "trainer"};
    return words[limit];
}

void verdict_sentence(const struct verdict *verdict, char *sentence)
{
    if (verdict->limit == VERDICT_IDLE) {
        snprintf(sentence, VERDICT_SENTENCE_BYTES, "idle, nobody asks for a batch");
        return;
    }
    int len = snprintf(sentence, VERDICT_SENTENCE_BYTES,
                       "limited by %s, where %u %% of its batches are; %" PRIu64 " images/s",
                       verdict_word(verdict->limit), (verdict->share_permille + 5) / 10,
                       verdict->images_per_second);
    if (verdict->limit == VERDICT_DECODE)
        snprintf(sentence + len, VERDICT_SENTENCE_BYTES - (size_t)len,
                 ", up to %" PRIu64 " with %d more cores", verdict->images_per_second_more_cores,
                 VERDICT_MORE_CORES);
}
