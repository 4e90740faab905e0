/*
 * Bits of a JPEG's scan: a window of 64 in front of the bytes that are not looked at yet.
 *
 * In a scan 0xFF is followed by 0, which is not data, or begins a marker, which ends the bits.
 * Behind the end come zeros, as many as are asked for; how many of the window's bits they are is
 * counted, so that whoever took one is found out later.
 */
#ifndef STK_JPEG_BITS_H
#define STK_JPEG_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    JPEG_BITS_READY = 56, /* at least so many are in the window after a refill */
    /* Bytes of data: whoever reads ahead as libjpeg-turbo does looks at no more than these. */
    JPEG_BITS_AHEAD = 32,
};

struct jpeg_bits {
    uint64_t window; /* the next bit is the highest */
    int32_t count;   /* bits in it; below them it is 0 or the next bytes already */
    int32_t made_up; /* of them behind the end; may exceed count once such were taken */
    const uint8_t *next;
    const uint8_t *end;
};

static inline uint64_t jpeg_bits_load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Whether one of eight bytes is 0xFF: it is where a byte of the complement is 0. */
static inline bool jpeg_bits_any_ff(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    return ((~word - ones) & word & (ones << 7)) != 0;
}

/** Begin at a byte. */
static inline void jpeg_bits_begin(struct jpeg_bits *bits, const uint8_t *next, const uint8_t *end)
{
    *bits = (struct jpeg_bits){.next = next, .end = end};
}

/** Refill byte by byte: near the end, or where a byte is 0xFF. */
void jpeg_bits_refill_slowly(struct jpeg_bits *bits);

/** Refill: at least JPEG_BITS_READY bits are in the window then. */
static inline void jpeg_bits_refill(struct jpeg_bits *bits)
{
    if (bits->end - bits->next >= (ptrdiff_t)sizeof(uint64_t)) {
        uint64_t word = jpeg_bits_load(bits->next);
        if (!jpeg_bits_any_ff(word)) {
            /* The bytes that count does not take in come again, to the same place. */
            bits->window |= word >> bits->count;
            bits->next += (63 - bits->count) >> 3;
            bits->count |= JPEG_BITS_READY;
            return;
        }
    }
    /* Of a copy, so that the window can stay in registers. */
    struct jpeg_bits copy = *bits;
    jpeg_bits_refill_slowly(&copy);
    *bits = copy;
}

/** Look at the next count bits, 1 or more. */
static inline uint32_t jpeg_bits_peek(const struct jpeg_bits *bits, int count)
{
    return (uint32_t)(bits->window >> (64 - count));
}

/** Take bits that are there, less than 64. */
static inline void jpeg_bits_take(struct jpeg_bits *bits, int count)
{
    bits->window <<= count;
    bits->count -= count;
}

/**
 * Whether all bits that were taken are a scan's, and reading ahead from here meets a marker before
 * the file's end.  Where this is so libjpeg-turbo has nothing to warn of.  It is a matter of the
 * place alone, however far the window is filled.
 */
bool jpeg_bits_sound(const struct jpeg_bits *bits);

/**
 * Pass over the rest of a byte and the marker of a restart behind it.
 *
 *   number   of the restart, 0 .. 7
 *
 * Returns: false where something else stands there.
 */
bool jpeg_bits_restart(struct jpeg_bits *bits, uint32_t number);

/** Whether all bits that were taken are some of the bytes given. */
static inline bool jpeg_bits_given(const struct jpeg_bits *bits)
{
    return bits->made_up <= bits->count;
}

/**
 * Where the next bit stands, where all that were taken were given: its byte, and how many bits of
 * that were taken.
 *
 *   first   no byte before this one is looked at
 */
const uint8_t *jpeg_bits_place(const struct jpeg_bits *bits, const uint8_t *first, uint8_t *taken);

/** The end of the byte that the bit taken last is of; as jpeg_bits_place. */
const uint8_t *jpeg_bits_end(const struct jpeg_bits *bits, const uint8_t *first);

#endif
