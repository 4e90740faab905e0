/*
 * Checks of the http listener: it is reached from this host alone, or by those who know a token.
 */
#include "config/check.h"
#include "config/http.h"

static enum stk_status check_token(const struct config_report *report,
                                   const struct config_lines *lines, const struct config *config)
{
    char token[CONFIG_TOKEN_BYTES_MAX + 1];
    char reason[CONFIG_TOKEN_ERROR_BYTES];
    unsigned line = config_line_of(lines, CONFIG_GLOBAL, "http_token");
    if (config_http_token(config->http_token, token, reason) != STK_OK)
        return config_fail(report, line, "%s", reason);
    return STK_OK;
}

enum stk_status config_check_http(const struct config_report *report,
                                  const struct config_lines *lines, const struct config *config)
{
    union config_http_address address;
    unsigned line = config_line_of(lines, CONFIG_GLOBAL, "http");
    if (config->http_token[0] != '\0' && config->http[0] == '\0')
        return config_fail(report, config_line_of(lines, CONFIG_GLOBAL, "http_token"),
                           "\"http_token\" means nothing without \"http\"; remove it, or set "
                           "http = 127.0.0.1:7655");
    if (config->http[0] == '\0')
        return STK_OK;
    if (config_http_parse(config->http, &address) != STK_OK)
        return config_fail(report, line,
                           "\"http\" is \"%s\"; it must be ADDRESS:PORT with an address in "
                           "numbers, such as 127.0.0.1:7655 or [::1]:7655",
                           config->http);
    if (config->http_token[0] != '\0')
        return check_token(report, lines, config);
    if (!config_http_is_loopback(&address))
        return config_fail(report, line,
                           "\"http\" is \"%s\", which other hosts reach; set http_token to a file "
                           "with a token that they must know, or listen on 127.0.0.1",
                           config->http);
    return STK_OK;
}
