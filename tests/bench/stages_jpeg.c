/*
 * Stages of our own JPEG decoder, each alone; a picture that is not for it has failed:
 *
 *   jpeg_entropy        every coefficient of the picture is decoded and kept, none transformed
 *   jpeg_skip           every symbol is passed over
 *   jpeg_idct           the coefficients of the whole picture to samples
 *   jpeg_colour         the samples of the whole picture upsampled, and to RGB
 *   jpeg_crop           the rows of the plan's box, from the beginning of the scan
 *   jpeg_crop_samples   the same without upsampling and colours
 *   jpeg_crop_entropy   the same without the IDCT either
 *   jpeg_crop_entered, jpeg_crop_samples_entered, jpeg_crop_entropy_entered
 *                       the same three by the picture's map, where it has entry points
 *
 * decode_crop and huffman_crop are the same by libjpeg-turbo, decode_whole and huffman those of the
 * whole picture.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "daemon/image/jpeg_rows.h"
#include "tests/bench/measure.h"

struct stage {
    const struct data *data;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_tables tables;
    struct jpeg_rows rows;
    struct jpeg_kernel kernel;             /* of a crop, with stages left out */
    struct jpeg_coefficients coefficients; /* of all rows of MCUs, one behind the other */
    struct jpeg_plane planes[JPEG_COMPONENTS_MAX];
    uint8_t *pixels;
    uint8_t *wide[2];
};

static void *stage_open(const struct data *data)
{
    struct stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL)
        data_fail("no memory for a decoder");
    stage->data = data;
    stage->rows.kernel = jpeg_kernel_fastest();
    stage->pixels = malloc(4 * (JPEG_FRAME_SIDE_MAX + 4 * JPEG_KERNEL_EXTRA));
    for (int i = 0; i < 2; i++)
        stage->wide[i] = malloc(JPEG_FRAME_SIDE_MAX + 4 * JPEG_KERNEL_EXTRA);
    if (stage->pixels == NULL || stage->wide[0] == NULL || stage->wide[1] == NULL)
        data_fail("no memory for a decoder");
    stage->jpeg.err = jpeg_std_error(&stage->errors);
    jpeg_create_decompress(&stage->jpeg);
    return stage;
}

static void forget(struct stage *stage)
{
    for (int c = 0; c < JPEG_COMPONENTS_MAX; c++) {
        free(stage->coefficients.block[c]);
        free(stage->coefficients.last[c]);
        free(stage->planes[c].storage);
    }
    memset(&stage->coefficients, 0, sizeof stage->coefficients);
    memset(stage->planes, 0, sizeof stage->planes);
}

static void stage_close(void *state)
{
    struct stage *stage = state;
    forget(stage);
    jpeg_rows_release(&stage->rows);
    jpeg_destroy_decompress(&stage->jpeg);
    free(stage->pixels);
    free(stage->wide[0]);
    free(stage->wide[1]);
    free(stage);
}

static const struct jpeg_frame *frame_of(const struct stage *stage)
{
    return &stage->rows.frame;
}

/* The frame points into the file, and into tables that the next pictures may take. */
static bool prepare_frame(void *state, uint64_t item)
{
    struct stage *stage = state;
    const struct data_picture *picture = data_sample(stage->data, item)->picture;
    jpeg_mem_src(&stage->jpeg, picture->bytes, picture->len);
    jpeg_read_header(&stage->jpeg, TRUE);
    bool own = jpeg_frame_read(&stage->rows.frame, &stage->jpeg, &stage->tables);
    jpeg_abort_decompress(&stage->jpeg);
    return own;
}

static size_t blocks_of(const struct jpeg_frame *frame, uint32_t c)
{
    const struct jpeg_component *component = &frame->components[c];
    return (size_t)frame->mcu_columns * frame->mcu_rows * component->h * component->v;
}

static bool prepare_room(void *state, uint64_t item)
{
    struct stage *stage = state;
    forget(stage);
    if (!prepare_frame(state, item))
        return false;
    stage->coefficients.count = frame_of(stage)->mcu_columns;
    for (uint32_t c = 0; c < frame_of(stage)->component_count; c++) {
        size_t blocks = blocks_of(frame_of(stage), c);
        stage->coefficients.block[c] = calloc(blocks, JPEG_BLOCK_LEN * sizeof(int16_t));
        stage->coefficients.last[c] = calloc(blocks, 1);
        if (stage->coefficients.block[c] == NULL || stage->coefficients.last[c] == NULL)
            data_fail("no memory for coefficients");
        memset(stage->coefficients.block[c], 0, blocks * JPEG_BLOCK_LEN * sizeof(int16_t));
    }
    return true;
}

