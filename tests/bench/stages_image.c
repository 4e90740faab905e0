/*
 * Stages of a picture, as a worker goes through them, each alone on one decoder a thread:
 *
 *   header               image_decoder_begin
 *   decode               the rows and columns of the plan's box to RGB, through decode.c
 *   decode_library       the same by libjpeg-turbo alone
 *   decode_entered       the same from the bytes that the picture's map names, as an index has it
 *   decode_collecting    decode, while the picture's map is collected
 *   map                  image_map of the picture
 *   resize               rows of RGB to rows of the slot; they were decoded before
 *   slot_DTYPE_LAYOUT    all of that into a slot of that format: what a worker does for a picture
 *   slot_entered         the same, u8 nhwc, by the picture's map
 *   format_DTYPE_LAYOUT  resized rows into such a slot
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/image/decode.h"
#include "daemon/image/format.h"
#include "daemon/image/resize.h"
#include "tests/bench/measure.h"

enum { ROW_PIXEL_BYTES = 4 }; /* of decode_next */

/* Everything that one of these stages needs; each leaves out what it does not. */
struct stage {
    const struct data *data;
    struct image_format format;
    struct image_decoder *decoder;
    struct decode *decode;
    struct resize resize;
    uint8_t *slots; /* a batch of them, so that writing costs what it costs there */
    uint8_t *rows;  /* uint8 [rows.height, rows.width + extra, 4] of the picture decoded last */
    size_t row_bytes;
    uint32_t row_count;
};

static struct stage *stage_open(const struct data *data, enum stk_dtype dtype,
                                enum stk_layout layout)
{
    const struct recipe *recipe = &data->phase->recipe;
    struct stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL || image_decoder_open(&DATA_LIMITS(data), &stage->decoder) != STK_OK ||
        decode_open(&DATA_LIMITS(data), &stage->decode) != STK_OK)
        data_fail("no memory for a decoder");
    stage->data = data;
    stage->resize.kernel = kernel_fastest();
    image_format_init(&stage->format, recipe->height, recipe->width, dtype, layout, recipe->mean,
                      recipe->std);
    size_t bytes = data->batch * image_format_bytes(&stage->format);
    stage->slots = malloc(bytes);
    if (stage->slots == NULL)
        data_fail("no memory for a batch");
    memset(stage->slots, 1, bytes);
    return stage;
}

static void stage_close(void *state)
{
    struct stage *stage = state;
    image_decoder_close(&stage->decoder);
    decode_close(&stage->decode);
    resize_release(&stage->resize);
    free(stage->slots);
    free(stage->rows);
    free(stage);
}

static void *open_u8_nhwc(const struct data *data)
{
    return stage_open(data, STK_U8, STK_NHWC);
}

static void *open_library(const struct data *data)
{
    struct stage *stage = stage_open(data, STK_U8, STK_NHWC);
    decode_by_library_alone(stage->decode);
    return stage;
}

static void *open_u8_nchw(const struct data *data)
{
    return stage_open(data, STK_U8, STK_NCHW);
}

static void *open_f32_nhwc(const struct data *data)
{
    return stage_open(data, STK_F32, STK_NHWC);
}

static void *open_f32_nchw(const struct data *data)
{
    return stage_open(data, STK_F32, STK_NCHW);
}

static void *open_f16_nchw(const struct data *data)
{
    return stage_open(data, STK_F16, STK_NCHW);
}

static void *open_bf16_nchw(const struct data *data)
{
    return stage_open(data, STK_BF16, STK_NCHW);
}

static uint8_t *slot_of(const struct stage *stage, uint64_t item)
{
    return stage->slots + item % stage->data->batch * image_format_bytes(&stage->format);
}

static bool begin(struct stage *stage, const struct data_sample *sample)
{
    char reason[IMAGE_REASON_BYTES];
    uint32_t height, width;
    return image_decoder_begin(stage->decoder, sample->picture->bytes, sample->picture->len,
                               &height, &width, reason) == STK_OK;
}

