/*
 * The explained sheet: a panel a slot, with the pair as it was before mixing, what came of it, and
 * a few lines on how.
 *
 * What sheet.h does for a whole batch at a glance, slot by slot.  No sockets; the caller brings
 * pixels and texts.
 */
#ifndef STK_EXPLAIN_H
#define STK_EXPLAIN_H

#include "client/command/sheet.h"

enum {
    EXPLAIN_LINES_MAX = 14,
    EXPLAIN_LINE_BYTES = 160, /* the end mark included */
};

struct explain_line {
    char text[EXPLAIN_LINE_BYTES];
    enum drawing_ink ink;
    bool bold;
};

/* A slot.  Pictures are u8 [height, width, 3], RGB; boxes top, left, height and width in them, with
 * a side of 0 where there is none. */
struct explain_panel {
    const uint8_t *own;
    const uint8_t *partner; /* NULL: nothing is mixed in */
    const uint8_t *served;
    const char *label;         /* a name, or what stands for it */
    const char *partner_label; /* where there is a partner */
    const char *sample;        /* which one it is */
    const char *partner_sample;
    double share;              /* the label's, 0 .. 1 */
    int32_t cut[4];            /* outlined in the partner's and in the served picture */
    int32_t erased[4];         /* outlined in the slot's own */
    int32_t partner_erased[4]; /* in the partner's */
    uint32_t line_count;
    struct explain_line lines[EXPLAIN_LINES_MAX];
};

/**
 * How the panels are laid out: as sheet_layout does; cell i's three pictures stand side by side,
 * picture_step apart, and the lines behind them.
 *
 *   picture_step   set
 *
 * Owns:    nothing.
 * Threads: any.  Blocks: no.  Allocates: no.
 */
void explain_layout(uint32_t height, uint32_t width, uint32_t count, struct sheet_grid *grid,
                    uint32_t *picture_step);

/**
 * Draw the panels and write them as a PNG, whole or not at all.  Arguments, ownership and results
 * are sheet_write's.
 */
STK_MUST_CHECK enum stk_status explain_write(const char *path, const char *title, uint32_t height,
                                             uint32_t width, const struct explain_panel *panels,
                                             uint32_t count, char *error);

#endif