/* A row's share of the coefficients. */
static struct jpeg_coefficients row_of(const struct stage *stage, uint32_t row)
{
    struct jpeg_coefficients out = stage->coefficients;
    for (uint32_t c = 0; c < frame_of(stage)->component_count; c++) {
        size_t first = blocks_of(frame_of(stage), c) / frame_of(stage)->mcu_rows * row;
        out.block[c] += first * JPEG_BLOCK_LEN;
        out.last[c] += first;
    }
    return out;
}

static bool entropy(void *state, uint64_t item)
{
    struct stage *stage = state;
    (void)item;
    struct jpeg_lane lane;
    jpeg_lane_start(&lane, frame_of(stage));
    for (uint32_t row = 0; row < frame_of(stage)->mcu_rows; row++) {
        struct jpeg_coefficients out = row_of(stage, row);
        if (!jpeg_entropy_keep(frame_of(stage), &lane, &out, 0, out.count))
            return false;
    }
    return true;
}

static bool skip(void *state, uint64_t item)
{
    struct stage *stage = state;
    (void)item;
    struct jpeg_lane lane;
    jpeg_lane_start(&lane, frame_of(stage));
    return jpeg_entropy_skip(frame_of(stage), &lane,
                             frame_of(stage)->mcu_rows * frame_of(stage)->mcu_columns);
}

static bool prepare_idct(void *state, uint64_t item)
{
    struct stage *stage = state;
    if (!prepare_room(state, item) || !entropy(state, item))
        return false;
    for (uint32_t c = 0; c < frame_of(stage)->component_count; c++) {
        struct jpeg_plane *plane = &stage->planes[c];
        uint32_t columns = frame_of(stage)->mcu_columns * frame_of(stage)->components[c].h;
        plane->stride = columns * JPEG_BLOCK_SIDE + (size_t)2 * JPEG_KERNEL_EXTRA;
        size_t bytes =
            (blocks_of(frame_of(stage), c) / columns * JPEG_BLOCK_SIDE + 2) * plane->stride;
        plane->storage = calloc(1, bytes);
        if (plane->storage == NULL)
            data_fail("no memory for samples");
        plane->samples = plane->storage + plane->stride + JPEG_KERNEL_EXTRA;
    }
    return true;
}

static bool idct(void *state, uint64_t item)
{
    struct stage *stage = state;
    (void)item;
    for (uint32_t c = 0; c < frame_of(stage)->component_count; c++) {
        const struct jpeg_component *component = &frame_of(stage)->components[c];
        const struct jpeg_plane *plane = &stage->planes[c];
        uint32_t columns = frame_of(stage)->mcu_columns * component->h;
        for (size_t y = 0; y < blocks_of(frame_of(stage), c) / columns; y++)
            stage->rows.kernel->idct(&stage->coefficients.block[c][y * columns * JPEG_BLOCK_LEN],
                                     &stage->coefficients.last[c][y * columns], component->quant,
                                     columns, plane->samples + y * JPEG_BLOCK_SIDE * plane->stride,
                                     plane->stride);
    }
    return true;
}

static bool prepare_colour(void *state, uint64_t item)
{
    return prepare_idct(state, item) && idct(state, item);
}

/* A row of a colour; what lies beyond the ends does not change the time. */
static const uint8_t *colour_of(struct stage *stage, uint32_t c, uint32_t y)
{
    const struct jpeg_kernel *kernel = stage->rows.kernel;
    const struct jpeg_component *light = &frame_of(stage)->components[0];
    const struct jpeg_plane *plane = &stage->planes[c];
    const uint8_t *near = plane->samples + (size_t)(y / light->v) * plane->stride;
    const uint8_t *far = y % 2 == 0 ? near - plane->stride : near + plane->stride;
    uint32_t samples = frame_of(stage)->components[c].width;
    if (light->h == 1 && light->v == 1)
        return near;
    if (light->v == 1)
        kernel->widen(near, samples, stage->wide[c - 1]);
    else if (light->h == 1)
        kernel->between(near, far, samples, y % 2 == 0, stage->wide[c - 1]);
    else
        kernel->widen_between(near, far, samples, stage->wide[c - 1]);
    return stage->wide[c - 1];
}

static bool colour(void *state, uint64_t item)
{
    struct stage *stage = state;
    const struct jpeg_frame *frame = frame_of(stage);
    (void)item;
    for (uint32_t y = 0; y < frame->height; y++) {
        const uint8_t *light = stage->planes[0].samples + y * stage->planes[0].stride;
        if (frame->component_count == 1)
            stage->rows.kernel->gray(light, frame->width, stage->pixels);
        else
            stage->rows.kernel->colour(light, colour_of(stage, 1, y), colour_of(stage, 2, y),
                                       frame->width, stage->pixels);
    }
    return true;
}

