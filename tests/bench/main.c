/*
 * stoker-measure: what the parts of a batch cost, each alone: the bounds that libjpeg-turbo, memory
 * and libzmq set, and our stages.  run.py calls it and holds the daemon's own speed against them.
 *
 * With a sampling, such as 2x2, only pictures of it are measured, as far as our own decoder takes
 * them.  A line of JSON for every measurement:
 *
 *     {"name": "decode_crop", "sampling": "any", "threads": 2, "pictures": 896, "failed": 0,
 *      "cpu_ms": 1.01,           of CPU time a picture, all threads together
 *      "pictures_per_s": 1950}   by the clock on the wall
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "tests/bench/measure.h"

enum { EXIT_USAGE = 2, FIXED_ARGUMENTS = 5, THREADS_MAX = 1024 };

static bool wanted(const struct work *work, char *const *names);
static void print(const struct work *work, const char *sampling, uint32_t threads,
                  const struct result *result);

int main(int argc, char **argv)
{
    static const struct work *const tables[] = {bound_works, loopback_works, batch_works,
                                                image_works, jpeg_works};
    if (argc < FIXED_ARGUMENTS) {
        fputs("usage: stoker-measure CONF EPOCH THREADS SECONDS [2x2] [NAME...]\n", stderr);
        return EXIT_USAGE;
    }
    unsigned long threads = strtoul(argv[3], NULL, 10);
    double seconds = strtod(argv[4], NULL);
    if (threads < 1 || threads > THREADS_MAX)
        data_fail("THREADS is a number from 1 to %d", THREADS_MAX);
    log_set_level(LOG_LEVEL_WARN);
    char **names = &argv[FIXED_ARGUMENTS];
    const char *sampling = *names != NULL && isdigit((unsigned char)**names) ? *names++ : NULL;
    struct data data;
    data_init(&data, argv[1], (uint32_t)strtoul(argv[2], NULL, 10), sampling);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (const struct work *work = tables[i]; work->name != NULL; work++) {
            if (!wanted(work, names))
                continue;
            if (work->maps)
                data_map(&data);
            struct result result = measure(work, &data, (uint32_t)threads, seconds);
            print(work, sampling, (uint32_t)threads, &result);
        }
    }
    data_release(&data);
    return EXIT_SUCCESS;
}

static bool wanted(const struct work *work, char *const *names)
{
    if (*names == NULL)
        return true;
    for (; *names != NULL; names++) {
        if (strcmp(*names, work->name) == 0)
            return true;
    }
    return false;
}

static void print(const struct work *work, const char *sampling, uint32_t threads,
                  const struct result *result)
{
    double pictures = (double)result->pictures;
    printf("{\"name\": \"%s\", \"sampling\": \"%s\", \"threads\": %u, \"pictures\": %llu, "
           "\"failed\": %llu, "
           "\"cpu_ms\": %.9g, \"pictures_per_s\": %.9g}\n",
           work->name, sampling != NULL ? sampling : "any", threads,
           (unsigned long long)result->pictures, (unsigned long long)result->failed,
           (double)result->cpu_ns / 1e6 / pictures, pictures / ((double)result->wall_ns / 1e9));
    fflush(stdout);
}
