/*
 * Encode: libjpeg-turbo behind an error handler that comes back.
 */
#include "daemon/image/encode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

struct encode {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    unsigned char *bytes;
    unsigned long len;
};

/* libjpeg-turbo's own bound for 4:2:0, of whole blocks of 16 x 16, and its header. */
size_t encode_bytes_max(uint32_t height, uint32_t width)
{
    size_t rows = ((size_t)height + 15) / 16 * 16;
    size_t columns = ((size_t)width + 15) / 16 * 16;
    return rows * columns * 3 + 2048;
}

/* It must not return. */
_Noreturn static void on_error(j_common_ptr jpeg)
{
    struct encode *encode = jpeg->client_data;
    longjmp(encode->failed, 1);
}

/* A warning of the encoder says nothing that could be looked at. */
static void on_message(j_common_ptr jpeg, int level)
{
    (void)jpeg;
    (void)level;
}

static void write_rows(struct jpeg_compress_struct *jpeg, const uint8_t *pixels)
{
    size_t row_bytes = (size_t)jpeg->image_width * 3;
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW rows[1] = {(JSAMPROW)pixels + jpeg->next_scanline * row_bytes};
        (void)jpeg_write_scanlines(jpeg, rows, 1);
    }
}

/* What is kept over the jump stands in *encode. */
static enum stk_status run(struct encode *encode, const uint8_t *pixels, uint32_t height,
                           uint32_t width, int quality)
{
    struct jpeg_compress_struct *jpeg = &encode->jpeg;
    if (setjmp(encode->failed) != 0)
        return encode->errors.msg_code == JERR_OUT_OF_MEMORY ? STK_MEMORY : STK_UNSUPPORTED;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &encode->bytes, &encode->len);
    jpeg->image_height = height;
    jpeg->image_width = width;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    write_rows(jpeg, pixels);
    jpeg_finish_compress(jpeg);
    return STK_OK;
}

enum stk_status encode_jpeg(const uint8_t *pixels, uint32_t height, uint32_t width, int quality,
                            uint8_t **jpeg, size_t *len)
{
    *jpeg = NULL;
    *len = 0;
    struct encode *encode = calloc(1, sizeof *encode);
    size_t bytes_max = encode_bytes_max(height, width);
    /* So much that libjpeg-turbo, which would lose what it took when it fails, takes no more. */
    uint8_t *bytes = malloc(bytes_max);
    enum stk_status status = STK_MEMORY;
    if (encode != NULL && bytes != NULL) {
        encode->bytes = bytes;
        encode->len = bytes_max;
        encode->jpeg.err = jpeg_std_error(&encode->errors);
        encode->jpeg.client_data = encode;
        encode->errors.error_exit = on_error;
        encode->errors.emit_message = on_message;
        status = run(encode, pixels, height, width, quality);
        jpeg_destroy_compress(&encode->jpeg);
    }
    if (status == STK_OK) {
        uint8_t *shrunk = realloc(bytes, encode->len);
        *jpeg = shrunk != NULL ? shrunk : bytes;
        *len = encode->len;
    } else {
        free(bytes);
    }
    free(encode);
    return status;
}
