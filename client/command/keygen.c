/*
 * stoker keygen: a pair of keys, in the two files that CZMQ and pyzmq's zmq.auth read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/command/command.h"
#include "client/keys.h"

enum { TEXT_BYTES = STK_KEY_STREAMS_BYTES + 1024 };

struct pair {
    char public[STK_KEY_BYTES];
    char secret[STK_KEY_BYTES];
};

/* A file is made, never changed: an old key may be the last copy. */
static int write_file(const char *path, unsigned mode, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return command_fail("cannot make '%s': %s", path, strerror(errno));
    size_t len = strlen(text);
    bool written = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    int reason = errno;
    if (close(fd) == 0 && written)
        return COMMAND_DONE;
    unlink(path);
    return command_fail("cannot write '%s': %s", path, strerror(reason));
}

static void print_certificate(const struct pair *pair, bool secret, const char *streams,
                              char text[TEXT_BYTES])
{
    int len = snprintf(text, TEXT_BYTES,
                       "#   ****  Made by stoker keygen  ****\n"
                       "#   ZeroMQ CURVE %s\n"
                       "\n"
                       "metadata\n",
                       secret ? "**Secret** Certificate\n"
                                "#   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its "
                                "permissions."
                              : "Public Certificate\n"
                                "#   Exchange securely, or use a secure mechanism to verify the "
                                "contents\n"
                                "#   of this file after exchange. Store public certificates in "
                                "your home\n"
                                "#   directory, in the .curve subdirectory.");
    if (streams != NULL)
        len += snprintf(text + len, (size_t)(TEXT_BYTES - len), "    streams = \"%s\"\n", streams);
    len += snprintf(text + len, (size_t)(TEXT_BYTES - len), "curve\n    public-key = \"%s\"\n",
                    pair->public);
    if (secret)
        snprintf(text + len, (size_t)(TEXT_BYTES - len), "    secret-key = \"%s\"\n", pair->secret);
}

static int write_pair(const struct pair *pair, const char *path, const char *secret_path,
                      const char *streams)
{
    char text[TEXT_BYTES];
    print_certificate(pair, true, streams, text);
    int code = write_file(secret_path, 0600, text);
    explicit_bzero(text, sizeof text);
    if (code != COMMAND_DONE)
        return code;
    print_certificate(pair, false, streams, text);
    code = write_file(path, 0644, text);
    if (code != COMMAND_DONE)
        unlink(secret_path);
    return code;
}

static int check_streams(const char *streams)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._- ";
    if (streams == NULL ||
        (strspn(streams, allowed) == strlen(streams) && strlen(streams) < STK_KEY_STREAMS_BYTES))
        return COMMAND_DONE;
    return command_misuse("--streams is '%s', not names of streams with blanks between them",
                          streams);
}

int keygen_command(char **words)
{
    const char *streams = NULL;
    const struct flag flags[] = {
        {"streams", FLAG_TEXT, &streams, "NAMES", 0, 0,
         "of a client: the streams that it may ask for, separated by blanks"},
    };
    const struct arguments arguments = {.command = "keygen",
                                        .purpose = "Make a pair of keys: FILE is public, "
                                                   "FILE_secret is not.",
                                        .operand = "FILE",
                                        .flags = flags,
                                        .flag_count = sizeof flags / sizeof *flags,
                                        .offline = true};
    const char *path;
    char secret_path[PATH_MAX];
    struct pair pair;
    int code;
    if (!arguments_read(&arguments, words, &path, &code))
        return code;
    code = check_streams(streams);
    if (code != COMMAND_DONE)
        return code;
    if (snprintf(secret_path, sizeof secret_path, "%s_secret", path) >= (int)sizeof secret_path)
        return command_misuse("the path is too long");
    if (!stk_keys_make(pair.public, pair.secret))
        return command_fail("cannot make a key: libzmq has no CURVE");
    code = write_pair(&pair, path, secret_path, streams);
    if (code == COMMAND_DONE)
        printf("%s\n", pair.public);
    explicit_bzero(&pair, sizeof pair);
    return code;
}