static bool header(void *state, uint64_t item)
{
    struct stage *stage = state;
    return begin(stage, data_sample(stage->data, item));
}

static bool fill_slot(void *state, uint64_t item)
{
    struct stage *stage = state;
    const struct data_sample *sample = data_sample(stage->data, item);
    char reason[IMAGE_REASON_BYTES];
    return begin(stage, sample) &&
           image_decoder_finish(stage->decoder, &sample->view, sample->flip, &stage->format,
                                slot_of(stage, item), reason) == STK_OK;
}

/* A picture whose map has no entry points is begun as a whole. */
static bool fill_slot_entered(void *state, uint64_t item)
{
    struct stage *stage = state;
    const struct data_sample *sample = data_sample(stage->data, item);
    const struct data_picture *picture = sample->picture;
    char reason[IMAGE_REASON_BYTES];
    uint64_t from, len;
    bool begun = image_map_range(&picture->map, &sample->view, &stage->format, &from, &len)
                     ? image_decoder_enter(stage->decoder, &picture->map, &picture->bytes[from],
                                           from, len) == STK_OK
                     : begin(stage, sample);
    return begun && image_decoder_finish(stage->decoder, &sample->view, sample->flip,
                                         &stage->format, slot_of(stage, item), reason) == STK_OK;
}

static bool map(void *state, uint64_t item)
{
    struct stage *stage = state;
    const struct data_picture *picture = data_sample(stage->data, item)->picture;
    char reason[IMAGE_REASON_BYTES];
    struct jpeg_map made;
    return image_map(stage->decoder, picture->bytes, picture->len, picture->len / 40, &made,
                     reason) == STK_OK;
}

static bool begin_rows(struct stage *stage, const struct data_picture *picture)
{
    char reason[IMAGE_REASON_BYTES];
    uint32_t height, width;
    return decode_begin(stage->decode, picture->bytes, picture->len, &height, &width, reason) ==
           STK_OK;
}

/* Decode a rectangle of what was begun; its rows are copied to keep, unless that is NULL. */
static bool decode_rows(struct stage *stage, const struct box *box, uint8_t *keep)
{
    char reason[IMAGE_REASON_BYTES];
    if (decode_start(stage->decode, box, reason) != STK_OK)
        return false;
    size_t row_bytes = (size_t)box->width * ROW_PIXEL_BYTES;
    for (int32_t y = 0; y < box->height; y++) {
        const uint8_t *row;
        if (decode_next(stage->decode, &row, reason) != STK_OK)
            return false;
        if (keep != NULL)
            memcpy(keep + (size_t)y * stage->row_bytes, row, row_bytes);
    }
    decode_finish(stage->decode);
    decode_end(stage->decode);
    return true;
}

static bool decode(void *state, uint64_t item)
{
    struct stage *stage = state;
    const struct data_sample *sample = data_sample(stage->data, item);
    return begin_rows(stage, sample->picture) && decode_rows(stage, &sample->view.box, NULL);
}

static bool decode_entered(void *state, uint64_t item)
{
    struct stage *stage = state;
    const struct data_sample *sample = data_sample(stage->data, item);
    const struct data_picture *picture = sample->picture;
    uint64_t from, len;
    bool begun =
        jpeg_map_range(&picture->map, &sample->view.box, &from, &len)
            ? decode_enter(stage->decode, &picture->map, &picture->bytes[from], from, len) == STK_OK
            : begin_rows(stage, picture);
    return begun && decode_rows(stage, &sample->view.box, NULL);
}

static bool decode_collecting(void *state, uint64_t item)
{
    struct stage *stage = state;
    decode_collect(stage->decode, data_sample(stage->data, item)->picture->len / 40);
    return decode(state, item);
}

static bool set_resize(struct stage *stage, const struct data_sample *sample, struct box *needed)
{
    return resize_set(&stage->resize, &sample->view, stage->format.interpolation,
                      stage->format.height, stage->format.width, sample->flip, needed) == STK_OK;
}

