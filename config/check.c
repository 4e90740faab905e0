/*
 * Checks of the configuration: what must fit together, and what must exist.
 */
#include "config/check.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "config/endpoint.h"
#include "config/source_kind.h"
#include "proto/half.h"

#define SOCKET_PATH_BYTES_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char digits[] = "0123456789";

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* "*": the system picks a free port, and the log names it. */
static bool is_port(const char *text)
{
    size_t len = strlen(text);
    if (strcmp(text, "*") == 0)
        return true;
    long port = strtol(text, NULL, 10);
    return len >= 1 && len <= 5 && strspn(text, digits) == len && port >= 1 && port <= 65535;
}

/* A name, an address, "*" for every interface, or an IPv6 address in brackets. */
static bool is_host(const char *host, size_t len)
{
    if (len >= 2 && host[0] == '[')
        return host[len - 1] == ']' && memchr(host, ']', len) == host + len - 1;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)host[i] <= ' ' || strchr("/:;[]", host[i]) != NULL)
            return false;
    }
    return len > 0;
}

static bool is_tcp(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon != NULL && is_host(address, (size_t)(colon - address)) && is_port(colon + 1);
}

enum stk_status config_check_endpoint(const struct config_report *report, unsigned line,
                                      const char *text)
{
    struct config_endpoint endpoint;
    bool fits = config_endpoint_parse(text, &endpoint) == STK_OK;
    const char *path = after(endpoint.address, "ipc://");
    if (path != NULL && strlen(path) > SOCKET_PATH_BYTES_MAX)
        return config_fail(report, line,
                           "\"listen\" has a socket path of %zu bytes, \"%s\"; the system takes "
                           "at most %zu, choose a shorter one",
                           strlen(path), path, SOCKET_PATH_BYTES_MAX);
    const char *address = after(endpoint.address, "tcp://");
    if ((path == NULL || path[0] != '/') && (address == NULL || !is_tcp(address)))
        return config_fail(
            report, line, "\"listen\" has \"%s\"; it must be tcp://HOST:PORT or ipc:///PATH", text);
    if (!fits)
        return config_fail(report, line,
                           "\"listen\" has \"%s\"; behind tcp there may be keys=yes or "
                           "insecure=yes, behind ipc mode=0660 and group=NAME",
                           text);
    return STK_OK;
}

static unsigned line_of(const struct config_lines *lines, enum config_section section,
                        const char *name)
{
    return config_line_of(lines, section, name);
}

/* Whatever their options. */
static bool is_same_place(const char *left, const char *right)
{
    struct config_endpoint endpoints[2];
    return config_endpoint_parse(left, &endpoints[0]) == STK_OK &&
           config_endpoint_parse(right, &endpoints[1]) == STK_OK &&
           strcmp(endpoints[0].address, endpoints[1].address) == 0;
}

enum stk_status config_check_listen(const struct config_report *report,
                                    const struct config_lines *lines, const struct config *config)
{
    for (size_t i = 1; i < config->listen_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (is_same_place(config->listen[i], config->listen[j]))
                return config_fail(report, line_of(lines, CONFIG_GLOBAL, "listen"),
                                   "\"listen\" has \"%s\" twice; remove one", config->listen[i]);
        }
    }
    return STK_OK;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    if (len < 1 || len > STK_NAME_BYTES_MAX)
        return false;
    for (const char *at = name; *at != '\0'; at++) {
        if (strchr(letters, *at) == NULL && strchr(digits, *at) == NULL &&
            strchr("._-", *at) == NULL)
            return false;
    }
    return true;
}

