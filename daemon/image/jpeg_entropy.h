/*
 * JPEG entropy decoding: from a scan's bits to the coefficients of rows of MCUs.
 *
 * A lane is a place in the scan, where an MCU begins, and what must be known to go on from there.
 * It starts at the scan's beginning, or enters it where an entry point says.  Whatever is unusual
 * is an answer of false: then libjpeg-turbo is asked what it thinks of the file.
 */
#ifndef STK_JPEG_ENTROPY_H
#define STK_JPEG_ENTROPY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/image/jpeg_bits.h"
#include "daemon/image/jpeg_frame.h"

struct jpeg_lane {
    struct jpeg_bits bits;
    int32_t dc[JPEG_COMPONENTS_MAX]; /* the coefficient that the next one is a difference to */
    uint32_t restart_left;           /* MCUs to the next restart */
    uint32_t restart_number;         /* of the next one, 0 .. 7 */
};

/* Where an MCU's bits begin, behind the marker of a restart where one stands before it. */
struct jpeg_entry {
    uint32_t byte; /* of the scan */
    uint8_t bit;   /* bits of it that belong to what is before */
    int16_t dc[JPEG_COMPONENTS_MAX];
};

/* The entry points of a scan: in every row of MCUs every so many, the first one among them. */
struct jpeg_entries {
    struct jpeg_entry *entry; /* [mcu_rows, columns] */
    uint32_t columns;         /* of entry points */
    uint32_t step;            /* MCUs from one to the next */
};

/* Where the coefficients of some MCUs of a row go. */
struct jpeg_coefficients {
    int16_t *block[JPEG_COMPONENTS_MAX]; /* [v, count * h, 64], row by row, zeros before */
    uint8_t *last[JPEG_COMPONENTS_MAX];  /* [v, count * h] the last in zigzag that is not 0, or
                                          * one behind it */
    uint32_t count;                      /* MCUs */
};

/** Start at the scan's beginning. */
void jpeg_lane_start(struct jpeg_lane *lane, const struct jpeg_frame *frame);

/** Enter the scan at an entry point that lies in it, where the MCU of that number begins. */
void jpeg_lane_enter(struct jpeg_lane *lane, const struct jpeg_frame *frame,
                     const struct jpeg_entry *entry, uint32_t mcu);

/**
 * Decode MCUs and keep their coefficients: count of them.
 *
 * Returns: false where the scan is not as it should be; coefficients and lane are unspecified then.
 */
bool jpeg_entropy_keep(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                       const struct jpeg_coefficients *out);

/** Pass over MCUs. */
bool jpeg_entropy_skip(const struct jpeg_frame *frame, struct jpeg_lane *lane, uint32_t count);

/**
 * Find the entry points of a scan by decoding it.
 *
 *   entries   step and columns are set, and entry has room
 *
 * Returns: false where the scan is not as it should be.
 */
bool jpeg_entropy_scan(const struct jpeg_frame *frame, const struct jpeg_entries *entries);

#endif
