/*
 * Lettering: words as a shape, from a font of capital letters drawn with a round pen.
 */
#ifndef STK_DEMO_FONT_H
#define STK_DEMO_FONT_H

#include "tests/demo/canvas.h"
#include "tests/demo/shape.h"

enum {
    TEXT_LINES_MAX = 3,
    TEXT_LETTERS_MAX = 10,   /* a line */
    GLYPH_SEGMENTS_MAX = 13, /* a letter */
};

struct glyph {
    unsigned count;
    struct segment segments[GLYPH_SEGMENTS_MAX];
};

/* Lines of text, centred on (0, 0); a letter is 4 units wide and 6 high. */
struct text {
    float pen; /* half the pen's width in units */
    unsigned line_count;
    unsigned letter_counts[TEXT_LINES_MAX];
    struct glyph glyphs[TEXT_LINES_MAX][TEXT_LETTERS_MAX];
};

/** Set lines of text; a line is 1 .. TEXT_LETTERS_MAX letters, A to Z, and is cut behind that. */
void text_init(struct text *text, const char *const *lines, unsigned line_count, float pen);

/** How much room the text takes, in units. */
float text_height(const struct text *text);
float text_width(const struct text *text);

/** A shape_distance of a struct text. */
float text_distance(const void *shape, struct point at);

#endif
