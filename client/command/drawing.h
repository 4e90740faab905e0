/*
 * Drawing: a page with a title, and what sheets put on it: texts that fit, pictures, boxes.
 *
 * Drawn with cairo, of which nothing shows here.  All measures are in pixels of the page.  What
 * goes wrong while drawing can only be memory; it is remembered, and drawing_save tells it.  One
 * thread a drawing.
 */
#ifndef STK_DRAWING_H
#define STK_DRAWING_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/status.h"

enum {
    DRAWING_MARGIN = 28,
    DRAWING_TITLE_HEIGHT = 50, /* from the upper margin to what stands below the title */
    DRAWING_COLUMN_MIN = 152,  /* narrower captions say nothing */
    DRAWING_BAR_HEIGHT = 4,
    DRAWING_ERROR_BYTES = 512, /* storage for a message, its end mark included */
};

enum drawing_ink {
    INK_PAGE,
    INK_TEXT,
    INK_QUIET,
    INK_OWN,     /* the label's share */
    INK_PARTNER, /* the partner's */
    INK_ALERT,
};

struct drawing;

/* How large a picture is drawn. */
struct drawing_size {
    uint32_t height;
    uint32_t width;
};

/**
 * Begin a page.
 *
 *   height, width   of the page
 *   title           a line on top, and behind a line feed a smaller one below it; each is cut where
 *                   it is too long
 *   drawing         set on success, NULL otherwise
 *
 * Owns:    the caller owns *drawing and gives it to drawing_close.
 * Returns: STK_OK or STK_MEMORY.
 * Threads: any.  Blocks: no.
 */
STK_MUST_CHECK enum stk_status drawing_open(uint32_t height, uint32_t width, const char *title,
                                            struct drawing **drawing);

/** Give a drawing back; *drawing becomes NULL.  NULL is fine. */
void drawing_close(struct drawing **drawing);

/**
 * Write the page as a PNG, whole or not at all.
 *
 *   path    where to; the file appears by a rename, an older one is replaced
 *   error   DRAWING_ERROR_BYTES of storage: why it failed, with the path
 *
 * Owns:    nothing.
 * Returns: STK_OK
 *          STK_SYSTEM  the file cannot be written, or path is no regular file; nothing is left
 *          STK_MEMORY  now, or in anything that was drawn before
 * Threads: one a drawing.  Blocks: on the file system.  Allocates: for the call.
 */
STK_MUST_CHECK enum stk_status drawing_save(const struct drawing *drawing, const char *path,
                                            char *error);

/** What drawing_save says where there is no memory, for a drawing that could not be opened. */
enum stk_status drawing_fail_memory(char *error);

/** The larger of two measures. */
static inline uint32_t drawing_larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/**
 * How large a picture is drawn: those over 224 pixels a side are made smaller, those that fit
 * several times grow by a whole factor, so that pixels stay pixels, and those still narrower than
 * a caption grow to its width.
 */
struct drawing_size drawing_fit(uint32_t height, uint32_t width);

/** The font of the texts that follow. */
void drawing_font(struct drawing *drawing, double points, bool bold);

/**
 * Show a text from x on, its base line at y; returns where it ends.  Texts should be UTF-8; what is
 * not is shown as U+FFFD, and what does not fit the width is cut with an ellipsis.
 */
double drawing_text(struct drawing *drawing, enum drawing_ink ink, double x, double y, double width,
                    const char *text);

/** How wide a text is in the font, uncut. */
double drawing_text_width(struct drawing *drawing, const char *text);

/** A bar: how much is the label's share, 0 .. 1, and how much its partner's. */
void drawing_bar(struct drawing *drawing, double x, double y, double width, double share);

/** A picture of drawing_fit's size; rgb is u8 [height, width, 3]. */
void drawing_picture(struct drawing *drawing, double x, double y, uint32_t height, uint32_t width,
                     const uint8_t *rgb);

/**
 * Outline a box of a picture that was drawn at x, y, inside of the box.
 *
 *   box   top, left, height and width, in the picture's own pixels; nothing where one side is 0
 */
void drawing_outline(struct drawing *drawing, enum drawing_ink ink, double x, double y,
                     uint32_t height, uint32_t width, const int32_t box[4]);

#endif
