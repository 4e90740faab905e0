/*
 * Endpoints of the configuration: see endpoint.h.
 *
 * A path may hold blanks, so options are taken off from behind, as long as a word is one.
 */
#include "config/endpoint.h"

#include <stdlib.h>
#include <string.h>

/* What an endpoint says of itself. */
struct options {
    bool keys, insecure;
};

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool set_mode(const char *digits, struct config_endpoint *endpoint)
{
    size_t len = strlen(digits);
    endpoint->mode = (int)strtol(digits, NULL, 8);
    return len >= 3 && len <= 4 && strspn(digits, "01234567") == len && endpoint->mode <= 0777;
}

static bool set_group(const char *name, struct config_endpoint *endpoint)
{
    strncpy(endpoint->group, name, CONFIG_GROUP_BYTES - 1);
    return *name != '\0' && strlen(name) < CONFIG_GROUP_BYTES;
}

/* Whether a word is an option; *valid is cleared where its value is none. */
static bool take_option(const char *word, struct config_endpoint *endpoint, struct options *options,
                        bool *valid)
{
    const char *value;
    if (strcmp(word, "keys=yes") == 0)
        options->keys = true;
    else if (strcmp(word, "insecure=yes") == 0)
        options->insecure = true;
    else if ((value = after(word, "mode=")) != NULL)
        *valid &= set_mode(value, endpoint);
    else if ((value = after(word, "group=")) != NULL)
        *valid &= set_group(value, endpoint);
    else
        return false;
    return true;
}

/* Nobody but this host reaches it. */
static bool is_loopback(const char *address)
{
    const char *host = after(address, "tcp://");
    if (host == NULL)
        return true;
    if (after(host, "localhost:") != NULL || after(host, "lo:") != NULL ||
        after(host, "[::1]:") != NULL)
        return true;
    return after(host, "127.") != NULL && host[strspn(host, "0123456789.")] == ':';
}

enum stk_status config_endpoint_parse(const char *text, struct config_endpoint *endpoint)
{
    struct options options = {0};
    bool valid = strlen(text) < CONFIG_ADDRESS_BYTES;
    *endpoint = (struct config_endpoint){.mode = -1};
    strncpy(endpoint->address, text, CONFIG_ADDRESS_BYTES - 1);
    for (char *word; (word = strrchr(endpoint->address, ' ')) != NULL;) {
        if (!take_option(word + 1, endpoint, &options, &valid))
            break;
        *word = '\0';
    }
    endpoint->is_ipc = after(endpoint->address, "ipc://") != NULL;
    bool reached = !is_loopback(endpoint->address);
    endpoint->keys = options.keys || (reached && !options.insecure);
    endpoint->open = reached && options.insecure;
    bool has_file = endpoint->mode >= 0 || endpoint->group[0] != '\0';
    if ((options.keys && options.insecure) || (endpoint->is_ipc && options.insecure) ||
        (!endpoint->is_ipc && has_file))
        valid = false;
    return valid ? STK_OK : STK_INVALID;
}
