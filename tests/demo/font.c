/*
 * Lettering: each letter is a few strokes over a grid of 5 x 7 points.
 */
#include "tests/demo/font.h"

#include <string.h>

static const float letter_step = 5.8f; /* units from a letter to the next */
static const float line_step = 8.6f;   /* units from a line to the next */

/* Strokes are separated by a blank; a point is two digits, column (0 .. 4) and row (0 .. 6). */
static const char *const letters[26] = {
    "062046 1434",                  /* A */
    "0006 003041423303 3344453606", /* B */
    "4130100105163645",             /* C */
    "00304145360600",               /* D */
    "40000646 0333",                /* E */
    "400006 0333",                  /* F */
    "41301001051636454323",         /* G */
    "0006 4046 0343",               /* H */
    "1030 2026 1636",               /* I */
    "4045361605",                   /* J */
    "0006 400346",                  /* K */
    "000646",                       /* L */
    "0600234046",                   /* M */
    "06004640",                     /* N */
    "103041453616050110",           /* O */
    "06003041423303",               /* P */
    "103041453616050110 2446",      /* Q */
    "06003041423303 2346",          /* R */
    "413010010213334445361605",     /* S */
    "0040 2026",                    /* T */
    "000516364540",                 /* U */
    "002640",                       /* V */
    "0016233640",                   /* W */
    "0046 4006",                    /* X */
    "002340 2326",                  /* Y */
    "00400646",                     /* Z */
};

static struct point grid_point(const char *digits)
{
    return (struct point){(float)(digits[0] - '0'), (float)(digits[1] - '0')};
}

static void glyph_init(struct glyph *glyph, char letter)
{
    const char *stroke = letters[letter - 'A'];
    glyph->count = 0;
    while (*stroke != '\0') {
        size_t len = strcspn(stroke, " ");
        for (size_t i = 0; i + 4 <= len; i += 2) {
            glyph->segments[glyph->count++] =
                segment_of(grid_point(stroke + i), grid_point(stroke + i + 2));
        }
        stroke += len;
        stroke += *stroke == ' ';
    }
}

void text_init(struct text *text, const char *const *lines, unsigned line_count, float pen)
{
    text->pen = pen;
    text->line_count = line_count;
    for (unsigned line = 0; line < line_count; line++) {
        size_t len = strlen(lines[line]);
        text->letter_counts[line] = len < TEXT_LETTERS_MAX ? (unsigned)len : TEXT_LETTERS_MAX;
        for (unsigned i = 0; i < text->letter_counts[line]; i++)
            glyph_init(&text->glyphs[line][i], lines[line][i]);
    }
}

/* A line's width: the last letter has no space behind it. */
static float line_width(unsigned letter_count)
{
    return (float)letter_count * letter_step - (letter_step - 4.0f);
}

float text_height(const struct text *text)
{
    return (float)text->line_count * line_step - (line_step - 6.0f) + 2.0f * text->pen;
}

float text_width(const struct text *text)
{
    float widest = 0.0f;
    for (unsigned line = 0; line < text->line_count; line++) {
        float width = line_width(text->letter_counts[line]);
        widest = width > widest ? width : widest;
    }
    return widest + 2.0f * text->pen;
}

/* The cell that a coordinate falls into, 0 .. count - 1; the outer ones reach on for ever. */
static unsigned cell_of(float along, float step, unsigned count)
{
    return (unsigned)clamp_of((float)floor_of(along / step), 0.0f, (float)(count - 1));
}

float text_distance(const void *shape, struct point at)
{
    const struct text *text = shape;
    float top = 0.5f * text_height(text) - text->pen;
    float down = at.y + top;
    unsigned line = cell_of(down + (line_step - 6.0f) * 0.5f, line_step, text->line_count);
    float across = at.x + 0.5f * line_width(text->letter_counts[line]);
    unsigned i =
        cell_of(across + (letter_step - 4.0f) * 0.5f, letter_step, text->letter_counts[line]);
    const struct glyph *glyph = &text->glyphs[line][i];
    struct point local = {across - (float)i * letter_step, down - (float)line * line_step};
    float nearest = 1e9f;
    for (unsigned s = 0; s < glyph->count; s++) {
        float distance = segment_distance2(&glyph->segments[s], local);
        nearest = distance < nearest ? distance : nearest;
    }
    return sqrtf(nearest) - text->pen;
}
