/*
 * Formats: rows of RGB bytes into a slot of the stream's dtype and layout.
 */
#ifndef STK_FORMAT_H
#define STK_FORMAT_H

#include <stdint.h>

#include "daemon/image/image.h"

/** Where a row's RGB bytes can be written in place, or NULL where the format is another one. */
uint8_t *format_row_in_place(const struct image_format *format, void *slot, uint32_t row);

/** Write a row of uint8 [width, 3], RGB, into the slot. */
void format_write_row(const struct image_format *format, const uint8_t *pixels, uint32_t row,
                      void *slot);

#endif
