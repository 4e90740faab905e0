/*
 * JPEGs of every kind that libjpeg-turbo writes, drawn and chosen at random, for tests and tools.
 *
 * Everything is a function of random_state, so a case is repeated by setting it.
 */
#ifndef STK_TESTS_WRITE_JPEG_H
#define STK_TESTS_WRITE_JPEG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "daemon/base/check.h"

static uint64_t random_state = 1;

static inline uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % limit);
}

/* Begin the randomness of a numbered case: neighbours have nothing in common. */
static inline void random_begin(uint64_t seed, uint64_t number)
{
    random_state = (seed * 0x9e3779b97f4a7c15u + number) * 0xbf58476d1ce4e5b9u;
    random_state ^= random_state >> 29;
    random_below(2);
}

enum content {
    CONTENT_SLOPES, /* of changing length, with a share of noise: every coefficient is met */
    CONTENT_NOISE,
    CONTENT_TILES, /* flat, with sharp edges: blocks of a DC alone */
    CONTENT_HILLS, /* smooth at two scales, crossed by edges, a little noise: like a photograph */
    CONTENTS,
};

/* How a test's JPEG is written. */
struct kind {
    const char *name;
    J_COLOR_SPACE colour;   /* in the file */
    int h, v;               /* sampling of the first component and the fourth; else 1 */
    uint8_t sampling[4][2]; /* h and v of every component, where the first is not 0 */
    bool progressive;
    bool apart; /* sequential, a scan a component */
    bool arithmetic;
    bool partial; /* progressive, without the fine coefficients: decoders smooth it */
    int restart;  /* MCUs */
    int restart_rows;
    bool odd_tables; /* such as no encoder makes, where they are not optimised */
    enum content content;
};

struct jpeg {
    unsigned char *bytes;
    unsigned long len;
    uint32_t height;
    uint32_t width;
};

static inline bool has_ink(const struct kind *kind)
{
    return kind->colour == JCS_CMYK || kind->colour == JCS_YCCK;
}

static inline int components_of(const struct kind *kind)
{
    return kind->colour == JCS_GRAYSCALE ? 1 : has_ink(kind) ? 4 : 3;
}

static inline void set_colours(struct jpeg_compress_struct *jpeg, const struct kind *kind)
{
    bool gray = kind->colour == JCS_GRAYSCALE;
    jpeg->in_color_space = gray ? JCS_GRAYSCALE : has_ink(kind) ? JCS_CMYK : JCS_RGB;
    jpeg->input_components = components_of(kind);
    jpeg_set_defaults(jpeg);
    jpeg_set_colorspace(jpeg, kind->colour);
    for (int i = 0; i < jpeg->input_components; i++) {
        bool full = i == 0 || i == 3;
        bool given = kind->sampling[0][0] > 0;
        jpeg->comp_info[i].h_samp_factor = given ? kind->sampling[i][0] : full ? kind->h : 1;
        jpeg->comp_info[i].v_samp_factor = given ? kind->sampling[i][1] : full ? kind->v : 1;
    }
}

