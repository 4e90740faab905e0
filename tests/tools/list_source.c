/*
 * list_source URL [THREADS [samples]]: list a source, print what it cost as one line of JSON; with
 * "samples" print every sample's label and path instead, to compare with another lister.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/base/clock.h"
#include "daemon/source/source.h"

static void print_samples(const struct source *source)
{
    for (uint64_t i = 0; i < source_count(source); i++)
        printf("%" PRId32 " %s%c", source_label(source, i), source_name(source, i), '\0');
}

static void print_cost(const struct source *source, unsigned threads, uint64_t list_ns)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"threads\": %u, \"classes\": %" PRIu32 ", \"samples\": %" PRIu64
           ", \"list_ms\": %.1f, \"listing_bytes\": %zu, \"resident_kib_max\": %ld}\n",
           threads, source_classes(source), source_count(source), (double)list_ns / 1e6,
           source_listing_bytes(source), usage.ru_maxrss);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: %s URL [THREADS [samples]]\n", argv[0]);
        return 2;
    }
    unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    if (threads < 1 || threads > SOURCE_THREADS_MAX) {
        fprintf(stderr, "threads: 1 .. %d\n", SOURCE_THREADS_MAX);
        return 2;
    }
    struct source *source;
    char error[SOURCE_ERROR_BYTES];
    uint64_t start_ns = clock_now_ns();
    if (source_open(&(struct source_place){argv[1], "", "", 0, NULL}, threads, &source, error) !=
        STK_OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    uint64_t list_ns = clock_now_ns() - start_ns;
    if (argc == 4 && strcmp(argv[3], "samples") == 0)
        print_samples(source);
    else
        print_cost(source, threads, list_ns);
    source_close(&source);
    return 0;
}