static bool prepare_resize(void *state, uint64_t item)
{
    struct stage *stage = state;
    const struct data_sample *sample = data_sample(stage->data, item);
    struct box needed;
    if (!set_resize(stage, sample, &needed))
        return false;
    stage->row_bytes = ((size_t)needed.width + KERNEL_SOURCE_PIXELS_EXTRA) * ROW_PIXEL_BYTES;
    stage->row_count = (uint32_t)needed.height;
    free(stage->rows);
    stage->rows = calloc((size_t)needed.height, stage->row_bytes);
    return stage->rows != NULL && begin_rows(stage, sample->picture) &&
           decode_rows(stage, &needed, stage->rows);
}

static bool resize(void *state, uint64_t item)
{
    struct stage *stage = state;
    struct box needed;
    if (!set_resize(stage, data_sample(stage->data, item), &needed))
        return false;
    uint32_t pushed = 0;
    for (uint32_t y = 0; y < stage->format.height; y++) {
        while (resize_wants(&stage->resize, y))
            resize_push(&stage->resize, stage->rows + pushed++ * stage->row_bytes);
        resize_take(&stage->resize, y,
                    format_row_in_place(&stage->format, slot_of(stage, item), y));
    }
    return pushed == stage->row_count;
}

/* The rows of a picture, made up: the time does not depend on what is in them. */
static bool prepare_format(void *state, uint64_t item)
{
    struct stage *stage = state;
    (void)item;
    if (stage->rows != NULL)
        return true;
    stage->row_bytes = (size_t)stage->format.width * 3;
    stage->rows = malloc(stage->format.height * stage->row_bytes);
    if (stage->rows == NULL)
        return false;
    for (size_t i = 0; i < stage->format.height * stage->row_bytes; i++)
        stage->rows[i] = (uint8_t)(i * 2654435761u >> 24);
    return true;
}

static bool format(void *state, uint64_t item)
{
    struct stage *stage = state;
    uint8_t *slot = slot_of(stage, item);
    for (uint32_t y = 0; y < stage->format.height; y++)
        format_write_row(&stage->format, stage->rows + y * stage->row_bytes, y, slot);
    return true;
}

#define STAGE(NAME, OPEN, PREPARE, RUN)                                                            \
    {                                                                                              \
        .name = NAME, .open = OPEN, .close = stage_close, .prepare = PREPARE, .run = RUN           \
    }
#define MAPPED_STAGE(NAME, RUN)                                                                    \
    {                                                                                              \
        .name = NAME, .maps = true, .open = open_u8_nhwc, .close = stage_close, .run = RUN         \
    }

const struct work image_works[] = {
    STAGE("header", open_u8_nhwc, NULL, header),
    STAGE("decode", open_u8_nhwc, NULL, decode),
    STAGE("decode_library", open_library, NULL, decode),
    MAPPED_STAGE("decode_entered", decode_entered),
    STAGE("decode_collecting", open_u8_nhwc, NULL, decode_collecting),
    STAGE("map", open_u8_nhwc, NULL, map),
    STAGE("resize", open_u8_nhwc, prepare_resize, resize),
    STAGE("slot_u8_nhwc", open_u8_nhwc, NULL, fill_slot),
    MAPPED_STAGE("slot_entered", fill_slot_entered),
    STAGE("slot_u8_nchw", open_u8_nchw, NULL, fill_slot),
    STAGE("slot_f32_nhwc", open_f32_nhwc, NULL, fill_slot),
    STAGE("slot_f32_nchw", open_f32_nchw, NULL, fill_slot),
    STAGE("format_u8_nchw", open_u8_nchw, prepare_format, format),
    STAGE("format_f32_nhwc", open_f32_nhwc, prepare_format, format),
    STAGE("format_f32_nchw", open_f32_nchw, prepare_format, format),
    STAGE("format_f16_nchw", open_f16_nchw, prepare_format, format),
    STAGE("format_bf16_nchw", open_bf16_nchw, prepare_format, format),
    {0},
};
