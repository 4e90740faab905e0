/*
 * Little endian: numbers as the index's file has them, on any machine.
 */
#ifndef STK_INDEX_LITTLE_ENDIAN_H
#define STK_INDEX_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/** Write the len lowest bytes of a number. */
static inline void little_endian_put(uint8_t *out, size_t len, uint64_t number)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(number >> 8 * i);
}

static inline uint16_t little_endian_get16(const uint8_t *in)
{
    return (uint16_t)(in[0] | in[1] << 8);
}

static inline uint32_t little_endian_get32(const uint8_t *in)
{
    return (uint32_t)little_endian_get16(in) | (uint32_t)little_endian_get16(in + 2) << 16;
}

static inline uint64_t little_endian_get64(const uint8_t *in)
{
    return (uint64_t)little_endian_get32(in) | (uint64_t)little_endian_get32(in + 4) << 32;
}

#endif
