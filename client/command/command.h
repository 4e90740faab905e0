/*
 * The stoker command: what its sub-commands share: exit codes, failing, arguments, texts.
 *
 * A sub-command is a row of main.c's table and a file of its own.  What fails says so in one
 * sentence on stderr, where it is noticed.
 */
#ifndef STK_COMMAND_H
#define STK_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/stoker.h"

enum { COMMAND_DONE = 0, COMMAND_FAILED = 1, COMMAND_MISUSED = 2 };

/** Print "stoker: " and a sentence to stderr; returns COMMAND_FAILED. */
__attribute__((format(printf, 1, 2))) int command_fail(const char *format, ...);

/** The same for a wrong command line, with a hint to --help; returns COMMAND_MISUSED. */
__attribute__((format(printf, 1, 2))) int command_misuse(const char *format, ...);

enum flag_kind {
    FLAG_SWITCH, /* value is bool * */
    FLAG_U32,    /* value is uint32_t * */
    FLAG_U64,    /* value is uint64_t * */
    FLAG_TEXT,   /* value is const char **, borrowed from the command line */
};

/* One option: --name, or --name ARGUMENT. */
struct flag {
    const char *name; /* without dashes */
    enum flag_kind kind;
    void *value;          /* where it goes; holds the default before */
    const char *argument; /* what help calls the argument; NULL for a switch */
    uint64_t min, max;    /* of a number */
    const char *help;
};

struct arguments {
    const char *command; /* the sub-command's name */
    const char *purpose; /* a line for its help */
    const char *operand; /* what help calls the one operand, e.g. "URL/STREAM" */
    const struct flag *flags;
    size_t flag_count;
    bool offline; /* it connects to nobody, and has no options of keys */
};

/**
 * Read a sub-command's command line: options in any order, one operand.  The options of keys go
 * into the environment, where libstoker looks for them.
 *
 *   words     what stands behind the sub-command's name, closed by NULL
 *   operand   set to the operand, borrowed from words
 *   code      set where the command is not to go on: --help was printed, or something is wrong and
 *             was said
 *
 * Returns: whether to go on.
 * Owns: nothing.  Threads: one.  Blocks: on the terminal.  Allocates: no.
 */
bool arguments_read(const struct arguments *arguments, char **words, const char **operand,
                    int *code);

/** The word of a list that is nearest to a wrong one; NULL where none is near. */
const char *nearest_word(const char *wrong, const char *const *words, size_t count);

/** Print somebody's text; what no terminal should see comes out as '?': see proto/utf8.h. */
void text_print(FILE *out, struct stk_text text);

/** Seconds that a question or a batch is waited for, as every sub-command's --timeout. */
#define TIMEOUT_FLAG(seconds)                                                                      \
    {                                                                                              \
        "timeout", FLAG_U32, (seconds), "SECONDS", 1, 86400,                                       \
            "wait so long for an answer (default 10)"                                              \
    }

enum { TIMEOUT_SECONDS_DEFAULT = 10 };

/**
 * The endpoint in a URL that may name a stream behind it: tcp up to the path; of ipc a last
 * component is taken off where what stands before it is a socket.
 *
 *   endpoint   bytes of storage; a longer one is cut, and is none any more
 *
 * Owns:    nothing.
 * Returns: COMMAND_DONE, or an exit code, and what is wrong was said.
 * Threads: any.  Blocks: on the file system and the terminal.  Allocates: no.
 */
int endpoint_of_url(const char *url, char *endpoint, size_t bytes);

/** The stream's name behind the endpoint that endpoint_of_url found in a URL; "" where there is
 *  none.  Borrowed from url. */
const char *stream_of_url(const char *url, const char *endpoint);

/**
 * Whether a URL names endpoints and a stream; an exit code, and what is wrong was said.
 *
 * Owns: nothing.  Threads: any.  Blocks: on the file system and the terminal.  Allocates: no.
 */
int check_url(const char *url);

/** The sub-commands: words behind the name, closed by NULL; return an exit code. */
int streams_command(char **words);
int labels_command(char **words);
int get_command(char **words);
int preview_command(char **words);
int bench_command(char **words);
int stats_command(char **words);
int top_command(char **words);
int keygen_command(char **words);
int index_command(char **words);
int doctor_command(char **words);

#endif
