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
    uint32_t restart_left;           /* MCUs to the next restart, where there are any */
    uint32_t restart_number;         /* of the next one, 0 .. 7 */
};

/* Where an MCU's bits begin, behind the marker of a restart where one stands before it. */
struct jpeg_entry {
    uint32_t bit;                    /* of the scan's bytes as they are in the file */
    int16_t dc[JPEG_COMPONENTS_MAX]; /* 0 where there are not so many components */
};

/* The entry points of a scan: in every row of MCUs every so many, the first one among them. */
struct jpeg_entries {
    struct jpeg_entry *entry; /* [mcu_rows, columns] */
    uint32_t columns;         /* of entry points */
    uint32_t step;            /* MCUs from one to the next */
};

/** The MCU of an entry point. */
static inline uint32_t jpeg_entries_mcu(const struct jpeg_entries *entries,
                                        const struct jpeg_frame *frame, uint32_t number)
{
    return number / entries->columns * frame->mcu_columns +
           number % entries->columns * entries->step;
}

/** The entry point to come from to one: itself, and to the last one that before it. */
static inline uint32_t jpeg_entries_sure(const struct jpeg_entries *entries,
                                         const struct jpeg_frame *frame, uint32_t number)
{
    bool last = number + 1 == frame->mcu_rows * entries->columns;
    return last && number > 0 ? number - 1 : number;
}

/* Where the coefficients of some MCUs of a row go. */
struct jpeg_coefficients {
    int16_t *block[JPEG_COMPONENTS_MAX]; /* [v, count * h, 64], row by row, zeros before */
    uint8_t *last[JPEG_COMPONENTS_MAX];  /* [v, count * h] the last in zigzag that is not 0, or
                                          * one behind it */
    uint32_t count;                      /* MCUs */
};

/** Start at the scan's beginning. */
void jpeg_lane_start(struct jpeg_lane *lane, const struct jpeg_frame *frame);

/**
 * Enter the scan where the MCU of that number begins.
 *
 * Returns: false where the entry point is not in the frame's bytes.
 */
bool jpeg_lane_enter(struct jpeg_lane *lane, const struct jpeg_frame *frame,
                     const struct jpeg_entry *entry, uint32_t mcu);

/**
 * Where the lane stands between two MCUs; a restart that is due is passed.
 *
 * Returns: false where the restart is not as it should be, or bits were taken that are not there.
 */
bool jpeg_lane_place(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                     struct jpeg_entry *entry);

/** Bytes of the scan that were needed so far; 0 where more were than are there. */
uint32_t jpeg_lane_bytes(const struct jpeg_frame *frame, const struct jpeg_lane *lane);

/**
 * Decode MCUs and keep their coefficients.
 *
 *   out           coefficients of a row's MCUs
 *   first, count  of these
 *
 * Returns: false where the scan is not as it should be; coefficients and lane are unspecified then.
 *          What was taken from behind its end is to be asked for: jpeg_bits_sound.
 */
bool jpeg_entropy_keep(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                       const struct jpeg_coefficients *out, uint32_t first, uint32_t count);

/** Pass over MCUs; returns as jpeg_entropy_keep. */
bool jpeg_entropy_skip(const struct jpeg_frame *frame, struct jpeg_lane *lane, uint32_t count);

/**
 * Pass over a row of MCUs and note its entry points; returns as jpeg_entropy_keep.
 *
 *   entries   step and columns are set, and entry has room for all rows
 */
bool jpeg_entropy_note(const struct jpeg_frame *frame, struct jpeg_lane *lane,
                       const struct jpeg_entries *entries, uint32_t row);

/**
 * Find the entry points of a scan by decoding it.
 *
 *   entries   as above
 *   scan_len  set to the bytes up to the end of the last MCU
 *
 * Returns: false where the scan is not as it should be, to its end and what reading ahead there
 *          meets.
 */
bool jpeg_entropy_scan(const struct jpeg_frame *frame, const struct jpeg_entries *entries,
                       uint32_t *scan_len);

#endif
