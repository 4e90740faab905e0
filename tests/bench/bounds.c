/*
 * Bounds: the least that libjpeg-turbo and memory ask for a picture, without any of our code.
 *
 *   decode_whole   every row and column to RGB: islow IDCT, fancy upsampling
 *   decode_crop    only the rows of the plan's box and above it, and of the former only the
 *                  columns of the box with one iMCU on either side, which upsampling reads
 *   huffman        jpeg_read_coefficients: every coefficient is decoded and kept, none transformed
 *   huffman_crop   jpeg_skip_scanlines down to the box's last row: Huffman decoding alone, as far
 *                  as decode_crop reads the file
 *   memcpy         a batch of pictures from memory to memory
 *
 * The decoder object is kept from picture to picture.  Progressive files are decoded whole by
 * either, because all of their scans must be read.
 */
#include "tests/bench/measure.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

struct bare {
    const struct data *data;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    uint8_t *row;
};

_Noreturn static void on_error(j_common_ptr jpeg)
{
    struct bare *bare = jpeg->client_data;
    longjmp(bare->failed, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    (void)jpeg;
    (void)level;
}

static uint32_t widest(const struct data *data)
{
    uint32_t width = 0;
    for (uint64_t i = 0; i < data->picture_count; i++)
        width = data->pictures[i].width > width ? data->pictures[i].width : width;
    return width;
}

static void *bare_open(const struct data *data)
{
    struct bare *bare = calloc(1, sizeof *bare);
    /* CMYK has four components, and a cropped row may be an iMCU longer. */
    uint8_t *row = calloc(widest(data) + 64, 4);
    if (bare == NULL || row == NULL)
        data_fail("no memory");
    bare->data = data;
    bare->row = row;
    bare->jpeg.err = jpeg_std_error(&bare->errors);
    bare->errors.error_exit = on_error;
    bare->errors.emit_message = on_message;
    jpeg_create_decompress(&bare->jpeg);
    bare->jpeg.client_data = bare;
    return bare;
}

static void bare_close(void *state)
{
    struct bare *bare = state;
    jpeg_destroy_decompress(&bare->jpeg);
    free(bare->row);
    free(bare);
}

static void read_header(struct bare *bare, uint64_t item)
{
    const struct data_picture *picture = data_sample(bare->data, item)->picture;
    jpeg_mem_src(&bare->jpeg, picture->bytes, picture->len);
    jpeg_read_header(&bare->jpeg, TRUE);
    bare->jpeg.dct_method = JDCT_ISLOW;
    bare->jpeg.do_fancy_upsampling = TRUE;
    bare->jpeg.out_color_space = bare->jpeg.num_components == 4 ? JCS_CMYK : JCS_EXT_RGBX;
}

static void read_rows(struct bare *bare, JDIMENSION end)
{
    JSAMPROW rows[1] = {bare->row};
    while (bare->jpeg.output_scanline < end)
        jpeg_read_scanlines(&bare->jpeg, rows, 1);
}

static bool decode_whole(void *state, uint64_t item)
{
    struct bare *bare = state;
    if (setjmp(bare->failed) == 0) {
        read_header(bare, item);
        jpeg_start_decompress(&bare->jpeg);
        read_rows(bare, bare->jpeg.output_height);
        jpeg_abort_decompress(&bare->jpeg);
        return true;
    }
    jpeg_abort_decompress(&bare->jpeg);
    return false;
}

static void leave_out_columns(struct bare *bare, const struct box *box)
{
    JDIMENSION imcu = (JDIMENSION)bare->jpeg.max_h_samp_factor * DCTSIZE;
    JDIMENSION left = (JDIMENSION)box->left;
    JDIMENSION end = left + (JDIMENSION)box->width;
    JDIMENSION from = left < imcu ? 0 : left - imcu;
    JDIMENSION to = bare->jpeg.output_width - end < imcu ? bare->jpeg.output_width : end + imcu;
    JDIMENSION width = to - from;
    jpeg_crop_scanline(&bare->jpeg, &from, &width);
}

static bool decode_crop(void *state, uint64_t item)
{
    struct bare *bare = state;
    if (setjmp(bare->failed) == 0) {
        const struct box *box = &data_sample(bare->data, item)->view.box;
        read_header(bare, item);
        jpeg_start_decompress(&bare->jpeg);
        leave_out_columns(bare, box);
        if (box->top > 0)
            jpeg_skip_scanlines(&bare->jpeg, (JDIMENSION)box->top);
        read_rows(bare, (JDIMENSION)(box->top + box->height));
        jpeg_abort_decompress(&bare->jpeg);
        return true;
    }
    jpeg_abort_decompress(&bare->jpeg);
    return false;
}

static bool huffman(void *state, uint64_t item)
{
    struct bare *bare = state;
    if (setjmp(bare->failed) == 0) {
        read_header(bare, item);
        jpeg_read_coefficients(&bare->jpeg);
        jpeg_abort_decompress(&bare->jpeg);
        return true;
    }
    jpeg_abort_decompress(&bare->jpeg);
    return false;
}

/* Skipping all rows to the end would not even read them, so the last one stays. */
static bool huffman_crop(void *state, uint64_t item)
{
    struct bare *bare = state;
    if (setjmp(bare->failed) == 0) {
        const struct box *box = &data_sample(bare->data, item)->view.box;
        read_header(bare, item);
        jpeg_start_decompress(&bare->jpeg);
        if (box->top + box->height > 1)
            jpeg_skip_scanlines(&bare->jpeg, (JDIMENSION)(box->top + box->height - 1));
        jpeg_abort_decompress(&bare->jpeg);
        return true;
    }
    jpeg_abort_decompress(&bare->jpeg);
    return false;
}

struct copy {
    size_t bytes;
    uint8_t *from;
    uint8_t *to;
};

static void *copy_open(const struct data *data)
{
    struct copy *copy = malloc(sizeof *copy);
    size_t bytes = data->batch * data->phase->layout.slot_bytes;
    uint8_t *from = malloc(bytes);
    uint8_t *to = malloc(bytes);
    if (copy == NULL || from == NULL || to == NULL)
        data_fail("no memory");
    memset(from, 1, bytes);
    memset(to, 2, bytes);
    *copy = (struct copy){bytes, from, to};
    return copy;
}

static void copy_close(void *state)
{
    struct copy *copy = state;
    free(copy->from);
    free(copy->to);
    free(copy);
}

static bool copy_batch(void *state, uint64_t item)
{
    struct copy *copy = state;
    copy->from[item % copy->bytes] ^= 1; /* nobody may know what is in it */
    memcpy(copy->to, copy->from, copy->bytes);
    return copy->to[item % copy->bytes] == copy->from[item % copy->bytes];
}

const struct work bound_works[] = {
    {.name = "decode_whole", .open = bare_open, .close = bare_close, .run = decode_whole},
    {.name = "decode_crop", .open = bare_open, .close = bare_close, .run = decode_crop},
    {.name = "huffman", .open = bare_open, .close = bare_close, .run = huffman},
    {.name = "huffman_crop", .open = bare_open, .close = bare_close, .run = huffman_crop},
    {.name = "memcpy", .batches = true, .open = copy_open, .close = copy_close, .run = copy_batch},
    {0},
};