static inline uint8_t clipped(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* What a picture's pixels are made of. */
struct drawing {
    enum content content;
    uint32_t noise;
    uint32_t seed;
};

/* A value of a lattice, the same whenever it is asked for. */
static inline int knot(const struct drawing *drawing, uint32_t x, uint32_t y, uint32_t c)
{
    uint32_t hash = (drawing->seed + x * 0x9e3779b1u) ^ (y * 0x85ebca77u + c * 0xc2b2ae3du);
    hash = (hash ^ hash >> 15) * 0x2c1b3c6du;
    return (int)((hash ^ hash >> 13) & 255);
}

/* The lattice's values with straight lines between them, knots spacing apart. */
static inline int hill(const struct drawing *drawing, uint32_t x, uint32_t y, uint32_t c,
                       uint32_t spacing)
{
    uint32_t i = x / spacing, j = y / spacing;
    int n = (int)spacing, u = (int)(x % spacing), v = (int)(y % spacing);
    int above = knot(drawing, i, j, c) * (n - u) + knot(drawing, i + 1, j, c) * u;
    int below = knot(drawing, i, j + 1, c) * (n - u) + knot(drawing, i + 1, j + 1, c) * u;
    return (above * (n - v) + below * v) / (n * n);
}

static inline int some_noise(uint32_t noise)
{
    return (int)random_below(2 * noise + 1) - (int)noise;
}

static inline uint8_t sample_at(const struct drawing *drawing, uint32_t x, uint32_t y, uint32_t c)
{
    switch (drawing->content) {
    case CONTENT_NOISE:
        return (uint8_t)random_below(256);
    case CONTENT_TILES:
        return (uint8_t)knot(drawing, x / 21, y / 13, c);
    case CONTENT_HILLS: {
        int edge = (x * 3 + y * 2 + drawing->seed % 64) / 97 % 2 == 0 ? 30 : -30;
        int smooth = (3 * hill(drawing, x, y, c, 64) + hill(drawing, x, y, c, 9)) / 4;
        return clipped(smooth + edge + some_noise(4));
    }
    default: {
        int slope = (int)((x * (c + 2) + y * y / 16) % 256);
        return clipped(slope + some_noise(drawing->noise));
    }
    }
}

static inline void draw_row(const struct drawing *drawing, uint8_t *row, uint32_t width,
                            uint32_t components, uint32_t y)
{
    for (uint32_t x = 0; x < width; x++) {
        for (uint32_t c = 0; c < components; c++)
            row[x * components + c] = sample_at(drawing, x, y, c);
    }
}

/* Scans of a sequential file, one a component. */
static inline int scans_apart(int components, jpeg_scan_info scans[4])
{
    for (int i = 0; i < components; i++)
        scans[i] = (jpeg_scan_info){1, {i}, 0, 63, 0, 0};
    return components;
}

/* Scans of a progressive file that ends early; with more than one component the first gets a few
 * coefficients behind the DC. */
static inline int scans_partial(int components, jpeg_scan_info scans[4])
{
    scans[0] = (jpeg_scan_info){components, {0, 1, 2, 3}, 0, 0, 0, 1};
    scans[1] = (jpeg_scan_info){1, {0}, 1, 5, 0, 2};
    return components > 1 ? 2 : 1;
}

static inline void set_scans(struct jpeg_compress_struct *jpeg, const struct kind *kind,
                             jpeg_scan_info scans[4])
{
    if (kind->progressive)
        jpeg_simple_progression(jpeg);
    if (!kind->apart && !kind->partial)
        return;
    jpeg->num_scans = kind->apart ? scans_apart(jpeg->num_components, scans)
                                  : scans_partial(jpeg->num_components, scans);
    jpeg->scan_info = scans;
}

static inline void write_rows(struct jpeg_compress_struct *jpeg, const struct drawing *drawing)
{
    uint8_t *row = malloc((size_t)jpeg->image_width * 4);
    CHECK(row != NULL);
    while (jpeg->next_scanline < jpeg->image_height) {
        draw_row(drawing, row, jpeg->image_width, (uint32_t)jpeg->input_components,
                 jpeg->next_scanline);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    free(row);
}

/* Write a drawing; scans are the caller's where they are given.  file.bytes is the caller's. */
/* Symbols in any order; codes of the usual lengths, or all of one length.  There is no code of all
 * ones. */
static inline void shuffle_codes(JHUFF_TBL *table, bool same_length)
{
    int count = 0;
    for (int i = 1; i <= 16; i++)
        count += table->bits[i];
    for (int i = count - 1; i > 0; i--) {
        int other = (int)random_below((uint32_t)i + 1);
        UINT8 symbol = table->huffval[i];
        table->huffval[i] = table->huffval[other];
        table->huffval[other] = symbol;
    }
    if (!same_length)
        return;
    int least = 1;
    while (1 << least <= count)
        least++;
    memset(table->bits, 0, sizeof table->bits);
    table->bits[least + (int)random_below((uint32_t)(17 - least))] = (UINT8)count;
}

static inline void set_odd_tables(struct jpeg_compress_struct *jpeg)
{
    bool same_length = random_below(2) == 0;
    for (int i = 0; i < 2; i++) {
        shuffle_codes(jpeg->dc_huff_tbl_ptrs[i], same_length);
        shuffle_codes(jpeg->ac_huff_tbl_ptrs[i], same_length);
        for (int k = 0; k < DCTSIZE2 && jpeg->quant_tbl_ptrs[i] != NULL; k++)
            jpeg->quant_tbl_ptrs[i]->quantval[k] = (UINT16)(1 + random_below(255));
    }
}

static inline struct jpeg write_jpeg(const struct kind *kind, uint32_t height, uint32_t width,
                                     const jpeg_scan_info *scans, int scan_count)
{
    struct jpeg file = {.height = height, .width = width};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg_scan_info own_scans[4];
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file.bytes, &file.len);
    jpeg.image_height = height;
    jpeg.image_width = width;
    set_colours(&jpeg, kind);
    jpeg_set_quality(&jpeg, 1 + (int)random_below(100), TRUE);
    jpeg.arith_code = kind->arithmetic;
    jpeg.optimize_coding = !kind->arithmetic && random_below(2) == 0;
    if (kind->odd_tables)
        set_odd_tables(&jpeg);
    jpeg.restart_interval = (unsigned)kind->restart;
    jpeg.restart_in_rows = kind->restart_rows;
    set_scans(&jpeg, kind, own_scans);
    if (scans != NULL) {
        jpeg.scan_info = scans;
        jpeg.num_scans = scan_count;
    }
    jpeg_start_compress(&jpeg, TRUE);
    struct drawing drawing = {kind->content, random_below(3) * 60, random_below(1u << 30)};
    write_rows(&jpeg, &drawing);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return file;
}

/* Whether libjpeg-turbo can: whole ratios, and ten blocks an MCU at most. */
static inline bool sampling_fits(const struct kind *kind)
{
    int h_max = 1, v_max = 1, blocks = 0;
    for (int i = 0; i < components_of(kind); i++) {
        int h = kind->sampling[i][0], v = kind->sampling[i][1];
        h_max = h > h_max ? h : h_max;
        v_max = v > v_max ? v : v_max;
        blocks += h * v;
    }
    for (int i = 0; i < components_of(kind); i++) {
        if (h_max % kind->sampling[i][0] != 0 || v_max % kind->sampling[i][1] != 0)
            return false;
    }
    return blocks <= 10;
}

/* The samplings of cameras and encoders, or any one for every component. */
static inline void choose_sampling(struct kind *kind)
{
    static const uint8_t usual[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {4, 2}, {1, 4}};
    const uint8_t *first = usual[random_below(sizeof usual / sizeof usual[0])];
    kind->h = has_ink(kind) && first[0] > 2 ? 2 : first[0];
    kind->v = has_ink(kind) && first[1] > 2 ? 2 : first[1];
    if (random_below(3) > 0)
        return;
    do {
        for (int i = 0; i < 4; i++) {
            kind->sampling[i][0] = (uint8_t)(1 + random_below(4));
            kind->sampling[i][1] = (uint8_t)(1 + random_below(4));
        }
    } while (!sampling_fits(kind));
}

static inline struct kind random_kind(void)
{
    static const J_COLOR_SPACE colours[] = {JCS_YCbCr, JCS_YCbCr, JCS_YCbCr,
                                            JCS_YCbCr, JCS_YCbCr, JCS_GRAYSCALE,
                                            JCS_RGB,   JCS_CMYK,  JCS_YCCK};
    struct kind kind = {.name = "random",
                        .colour = colours[random_below(sizeof colours / sizeof colours[0])],
                        .progressive = random_below(3) == 0,
                        .arithmetic = random_below(8) == 0,
                        .content = random_below(CONTENTS)};
    choose_sampling(&kind);
    kind.apart = !kind.progressive && random_below(8) == 0;
    kind.partial = kind.progressive && random_below(4) == 0;
    if (random_below(3) == 0)
        kind.restart = (int)(1 + random_below(random_below(2) ? 3 : 40));
    else if (random_below(3) == 0)
        kind.restart_rows = (int)(1 + random_below(3));
    return kind;
}

/* Sides of all magnitudes up to the largest. */
static inline uint32_t random_side(uint32_t largest)
{
    const uint32_t limits[] = {40, largest / 3, largest};
    return 1 + random_below(limits[random_below(3)]);
}

enum { KIND_TEXT_BYTES = 256 };

/* Say what a file is, for a person. */
static inline const char *kind_text(const struct kind *kind, char text[KIND_TEXT_BYTES])
{
    static const char *const colours[] = {
        [JCS_GRAYSCALE] = "gray", [JCS_RGB] = "RGB",   [JCS_YCbCr] = "YCbCr",
        [JCS_CMYK] = "CMYK",      [JCS_YCCK] = "YCCK",
    };
    static const char *const contents[] = {"slopes", "noise", "tiles", "hills"};
    int len = snprintf(text, KIND_TEXT_BYTES, "%s", colours[kind->colour]);
    for (int i = 0; i < components_of(kind) && kind->sampling[0][0] > 0; i++)
        len += snprintf(&text[len], (size_t)(KIND_TEXT_BYTES - len), " %dx%d", kind->sampling[i][0],
                        kind->sampling[i][1]);
    if (kind->sampling[0][0] == 0)
        len += snprintf(&text[len], (size_t)(KIND_TEXT_BYTES - len), " %dx%d", kind->h, kind->v);
    snprintf(&text[len], (size_t)(KIND_TEXT_BYTES - len),
             " of %s%s%s%s%s, restarts %d MCUs %d rows", contents[kind->content],
             kind->progressive ? ", progressive" : "", kind->partial ? " in part" : "",
             kind->apart ? ", a scan a component" : "", kind->arithmetic ? ", arithmetic" : "",
             kind->restart, kind->restart_rows);
    return text;
}

#endif
