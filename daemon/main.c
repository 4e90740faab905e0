/*
 * stokerd: arguments, configuration, run, exit code.
 *
 * Exit 0 done, 1 runtime failure, 2 usage or configuration.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/cores.h"
#include "daemon/base/log.h"
#include "daemon/descriptors.h"
#include "daemon/notify.h"
#include "daemon/pipeline_options.h"
#include "daemon/server/extend.h"
#include "daemon/server/server.h"
#include "proto/utf8.h"

enum { EXIT_USAGE = 2 };

enum action { ACTION_RUN, ACTION_CHECK, ACTION_PRINT, ACTION_DROP_IN };

static int print(enum action action, const struct config *config);
static int run(const char *path, struct config **config);

static int exit_status(enum stk_status failure)
{
    return failure == STK_CONFIG ? EXIT_USAGE : EXIT_FAILURE;
}

/* What failed may name files. */
static void say(char *error)
{
    stk_utf8_tame(error, strlen(error));
    fprintf(stderr, "stokerd: %s\n", error);
}

static int usage(FILE *out)
{
    fprintf(out, "usage: stokerd [-c FILE] [--check-config | --print-config | --print-drop-in]\n"
                 "\n"
                 "  -c, --config FILE    configuration (/etc/stoker/stokerd.conf)\n"
                 "      --check-config   read the configuration, say what is wrong, and exit\n"
                 "      --print-config   print it with every default filled in, and exit\n"
                 "      --print-drop-in  print the memory's limit for systemd's unit, and exit\n"
                 "  -h, --help           print this\n"
                 "  -V, --version        print the version\n");
    return out == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'k'},
        {"print-config", no_argument, NULL, 'p'},
        {"print-drop-in", no_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    const char *path = "/etc/stoker/stokerd.conf";
    enum action action = ACTION_RUN;
    /* Before anything is written: whoever reads the log may be gone. */
    signal(SIGPIPE, SIG_IGN);
    if (descriptors_fill_standard() != STK_OK)
        return EXIT_FAILURE;
    for (int option; (option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'k':
            action = ACTION_CHECK;
            break;
        case 'p':
            action = ACTION_PRINT;
            break;
        case 'd':
            action = ACTION_DROP_IN;
            break;
        case 'h':
            return usage(stdout);
        case 'V':
            puts("stokerd " STOKER_VERSION);
            return EXIT_SUCCESS;
        default:
            return usage(stderr);
        }
    }
    if (optind < argc)
        return usage(stderr);
    struct config *config;
    char error[CONFIG_ERROR_BYTES];
    enum stk_status status = config_open(path, &config, error);
    if (status != STK_OK) {
        say(error);
        return exit_status(status);
    }
    int result = action == ACTION_RUN ? run(path, &config) : print(action, config);
    config_close(&config);
    return result;
}

static void print_drop_in(const struct config *config)
{
    uint64_t bytes =
        memory_bytes_wall(config, pipeline_options_for(config, cores_count("")).workers);
    printf(
        "# From \"stokerd --print-drop-in\": the memory plan, a quarter of it for what a reload\n"
        "# lists beside it, and what the kernel keeps for sockets.\n"
        "[Service]\n"
        "MemoryMax=%" PRIu64 "\n",
        bytes);
}

static int print(enum action action, const struct config *config)
{
    if (action == ACTION_PRINT)
        config_print(config, stdout);
    if (action == ACTION_DROP_IN)
        print_drop_in(config);
    return fflush(stdout) != 0 || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The server reads the configuration anew when it is told to, from the same path. */
static enum stk_status serve(const char *path, struct config **config, struct atlas *atlas,
                             char *error)
{
    uint32_t cores = cores_count("");
    struct pipeline_options options = pipeline_options_for(*config, cores);
    struct server_extend extend = {0};
    const struct stream_listing listing = {.threads = source_threads(cores),
                                           .text_bytes_max =
                                               memory_text_bytes_max(*config, options.workers),
                                           .watch = &extend.watch,
                                           .atlas = atlas};
    struct catalog *catalog;
    struct memory_plan plan;
    struct server *server;
    server_extend_start(&extend);
    enum stk_status status = catalog_open(config, &listing, NULL, &catalog, error);
    server_extend_stop(&extend);
    if (status != STK_OK)
        return status;
    status = memory_plan(catalog->config, &options, catalog->streams, catalog->stream_count, &plan,
                         error);
    if (status == STK_OK)
        status = server_open(path, &catalog, &options, &plan, &server, error);
    if (status != STK_OK) {
        catalog_close(&catalog);
        return status;
    }
    status = server_run(server);
    if (status != STK_OK)
        snprintf(error, CONFIG_ERROR_BYTES, "ended before everything asked for was answered");
    server_close(&server);
    return status;
}

/* Who changes the configuration while it is still listed here is heard when it is served. */
static void hold_hangup(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int run(const char *path, struct config **config)
{
    char error[CONFIG_ERROR_BYTES] = "";
    log_set_level((enum log_level)(*config)->log_level);
    log_to_journal("/run/systemd/journal/socket");
    hold_hangup();
    descriptors_raise();
    notify_state("STATUS=listing the data");
    struct atlas *atlas;
    enum stk_status status = atlas_open(&atlas);
    if (status == STK_OK)
        status = serve(path, config, atlas, error);
    atlas_close(&atlas);
    if (status == STK_OK)
        return EXIT_SUCCESS;
    if (error[0] == '\0')
        snprintf(error, sizeof error, "%s", stk_status_text(status));
    say(error);
    return exit_status(status);
}