/* Kernels that leave out what comes behind a stage. */
static void no_idct(const int16_t *blocks, const uint8_t *last, const uint16_t *quant,
                    uint32_t count, uint8_t *out, size_t stride)
{
    (void)blocks, (void)last, (void)quant, (void)count, (void)out, (void)stride;
}

static void no_widening(const uint8_t *in, uint32_t count, uint8_t *out)
{
    (void)in, (void)count, (void)out;
}

static void no_widening_between(const uint8_t *near, const uint8_t *far, uint32_t count,
                                uint8_t *out)
{
    (void)near, (void)far, (void)count, (void)out;
}

static void no_row_between(const uint8_t *near, const uint8_t *far, uint32_t count, bool above,
                           uint8_t *out)
{
    (void)near, (void)far, (void)count, (void)above, (void)out;
}

static void no_colour(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint32_t count,
                      uint8_t *rgbx)
{
    (void)y, (void)cb, (void)cr, (void)count, (void)rgbx;
}

enum crop_part { CROP_ENTROPY, CROP_SAMPLES, CROP_ALL };

static void leave_out(struct stage *stage, enum crop_part part)
{
    stage->kernel = *jpeg_kernel_fastest();
    stage->rows.kernel = &stage->kernel;
    if (part == CROP_ENTROPY)
        stage->kernel.idct = no_idct;
    if (part == CROP_ALL)
        return;
    stage->kernel.widen = no_widening;
    stage->kernel.widen_between = no_widening_between;
    stage->kernel.between = no_row_between;
    stage->kernel.colour = no_colour;
    stage->kernel.gray = no_widening;
}

static bool start_crop(struct stage *stage, uint64_t item, bool entered)
{
    const struct data_picture *picture = data_sample(stage->data, item)->picture;
    const struct box *box = &data_sample(stage->data, item)->view.box;
    const struct jpeg_map *map = &picture->map;
    uint64_t from, len;
    if (!entered || !jpeg_map_range(map, box, &from, &len))
        return prepare_frame(stage, item) && jpeg_rows_start(&stage->rows, box) == STK_OK;
    return jpeg_map_frame(map, &stage->tables, &stage->rows.frame) &&
           jpeg_map_place(map, &picture->bytes[from], from, len, &stage->rows.frame) &&
           jpeg_rows_start_entering(&stage->rows, &map->entries, map->scan_len, box) == STK_OK;
}

static bool crop_rows(struct stage *stage, uint64_t item, enum crop_part part, bool entered)
{
    const struct box *box = &data_sample(stage->data, item)->view.box;
    leave_out(stage, part);
    if (!start_crop(stage, item, entered))
        return false;
    for (int32_t y = 0; y < box->height; y++) {
        const uint8_t *row;
        if (jpeg_rows_next(&stage->rows, &row) != STK_OK)
            return false;
    }
    return true;
}

static bool crop(void *state, uint64_t item)
{
    return crop_rows(state, item, CROP_ALL, false);
}

static bool crop_samples(void *state, uint64_t item)
{
    return crop_rows(state, item, CROP_SAMPLES, false);
}

static bool crop_entropy(void *state, uint64_t item)
{
    return crop_rows(state, item, CROP_ENTROPY, false);
}

static bool crop_entered(void *state, uint64_t item)
{
    return crop_rows(state, item, CROP_ALL, true);
}

static bool crop_samples_entered(void *state, uint64_t item)
{
    return crop_rows(state, item, CROP_SAMPLES, true);
}

static bool crop_entropy_entered(void *state, uint64_t item)
{
    return crop_rows(state, item, CROP_ENTROPY, true);
}

#define STAGE(NAME, PREPARE, RUN)                                                                  \
    {                                                                                              \
        .name = NAME, .open = stage_open, .close = stage_close, .prepare = PREPARE, .run = RUN     \
    }

#define MAPPED_STAGE(NAME, RUN)                                                                    \
    {                                                                                              \
        .name = NAME, .maps = true, .open = stage_open, .close = stage_close, .run = RUN           \
    }

const struct work jpeg_works[] = {
    STAGE("jpeg_entropy", prepare_room, entropy),
    STAGE("jpeg_skip", prepare_frame, skip),
    STAGE("jpeg_idct", prepare_idct, idct),
    STAGE("jpeg_colour", prepare_colour, colour),
    STAGE("jpeg_crop", NULL, crop),
    STAGE("jpeg_crop_samples", NULL, crop_samples),
    STAGE("jpeg_crop_entropy", NULL, crop_entropy),
    MAPPED_STAGE("jpeg_crop_entered", crop_entered),
    MAPPED_STAGE("jpeg_crop_samples_entered", crop_samples_entered),
    MAPPED_STAGE("jpeg_crop_entropy_entered", crop_entropy_entered),
    {0},
};
