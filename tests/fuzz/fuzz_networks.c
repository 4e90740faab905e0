/*
 * libFuzzer target: an operator's text as networks, and a peer's as an address.
 *
 * The first line is the networks, what follows the address.  No crash; a network that is accepted
 * has its own address, written out it is accepted again, and it answers for the peer as before.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/networks.h"
#include "daemon/base/check.h"

enum { LEN_MAX = 4096, WORD_BYTES = INET6_ADDRSTRLEN + 8 };

static void check_again(const struct config_networks *networks, const char *address)
{
    static char text[CONFIG_NETWORKS_MAX * WORD_BYTES];
    struct config_networks again;
    size_t len = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < networks->count; i++) {
        char word[INET6_ADDRSTRLEN];
        CHECK(networks->rows[i].bits <= 128);
        CHECK(inet_ntop(AF_INET6, networks->rows[i].address, word, sizeof word) != NULL);
        CHECK(config_networks_have(networks, word));
        /* One that is mapped is written as IPv4 inside of IPv6, and counts all bits likewise. */
        len +=
            (size_t)snprintf(text + len, sizeof text - len, " %s/%u", word, networks->rows[i].bits);
    }
    CHECK(config_networks_parse(text, &again) == STK_OK && again.count == networks->count);
    CHECK(config_networks_have(&again, address) == config_networks_have(networks, address));
    CHECK(memcmp(&again, networks, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static char text[LEN_MAX + 1];
    struct config_networks networks;
    if (len > LEN_MAX)
        return 0;
    memcpy(text, bytes, len);
    text[len] = '\0';
    char *end = strchr(text, '\n');
    const char *address = end == NULL ? "" : end + 1;
    if (end != NULL)
        *end = '\0';
    enum stk_status status = config_networks_parse(text, &networks);
    CHECK(networks.count <= CONFIG_NETWORKS_MAX);
    if (status == STK_OK)
        check_again(&networks, address);
    return 0;
}
