/*
 * Networks: see networks.h.
 */
#include "config/networks.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96, WORD_BYTES = 64 };

/* Sets first_bit to where a prefix of the address starts to count. */
static bool parse_address(const char *text, uint8_t address[16], unsigned *first_bit)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    *first_bit = 0;
    if (inet_pton(AF_INET6, text, address) == 1)
        return true;
    memcpy(address, mapped, sizeof mapped);
    *first_bit = MAPPED_BITS;
    return inet_pton(AF_INET, text, address + sizeof mapped) == 1;
}

static bool parse_prefix(const char *digits, unsigned first_bit, unsigned *bits)
{
    size_t len = strlen(digits);
    *bits = first_bit + (unsigned)strtoul(digits, NULL, 10);
    return len >= 1 && len <= 3 && strspn(digits, "0123456789") == len && *bits <= ADDRESS_BITS;
}

static bool bit_of(const uint8_t address[16], unsigned bit)
{
    return (address[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static bool parse_network(const char *word, size_t len, struct config_network *network)
{
    char text[WORD_BYTES];
    if (len >= sizeof text)
        return false;
    memcpy(text, word, len);
    text[len] = '\0';
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    unsigned first_bit;
    if (!parse_address(text, network->address, &first_bit))
        return false;
    network->bits = ADDRESS_BITS;
    if (slash != NULL && !parse_prefix(slash + 1, first_bit, &network->bits))
        return false;
    for (unsigned bit = network->bits; bit < ADDRESS_BITS; bit++) {
        if (bit_of(network->address, bit))
            return false;
    }
    return true;
}

enum stk_status config_networks_parse(const char *text, struct config_networks *networks)
{
    *networks = (struct config_networks){0};
    for (const char *word = text + strspn(text, " "); *word != '\0'; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        if (networks->count == CONFIG_NETWORKS_MAX)
            return STK_LIMIT;
        if (!parse_network(word, len, &networks->rows[networks->count++]))
            return STK_INVALID;
        word += len;
    }
    return STK_OK;
}

static bool has(const struct config_network *network, const uint8_t address[16])
{
    for (unsigned bit = 0; bit < network->bits; bit++) {
        if (bit_of(network->address, bit) != bit_of(address, bit))
            return false;
    }
    return true;
}

bool config_networks_have(const struct config_networks *networks, const char *address)
{
    uint8_t bytes[16];
    unsigned first_bit;
    if (!parse_address(address, bytes, &first_bit))
        return false;
    for (unsigned i = 0; i < networks->count; i++) {
        if (has(&networks->rows[i], bytes))
            return true;
    }
    return false;
}
