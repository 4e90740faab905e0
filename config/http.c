/*
 * The http listener's settings: parsing, and the token's file.
 */
#include "config/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_port(const char *text, in_port_t *port)
{
    size_t len = strspn(text, "0123456789");
    if (len < 1 || len > 5 || text[len] != '\0' || atol(text) > 65535)
        return false;
    *port = htons((uint16_t)atol(text));
    return true;
}

enum stk_status config_http_parse(const char *text, union config_http_address *address)
{
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    memset(address, 0, sizeof *address);
    if (len < 1 || len >= sizeof host)
        return STK_INVALID;
    memcpy(host, text, len);
    host[len] = '\0';
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        address->v6.sin6_family = AF_INET6;
        return inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) == 1 &&
                       read_port(colon + 1, &address->v6.sin6_port)
                   ? STK_OK
                   : STK_INVALID;
    }
    address->v4.sin_family = AF_INET;
    return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1 &&
                   read_port(colon + 1, &address->v4.sin_port)
               ? STK_OK
               : STK_INVALID;
}

bool config_http_is_loopback(const union config_http_address *address)
{
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
    return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static enum stk_status fail(char *reason, const char *path, const char *what)
{
    snprintf(reason, CONFIG_TOKEN_ERROR_BYTES, "token file \"%.200s\" %s", path, what);
    return STK_CONFIG;
}

static enum stk_status read_token(int fd, const char *path, char *token, char *reason)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return fail(reason, path, "is no file");
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return fail(reason, path, "can be read by others than its owner; chmod it to 0600");
    ssize_t len;
    do {
        len = read(fd, token, CONFIG_TOKEN_BYTES_MAX + 1);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return fail(reason, path, strerror(errno));
    const char *end = memchr(token, '\n', (size_t)len);
    size_t used = end != NULL ? (size_t)(end - token) : (size_t)len;
    if (used < CONFIG_TOKEN_BYTES_MIN || used > CONFIG_TOKEN_BYTES_MAX)
        return fail(reason, path, "has no line of 16 to 256 bytes; write a random one");
    token[used] = '\0';
    for (size_t i = 0; i < used; i++) {
        if (token[i] <= ' ' || token[i] > '~')
            return fail(reason, path, "has bytes that no header can hold; write visible ASCII");
    }
    return STK_OK;
}

enum stk_status config_http_token(const char *path, char *token, char *reason)
{
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        int cause = errno;
        char what[128];
        snprintf(what, sizeof what, "cannot be read: %s", strerror(cause));
        return fail(reason, path, what);
    }
    enum stk_status status = read_token(fd, path, token, reason);
    close(fd);
    return status;
}
