/*
 * URLs: see url.h.
 */
#include "client/url.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "client/braces.h"
#include "client/fail.h"

static const char digits[] = "0123456789";
static const char host_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
/* With the name of an interface behind '%'. */
static const char ipv6_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:%";
/* A stream's name is made of what a host's name is made of. */
static const char *const name_chars = host_chars;

static bool starts_with(const char *text, size_t len, const char *prefix)
{
    return len >= strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether len bytes, at least one, are all among some characters. */
static bool made_of(const char *text, size_t len, const char *chars)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0' || strchr(chars, text[i]) == NULL)
            return false;
    }
    return len > 0;
}

/* Bytes of the host at the head of "host:port", brackets included; 0 where there is none. */
static size_t host_len(const char *text, size_t len)
{
    if (len > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', len);
        if (end == NULL || !made_of(text + 1, (size_t)(end - text) - 1, ipv6_chars))
            return 0;
        return (size_t)(end - text) + 1;
    }
    const char *colon = memchr(text, ':', len);
    size_t host = colon == NULL ? len : (size_t)(colon - text);
    return made_of(text, host, host_chars) ? host : 0;
}

/* A port with its colon, or nothing. */
static bool port_valid(const char *text, size_t len)
{
    if (len == 0)
        return true;
    if (text[0] != ':' || len > sizeof ":65535" - 1 || !made_of(text + 1, len - 1, digits))
        return false;
    unsigned port = 0;
    for (size_t i = 1; i < len; i++)
        port = port * 10 + (unsigned)(text[i] - '0');
    return port >= 1 && port <= UINT16_MAX;
}

static enum stk_status tcp_endpoint(const char *text, size_t len, char *endpoint, char *error)
{
    const char *authority = text + strlen("tcp://");
    size_t authority_len = len - strlen("tcp://");
    size_t host = host_len(authority, authority_len);
    if (host == 0 || host > STK_HOST_BYTES_MAX)
        return stk_fail(error, STK_INVALID, "'%.*s' names no host: write tcp://HOST:PORT", (int)len,
                        text);
    if (!port_valid(authority + host, authority_len - host))
        return stk_fail(error, STK_INVALID,
                        "'%.*s' has no port between 1 and 65535 behind its host", (int)len, text);
    if (host == authority_len)
        snprintf(endpoint, STK_ENDPOINT_BYTES, "%.*s:%d", (int)len, text, STK_PORT);
    else
        snprintf(endpoint, STK_ENDPOINT_BYTES, "%.*s", (int)len, text);
    return STK_OK;
}

static enum stk_status ipc_endpoint(const char *text, size_t len, char *endpoint, char *error)
{
    const char *path = text + strlen("ipc://");
    size_t path_len = len - strlen("ipc://");
    if (path_len < 2 || (path[0] != '/' && path[0] != '@'))
        return stk_fail(error, STK_INVALID,
                        "'%.*s' names no socket: write ipc:///PATH with the socket's whole path",
                        (int)len, text);
    if (path_len > STK_SOCKET_BYTES_MAX)
        return stk_fail(error, STK_INVALID, "the socket's path in '%.*s' is longer than %d bytes",
                        (int)len, text, STK_SOCKET_BYTES_MAX);
    snprintf(endpoint, STK_ENDPOINT_BYTES, "%.*s", (int)len, text);
    return STK_OK;
}

enum stk_status stk_url_endpoint(const char *text, size_t len, char endpoint[STK_ENDPOINT_BYTES],
                                 char *error)
{
    if (starts_with(text, len, "tcp://"))
        return tcp_endpoint(text, len, endpoint, error);
    if (starts_with(text, len, "ipc://"))
        return ipc_endpoint(text, len, endpoint, error);
    return stk_fail(error, STK_INVALID, "'%.*s' starts with neither tcp:// nor ipc://", (int)len,
                    text);
}

/* A stk_braces_fn. */
static enum stk_status add_endpoint(void *context, const char *text, size_t len, char *error)
{
    struct stk_url *url = context;
    if (url->count == STK_ENDPOINTS_MAX)
        return stk_fail(error, STK_INVALID,
                        "the url has more than %d endpoints: '%.*s' is too many", STK_ENDPOINTS_MAX,
                        (int)len, text);
    char *endpoint = url->endpoints[url->count];
    enum stk_status status = stk_url_endpoint(text, len, endpoint, error);
    if (status != STK_OK)
        return status;
    for (uint32_t i = 0; i < url->count; i++) {
        if (strcmp(url->endpoints[i], endpoint) == 0)
            return stk_fail(error, STK_INVALID, "the url names '%s' twice", endpoint);
    }
    url->count++;
    return STK_OK;
}

/* The next comma that separates endpoints, not a list's in braces; NULL where there is none. */
static const char *next_comma(const char *text)
{
    bool inside = false;
    for (; *text != '\0' && (inside || *text != ','); text++)
        inside = *text == '{' || (inside && *text != '}');
    return *text == ',' ? text : NULL;
}

/* The slash between the last endpoint and the stream; NULL where there is none. */
static const char *stream_slash(const char *text, size_t len)
{
    static const char scheme[] = "xxx://";
    if (len < sizeof scheme - 1)
        return NULL;
    return memrchr(text + sizeof scheme - 1, '/', len - (sizeof scheme - 1));
}

enum stk_status stk_url_parse(const char *text, struct stk_url *url, char *error)
{
    *url = (struct stk_url){.count = 0};
    for (const char *comma; (comma = next_comma(text)) != NULL; text = comma + 1) {
        enum stk_status status =
            stk_braces_expand(text, (size_t)(comma - text), add_endpoint, url, error);
        if (status != STK_OK)
            return status;
    }
    const char *slash = stream_slash(text, strlen(text));
    const char *stream = slash == NULL ? "" : slash + 1;
    if (*stream == '\0')
        return stk_fail(error, STK_INVALID,
                        "the url '%s' names no stream: write ENDPOINT/STREAM, e.g. "
                        "tcp://host:7654/train",
                        text);
    if (strlen(stream) > STK_NAME_BYTES_MAX || !made_of(stream, strlen(stream), name_chars))
        return stk_fail(error, STK_INVALID,
                        "'%s' is no stream's name: up to %d letters, digits, '.', '_' and '-'",
                        stream, STK_NAME_BYTES_MAX);
    memcpy(url->stream, stream, strlen(stream) + 1);
    return stk_braces_expand(text, (size_t)(slash - text), add_endpoint, url, error);
}
