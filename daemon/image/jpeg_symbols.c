/*
 * JPEG symbols: the order of coefficients, and the symbols that fit into no table.
 */
#include "daemon/image/jpeg_symbols.h"

const uint8_t jpeg_zigzag[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

struct jpeg_single jpeg_symbols_slowly(uint64_t window, const struct jpeg_ladder *ladder, bool ac)
{
    uint32_t next = (uint32_t)(window >> (64 - JPEG_CODE_BITS_MAX));
    int bits = (ac ? JPEG_SINGLE_BITS : JPEG_DC_BITS) + 1;
    while (next >= ladder->limit[bits])
        bits++;
    if (bits > JPEG_CODE_BITS_MAX)
        return (struct jpeg_single){0};
    int32_t place = (int32_t)(next >> (JPEG_CODE_BITS_MAX - bits)) + ladder->offset[bits];
    uint8_t symbol = ladder->symbols[place & (JPEG_SYMBOLS_MAX - 1)];
    int size = ac ? symbol & 15 : symbol;
    return (struct jpeg_single){.value = (int16_t)size,
                                .advance = ac ? jpeg_symbol_advance(symbol) : 0,
                                .bits = (uint8_t)(size > 0 ? bits | JPEG_CODE_ALONE : bits)};
}
