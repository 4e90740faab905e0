/*
 * Checks of the configuration: who may connect.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "config/check.h"
#include "config/endpoint.h"
#include "config/networks.h"
#include "proto/key_file.h"

static unsigned line_of(const struct config_lines *lines, const char *name)
{
    return config_line_of(lines, CONFIG_GLOBAL, name);
}

/* An endpoint that others reach is bound with keys, or by somebody who wrote that it is not. */
static enum stk_status check_endpoint(const struct config_report *report,
                                      const struct config_lines *lines, const struct config *config,
                                      const char *text)
{
    struct config_endpoint endpoint;
    unsigned line = line_of(lines, "listen");
    if (config_endpoint_parse(text, &endpoint) != STK_OK)
        return config_fail(report, line, "\"listen\" has \"%s\", whose options do not fit", text);
    if (endpoint.keys && config->server_key[0] == '\0' && strstr(text, " keys=yes") != NULL)
        return config_fail(report, line,
                           "\"listen\" has \"%s\", and there is no \"server_key\"; make one with "
                           "stoker keygen",
                           text);
    if (endpoint.keys && config->server_key[0] == '\0')
        return config_fail(report, line,
                           "\"listen\" has \"%s\", which needs keys, and there is no "
                           "\"server_key\"; make one with stoker keygen, or write \"%s "
                           "insecure=yes\" to serve whoever reaches it",
                           text, endpoint.address);
    if (endpoint.keys && config->client_keys[0] == '\0' && config->client_addresses[0] == '\0')
        return config_fail(report, line,
                           "\"listen\" has \"%s\", where nobody would be admitted; add "
                           "client_keys = DIRECTORY with the public key of each client",
                           text);
    return STK_OK;
}

static enum stk_status check_server_key(const struct config_report *report, unsigned line,
                                        const char *path)
{
    struct stk_key_file file;
    char reason[STK_KEY_REASON_BYTES];
    if (path[0] == '\0')
        return STK_OK;
    if (stk_key_file_read(path, true, &file, reason) != STK_OK)
        return config_fail(report, line, "\"server_key\": %s", reason);
    explicit_bzero(&file, sizeof file);
    return STK_OK;
}

static enum stk_status check_client_keys(const struct config_report *report, unsigned line,
                                         const char *path)
{
    struct stat about;
    if (path[0] == '\0' || (stat(path, &about) == 0 && S_ISDIR(about.st_mode)))
        return STK_OK;
    return config_fail(report, line,
                       "\"client_keys\" is \"%s\", which is no directory; name the one that has a "
                       "file NAME.key for each client",
                       path);
}

enum stk_status config_check_keys(const struct config_report *report,
                                  const struct config_lines *lines, const struct config *config)
{
    struct config_networks networks;
    enum stk_status status =
        check_server_key(report, line_of(lines, "server_key"), config->server_key);
    if (status == STK_OK)
        status = check_client_keys(report, line_of(lines, "client_keys"), config->client_keys);
    if (status == STK_OK && config_networks_parse(config->client_addresses, &networks) != STK_OK)
        status = config_fail(report, line_of(lines, "client_addresses"),
                             "\"client_addresses\" is \"%s\"; it must be networks such as "
                             "\"10.1.0.0/16 fd00::/8\", %d at most",
                             config->client_addresses, CONFIG_NETWORKS_MAX);
    for (size_t i = 0; i < config->listen_count && status == STK_OK; i++)
        status = check_endpoint(report, lines, config, config->listen[i]);
    return status;
}
