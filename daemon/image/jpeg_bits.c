/*
 * Bits of a JPEG's scan: what is seldom needed.
 */
#include "daemon/image/jpeg_bits.h"

enum { MARKER = 0xff, FIRST_RESTART = 0xd0 };

static void forget_below_count(struct jpeg_bits *bits)
{
    bits->window = bits->count > 0 ? bits->window & (UINT64_MAX << (64 - bits->count)) : 0;
}

/* The bytes that the next byte of data takes; 0 where there is none. */
static ptrdiff_t data_bytes(const struct jpeg_bits *bits)
{
    ptrdiff_t left = bits->end - bits->next;
    if (left < 1)
        return 0;
    if (bits->next[0] != MARKER)
        return 1;
    return left > 1 && bits->next[1] == 0 ? 2 : 0;
}

void jpeg_bits_refill_slowly(struct jpeg_bits *bits)
{
    forget_below_count(bits);
    while (bits->count < JPEG_BITS_READY) {
        ptrdiff_t step = data_bytes(bits);
        if (step == 0)
            break;
        bits->window |= (uint64_t)bits->next[0] << (JPEG_BITS_READY - bits->count);
        bits->next += step;
        bits->count += 8;
    }
    if (bits->count < JPEG_BITS_READY) {
        bits->made_up += JPEG_BITS_READY - bits->count;
        bits->count = JPEG_BITS_READY;
    }
}

bool jpeg_bits_sound(const struct jpeg_bits *bits)
{
    if (!jpeg_bits_given(bits))
        return false;
    struct jpeg_bits ahead = *bits;
    for (int32_t i = (bits->count - bits->made_up) / 8; i < JPEG_BITS_AHEAD; i++) {
        ptrdiff_t step = data_bytes(&ahead);
        if (step == 0)
            return ahead.end - ahead.next >= 2 && ahead.next[1] != MARKER;
        ahead.next += step;
    }
    return true;
}

bool jpeg_bits_restart(struct jpeg_bits *bits, uint32_t number)
{
    jpeg_bits_refill(bits);
    int32_t left = bits->count - bits->made_up;
    if (left < 0 || left > 7 || bits->end - bits->next < 2 || bits->next[0] != MARKER ||
        bits->next[1] != FIRST_RESTART + number)
        return false;
    jpeg_bits_begin(bits, bits->next + 2, bits->end);
    return true;
}

/* So many bytes of data back from what was not looked at yet. */
static const uint8_t *bytes_back(const struct jpeg_bits *bits, const uint8_t *first, int32_t count)
{
    const uint8_t *place = bits->next;
    for (int32_t i = 0; i < count; i++)
        place -= place - first > 1 && place[-1] == 0 && place[-2] == MARKER ? 2 : 1;
    return place;
}

const uint8_t *jpeg_bits_place(const struct jpeg_bits *bits, const uint8_t *first, uint8_t *taken)
{
    int32_t left = bits->count - bits->made_up;
    *taken = (uint8_t)((8 - left % 8) % 8);
    return bytes_back(bits, first, (left + 7) / 8);
}

const uint8_t *jpeg_bits_end(const struct jpeg_bits *bits, const uint8_t *first)
{
    return bytes_back(bits, first, (bits->count - bits->made_up) / 8);
}
