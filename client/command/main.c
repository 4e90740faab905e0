/*
 * The stoker command: looks up its sub-command and runs it.
 */
#include <stdio.h>
#include <string.h>

#include "client/command/command.h"
#include "client/command/json.h"

struct command {
    const char *name;
    int (*run)(char **words);
    const char *synopsis;
    const char *purpose;
};

static const struct command *find_command(const char *name);
static int print_help(void);
static int unknown_command(const char *name);

int main(int count, char **words)
{
    if (count < 2)
        return command_misuse("no sub-command was given");
    if (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0)
        return print_help();
    if (strcmp(words[1], "--version") == 0) {
        printf("stoker %s, protocol %d\n", STOKER_VERSION, STK_PROTOCOL_VERSION);
        return COMMAND_DONE;
    }
    const struct command *command = find_command(words[1]);
    if (command == NULL)
        return unknown_command(words[1]);
    stk_keep_memory();
    json_init();
    int code = command->run(words + 2);
    /* A full disk behind a pipe or a file shows here, if nowhere else. */
    if (fflush(stdout) != 0 || ferror(stdout))
        return command_fail("cannot write the output");
    return code;
}

static const struct command commands[] = {
    {"streams", streams_command, "URL", "list the streams that a daemon serves"},
    {"labels", labels_command, "URL/STREAM", "list the classes of a stream"},
    {"get", get_command, "URL/STREAM", "fetch one batch and show, save or hash it"},
    {"preview", preview_command, "URL/STREAM", "draw one batch as a contact sheet"},
    {"bench", bench_command, "URL/STREAM", "receive batches as a trainer would, and measure"},
    {"stats", stats_command, "URL[/STREAM]", "show a daemon's counters, or what it replaced"},
    {"top", top_command, "URL[/STREAM]", "watch a daemon, its streams and its trainers"},
    {"keygen", keygen_command, "FILE", "make a pair of keys: FILE and FILE_secret"},
    {"index", index_command, "SOURCE", "index a data set, for decoding to cost less"},
    {"doctor", doctor_command, "URL|FILE", "check a daemon, or a configuration and its data"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int print_help(void)
{
    printf("usage: stoker COMMAND URL [OPTION ...]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-8s %-11s %s\n", commands[i].name, commands[i].synopsis, commands[i].purpose);
    printf(
        "\nA URL is an endpoint, tcp://HOST:PORT or ipc:///PATH; a stream's name follows it as "
        "its\nlast component: tcp://host:7654/train.  stoker COMMAND --help lists the options.\n");
    return COMMAND_DONE;
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = nearest_word(name, names, COMMANDS);
    if (nearest == NULL)
        return command_misuse("there is no sub-command '%s'", name);
    return command_misuse("there is no sub-command '%s', did you mean '%s'?", name, nearest);
}
