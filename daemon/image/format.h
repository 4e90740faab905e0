/*
 * Formats: rows of RGB bytes into a slot of the stream's dtype and layout.
 *
 * A writer is a variant of that loop.  The plain one is the reference, and takes every number from
 * the format's table; check_format.c holds every other one to it.
 */
#ifndef STK_FORMAT_H
#define STK_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/image/image.h"

struct writer {
    const char *name;

    /**
     * Write a row into the slot.
     *
     *   pixels   uint8 [width, 3], RGB
     */
    void (*row)(const struct image_format *format, const uint8_t *pixels, uint32_t row, void *slot);
};

/** The reference, in plain C. */
extern const struct writer writer_plain;

/**
 * The variant for AVX2 and F16C, or NULL where this processor has not both.  It computes numbers
 * from the format's line; image_format_init takes it where they are those of the table, all 256 of
 * each channel.
 */
const struct writer *writer_avx2(void);

/** Where a row's RGB bytes can be written in place, or NULL where the format is another one. */
uint8_t *format_row_in_place(const struct image_format *format, void *slot, uint32_t row);

/** Write a row of uint8 [width, 3], RGB, into the slot. */
void format_write_row(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                      void *slot);

/** The same by the plain writer, from one pixel of the row on: what a vector is too long for. */
void format_write_rest(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                       uint32_t first, void *slot);

/** Write part of a row by the plain writer: uint8 [count, 3], RGB, from the pixel first on. */
void format_write_part(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                       uint32_t first, uint32_t count, void *slot);

/* Where a row's elements are: its first, and the way to the next pixel and to the next channel. */
struct format_steps {
    size_t first;
    size_t pixel;
    size_t channel;
};

/** The places of a row, in elements of the slot. */
struct format_steps format_steps_of(const struct image_format *format, uint32_t row);

#endif