static enum stk_status check_folder(const struct config_report *report,
                                    const struct config_lines *lines,
                                    const struct config_stream *stream, const char *path)
{
    struct stat about;
    unsigned line = line_of(lines, CONFIG_STREAM, "source");
    if (stat(path, &about) != 0)
        return config_fail(report, line, "source \"%s\" of stream \"%s\" cannot be used: %s", path,
                           stream->name, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return config_fail(report, line,
                           "source \"%s\" of stream \"%s\" is no directory; name the directory "
                           "that holds a sub-directory for each class, or csv:FILE",
                           path, stream->name);
    if (stream->root[0] != '\0')
        return config_fail(report, line_of(lines, CONFIG_STREAM, "root"),
                           "\"root\" is where the paths of a csv source start; stream \"%s\" "
                           "lists a folder, remove it",
                           stream->name);
    return STK_OK;
}

static enum stk_status check_file(const struct config_report *report, unsigned line,
                                  const struct config_stream *stream, const char *key,
                                  const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return config_fail(report, line, "%s \"%s\" of stream \"%s\" cannot be used: %s", key, path,
                           stream->name, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return config_fail(report, line, "%s \"%s\" of stream \"%s\" is no file", key, path,
                           stream->name);
    return STK_OK;
}

static enum stk_status check_csv(const struct config_report *report,
                                 const struct config_lines *lines,
                                 const struct config_stream *stream, const char *path)
{
    struct stat about;
    const char *root = stream->root;
    if (root[0] != '\0' && (stat(root, &about) != 0 || !S_ISDIR(about.st_mode)))
        return config_fail(report, line_of(lines, CONFIG_STREAM, "root"),
                           "root \"%s\" of stream \"%s\" is no directory; name the one that the "
                           "paths of the csv source start from",
                           root, stream->name);
    return check_file(report, line_of(lines, CONFIG_STREAM, "source"), stream, "source", path);
}

static enum stk_status check_index(const struct config_report *report,
                                   const struct config_lines *lines,
                                   const struct config_stream *stream)
{
    struct stat about;
    const char *path = stream->index;
    if (strcmp(path, "auto") == 0 || strcmp(path, "off") == 0)
        return STK_OK;
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode))
        return STK_OK;
    return config_fail(report, line_of(lines, CONFIG_STREAM, "index"),
                       "index \"%s\" of stream \"%s\" is no file; write auto, off, or the name of "
                       "one that \"stoker index\" has made",
                       path, stream->name);
}

static enum stk_status check_source(const struct config_report *report,
                                    const struct config_lines *lines,
                                    const struct config_stream *stream)
{
    struct config_source source;
    if (config_source_parse(stream->source, &source) != STK_OK)
        return config_fail(report, line_of(lines, CONFIG_STREAM, "source"),
                           "unknown kind of source in \"%s\"; known are: %s (write ./ before a "
                           "path with a colon)",
                           stream->source, config_source_words);
    enum stk_status status = source.kind == CONFIG_SOURCE_FOLDER
                                 ? check_folder(report, lines, stream, source.path)
                                 : check_csv(report, lines, stream, source.path);
    if (status == STK_OK && stream->list[0] != '\0')
        status =
            check_file(report, line_of(lines, CONFIG_STREAM, "list"), stream, "list", stream->list);
    return status == STK_OK ? check_index(report, lines, stream) : status;
}

/* What is written out of a stream's numbers: its std, else its mean, else its dtype. */
static unsigned line_of_numbers(const struct config_lines *lines)
{
    static const char *const names[] = {"std", "mean", "dtype"};
    unsigned line = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && line == 0; i++)
        line = line_of(lines, CONFIG_STREAM, names[i]);
    return line;
}

/* The other dtypes hold whatever mean and std can make of a value. */
static enum stk_status check_f16(const struct config_report *report,
                                 const struct config_lines *lines, const struct recipe *recipe)
{
    for (int i = 0; i < 6 && recipe->dtype == STK_F16; i++) {
        double mean = recipe->mean[i / 2], std = recipe->std[i / 2];
        int value = i % 2 * 255;
        double served = (value / 255.0 - mean) / std;
        if (isinf(stk_f16_decode(stk_f16_encode(served))))
            return config_fail(
                report, line_of_numbers(lines),
                "\"mean\" %g and \"std\" %g make %g of the value %d; dtype = f16 ends "
                "at 65504, make \"std\" larger or choose f32 or bf16",
                mean, std, served, value);
    }
    return STK_OK;
}

/* Transforms, with the size of every phase. */
static enum stk_status check_sizes(const struct config_report *report,
                                   const struct config_lines *lines,
                                   const struct config_stream *stream)
{
    enum stk_status status = STK_OK;
    for (uint32_t i = 0; i <= stream->recipe.phase_count && status == STK_OK; i++) {
        struct config_stream phase = *stream;
        phase.recipe = recipe_in_phase(&stream->recipe, i);
        status = config_check_transforms(report, lines, &phase);
    }
    return status;
}

enum stk_status config_check_stream(const struct config_report *report,
                                    const struct config_lines *lines,
                                    const struct config_stream *stream)
{
    if (!is_name(stream->name))
        return config_fail(report, stream->line,
                           "stream \"%s\" has a name that no URL can hold; use 1 .. %d of "
                           "A-Z a-z 0-9 . _ -",
                           stream->name, STK_NAME_BYTES_MAX);
    if (stream->source == NULL)
        return config_fail(report, stream->line,
                           "stream \"%s\" has no \"source\"; add source = DIRECTORY", stream->name);
    enum stk_status status = check_source(report, lines, stream);
    if (status == STK_OK)
        status = check_sizes(report, lines, stream);
    if (status == STK_OK)
        status = check_f16(report, lines, &stream->recipe);
    if (status == STK_OK)
        status = config_check_address(report, lines, stream);
    return status;
}
