/*
 * Writing: libjpeg-turbo to a stdio stream, and the rename at the end.
 */
#include "tests/demo/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>

#include <jerror.h>

/* A file in the making. */
struct draft {
    int folder;
    const char *name;
    char temporary[NAME_MAX + 1];
    FILE *stream;
    char *error;
};

static enum stk_status fail_system(char *error)
{
    snprintf(error, WRITE_ERROR_BYTES, "%s", strerror(errno));
    return STK_SYSTEM;
}

static enum stk_status draft_open(struct draft *draft, int folder, const char *name, char *error)
{
    *draft = (struct draft){.folder = folder, .name = name, .error = error};
    snprintf(draft->temporary, sizeof draft->temporary, ".%s.part", name);
    int descriptor =
        openat(folder, draft->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return fail_system(error);
    draft->stream = fdopen(descriptor, "wb");
    if (draft->stream)
        return STK_OK;
    close(descriptor);
    unlinkat(folder, draft->temporary, 0);
    return fail_system(error);
}

/* Give the draft its name, or take it away where it failed before or fails now. */
static enum stk_status draft_close(struct draft *draft, enum stk_status status)
{
    /* What stdio still holds may not fit on the disk. */
    if (fclose(draft->stream) != 0 && status == STK_OK)
        status = fail_system(draft->error);
    if (status == STK_OK &&
        renameat(draft->folder, draft->temporary, draft->folder, draft->name) != 0)
        status = fail_system(draft->error);
    if (status != STK_OK)
        unlinkat(draft->folder, draft->temporary, 0);
    return status;
}

/* libjpeg's way out of an error: back to encode, with a reason. */
struct escape {
    struct jpeg_error_mgr manager; /* first: libjpeg hands us a pointer to it */
    jmp_buf back;
    enum stk_status status;
    char *error;
};

static void escape_exit(j_common_ptr jpeg)
{
    struct escape *escape = (struct escape *)jpeg->err;
    if (jpeg->err->msg_code == JERR_FILE_WRITE) {
        escape->status = fail_system(escape->error);
    } else {
        char message[JMSG_LENGTH_MAX];
        jpeg->err->format_message(jpeg, message);
        snprintf(escape->error, WRITE_ERROR_BYTES, "%s", message);
        escape->status = jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? STK_MEMORY : STK_UNSUPPORTED;
    }
    longjmp(escape->back, 1);
}

static void set_kind(struct jpeg_compress_struct *jpeg, const struct jpeg_kind *kind)
{
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, kind->quality, TRUE);
    /* The one transform whose result does not depend on the processor. */
    jpeg->dct_method = JDCT_ISLOW;
    if (kind->sampling == SAMPLING_GRAY) {
        jpeg_set_colorspace(jpeg, JCS_GRAYSCALE);
    } else {
        jpeg->comp_info[0].h_samp_factor = kind->sampling == SAMPLING_444 ? 1 : 2;
        jpeg->comp_info[0].v_samp_factor = kind->sampling == SAMPLING_420 ? 2 : 1;
    }
    if (kind->progressive)
        jpeg_simple_progression(jpeg);
}

static void write_rows(struct jpeg_compress_struct *jpeg, const uint8_t *rgb)
{
    size_t row_bytes = (size_t)jpeg->image_width * 3;
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        /* libjpeg's rows are not const, though it only reads them. */
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rgb + row_bytes * jpeg->next_scanline);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
}

static enum stk_status encode(FILE *stream, const uint8_t *rgb, uint32_t height, uint32_t width,
                              const struct jpeg_kind *kind, char *error)
{
    struct jpeg_compress_struct jpeg;
    struct escape escape = {.error = error, .status = STK_OK};
    /* jpeg_create_compress may itself fail, and destroy accepts a zeroed object. */
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.err = jpeg_std_error(&escape.manager);
    escape.manager.error_exit = escape_exit;
    if (setjmp(escape.back) == 0) {
        jpeg_create_compress(&jpeg);
        jpeg_stdio_dest(&jpeg, stream);
        jpeg.image_height = height;
        jpeg.image_width = width;
        jpeg.input_components = 3;
        jpeg.in_color_space = JCS_RGB;
        set_kind(&jpeg, kind);
        write_rows(&jpeg, rgb);
    }
    jpeg_destroy_compress(&jpeg);
    return escape.status;
}

enum stk_status write_jpeg(int folder, const char *name, const uint8_t *rgb, uint32_t height,
                           uint32_t width, const struct jpeg_kind *kind, char *error)
{
    struct draft draft;
    enum stk_status status = draft_open(&draft, folder, name, error);
    if (status != STK_OK)
        return status;
    return draft_close(&draft, encode(draft.stream, rgb, height, width, kind, error));
}

enum stk_status write_text(int folder, const char *name, const char *text, char *error)
{
    struct draft draft;
    enum stk_status status = draft_open(&draft, folder, name, error);
    if (status != STK_OK)
        return status;
    if (fputs(text, draft.stream) == EOF)
        status = fail_system(error);
    return draft_close(&draft, status);
}
