/*
 * JPEG symbols: the order of coefficients, and the symbols that fit into no table.
 */
#include "daemon/image/jpeg_symbols.h"

const uint8_t jpeg_zigzag[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

struct jpeg_symbol jpeg_symbols_slowly(uint64_t window, const struct jpeg_ladder *ladder)
{
    uint32_t next = (uint32_t)(window >> (64 - JPEG_CODE_BITS_MAX));
    int bits = 1;
    while (next >= ladder->limit[bits])
        bits++;
    if (bits > JPEG_CODE_BITS_MAX)
        return (struct jpeg_symbol){0};
    int32_t place = (int32_t)(next >> (JPEG_CODE_BITS_MAX - bits)) + ladder->offset[bits];
    uint8_t symbol = ladder->symbols[place & (JPEG_SYMBOLS_MAX - 1)];
    int size = symbol & 15;
    int32_t value = 0;
    if (size > 0) {
        value = (int32_t)(window << bits >> (64 - size));
        if (value < 1 << (size - 1))
            value -= (1 << size) - 1;
    }
    return (struct jpeg_symbol){value, symbol >> 4, (uint8_t)size, (uint8_t)(bits + size)};
}
