/*
 * Decode: our own decoder where it can, libjpeg-turbo behind an error handler that comes back.
 *
 * libjpeg-turbo reads every header, and remains the judge: where our own decoder meets anything
 * that is not as it should be, libjpeg-turbo, which has not begun yet, decodes from that row on,
 * and serves or refuses the picture.
 *
 * error_exit must not return, so it jumps to the setjmp of the call that the decoder is in; every
 * public function that calls the library has one, and keeps nothing in local variables over it.
 * After a jump the object is destroyed, never used again, and the next picture makes a new one.
 *
 * A warning is an error here, so that no picture is served of which libjpeg-turbo knows that parts
 * are made up.  Exceptions are in harmless().  Nothing but errors and warnings formats a text.
 */
#include "daemon/image/decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "daemon/base/check.h"
#include "daemon/image/grow.h"
#include "daemon/image/jpeg_memory.h"
#include "daemon/image/jpeg_notes.h"
#include "daemon/image/jpeg_rows.h"
#include "daemon/image/kernel.h"

enum {
    SOURCE_PIXEL_BYTES = 4, /* RGBX or CMYK */
    /* Reading a scan's header and making its tables costs as much as this many pixels. */
    SCAN_PIXELS_MIN = 16384,
    /* The tables of a picture, of every kind. */
    TABLES_BYTES_MAX = 256 * 1024,
    /* What libjpeg-turbo takes for an object before there is a picture. */
    OBJECT_BYTES_MAX = 16 * 1024,
    /* No file that has a map takes more than this of decoder_bytes_max. */
    MAPPED_BYTES_MAX = 2 << 20,
    /* Rows begin off every alignment of 16: to an aligned one libjpeg-turbo's colour conversion
     * writes past the cache, where we would wait for what we read next. */
    ROW_OFFSET = 8,
};

/* Messages of our own, numbered behind libjpeg-turbo's. */
enum {
    OWN_FIRST = 1000,
    OWN_PIXELS = OWN_FIRST,
    OWN_SCANS,
    OWN_MEMORY,
    OWN_COMPONENTS,
    OWN_NO_MEMORY,
    OWN_ENDED,
    OWN_LAST = OWN_ENDED,
};
static const char *const own_messages[] = {
    "more pixels than the limit: %d x %d",
    "more scans than the limit allows: %d",
    "decoding takes more memory than the limit: %d MiB",
    "%d components: neither grayscale, RGB nor CMYK",
    "no memory for a row",
    "nobody waits for it any more",
};

struct decode {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_memory memory;
    jmp_buf failed;
    struct image_limits limits;
    struct box area;
    uint32_t margin;  /* decoded pixels on the left of the area, in every row */
    bool created;     /* jpeg is to be destroyed */
    uint8_t *storage; /* of row */
    uint8_t *row;
    size_t storage_bytes_max;
    bool library_alone;
    bool own;              /* rows decodes, not libjpeg-turbo */
    struct jpeg_rows rows; /* our own decoder */
    struct jpeg_tables *tables;
    const struct jpeg_map *entered; /* the picture was begun by it; NULL: with the whole file */
    struct jpeg_notes notes;        /* of the picture */
    bool collect;                   /* the picture that is begun next is wanted */
    bool collected;                 /* the notes are whole */
};

/* libjpeg-turbo's handlers have its signatures, and find the decoder in client_data. */
static struct decode *decode_of(j_common_ptr jpeg)
{
    return jpeg->client_data;
}

_Noreturn static void on_error(j_common_ptr jpeg)
{
    longjmp(decode_of(jpeg)->failed, 1);
}

/* Warnings about what is no picture data, which Pillow passes over as well: real data sets hold
 * such files.  Bytes before a restart marker are data of the picture that did not fit it; bytes
 * before any other marker lie between segments. */
static bool harmless(const struct jpeg_error_mgr *errors)
{
    int marker = errors->msg_parm.i[1];
    switch (errors->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
        return marker < 0xd0 || marker > 0xd7;
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
        return true;
    default:
        return false;
    }
}

static void on_message(j_common_ptr jpeg, int level)
{
    if (level < 0 && !harmless(jpeg->err))
        on_error(jpeg);
}

_Noreturn static void refuse(struct decode *decode, int code, int first, int second)
{
    decode->errors.msg_code = code;
    decode->errors.msg_parm.i[0] = first;
    decode->errors.msg_parm.i[1] = second;
    on_error((j_common_ptr)&decode->jpeg);
}

/* The monitor is called before each scan, for each row of its blocks, and for each row read. */
static void on_progress(j_common_ptr jpeg)
{
    struct decode *decode = decode_of(jpeg);
    uint64_t pixels = (uint64_t)decode->jpeg.image_height * decode->jpeg.image_width;
    uint64_t scans = (uint64_t)decode->jpeg.input_scan_number;
    if (pixels < SCAN_PIXELS_MIN)
        pixels = SCAN_PIXELS_MIN;
    if (scans > 1 && scans > decode->limits.scan_pixels_max / pixels)
        refuse(decode, OWN_SCANS, (int)scans, 0);
    if (jpeg_rows_ended(&decode->rows))
        refuse(decode, OWN_ENDED, 0, 0);
}

static void set_handlers(struct decode *decode)
{
    decode->jpeg.err = jpeg_std_error(&decode->errors);
    decode->jpeg.client_data = decode;
    decode->errors.error_exit = on_error;
    decode->errors.emit_message = on_message;
    decode->errors.addon_message_table = own_messages;
    decode->errors.first_addon_message = OWN_FIRST;
    decode->errors.last_addon_message = OWN_LAST;
    decode->progress.progress_monitor = on_progress;
}

enum stk_status decode_open(const struct image_limits *limits, struct decode **decode)
{
    CHECK(limits->decoder_bytes_max > 0);
    *decode = calloc(1, sizeof **decode);
    if (*decode == NULL)
        return STK_MEMORY;
    (*decode)->limits = *limits;
    (*decode)->rows.kernel = jpeg_kernel_fastest();
    (*decode)->rows.patience = limits->patience;
    (*decode)->tables = calloc(1, sizeof *(*decode)->tables);
    set_handlers(*decode);
    enum stk_status status =
        jpeg_memory_init(&(*decode)->memory, limits->decoder_bytes_max, OWN_MEMORY);
    if (status == STK_OK && (*decode)->tables == NULL)
        status = STK_MEMORY;
    if (status != STK_OK)
        decode_close(decode);
    return status;
}

void decode_by_library_alone(struct decode *decode)
{
    decode->library_alone = true;
}

static void destroy(struct decode *decode)
{
    if (decode->created)
        jpeg_destroy_decompress(&decode->jpeg);
    decode->created = false;
}

void decode_close(struct decode **decode)
{
    if (*decode == NULL)
        return;
    destroy(*decode);
    jpeg_memory_release(&(*decode)->memory);
    jpeg_rows_release(&(*decode)->rows);
    jpeg_notes_release(&(*decode)->notes);
    free((*decode)->tables);
    free((*decode)->storage);
    free(*decode);
    *decode = NULL;
}

static enum stk_status status_of(int code)
{
    switch (code) {
    case OWN_PIXELS:
    case OWN_SCANS:
    case OWN_MEMORY:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
        return STK_LIMIT;
    case OWN_COMPONENTS:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
        return STK_UNSUPPORTED;
    case OWN_NO_MEMORY:
    case JERR_OUT_OF_MEMORY:
        return STK_MEMORY;
    case OWN_ENDED:
        return STK_CLOSED;
    default:
        return STK_CORRUPT;
    }
}

/* What every jump lands in. */
static enum stk_status give_up(struct decode *decode, char *reason)
{
    char text[JMSG_LENGTH_MAX];
    decode->errors.format_message((j_common_ptr)&decode->jpeg, text);
    snprintf(reason, IMAGE_REASON_BYTES, "%s", text);
    enum stk_status status = status_of(decode->errors.msg_code);
    destroy(decode);
    return status;
}

static void create(struct decode *decode)
{
    if (decode->created)
        return;
    /* Set first: the object can be destroyed as soon as its creation began. */
    decode->created = true;
    jpeg_create_decompress(&decode->jpeg);
    decode->jpeg.progress = &decode->progress;
    /* The source manager is a part of the object, though it comes with the first picture. */
    static const uint8_t nothing[1];
    jpeg_mem_src(&decode->jpeg, nothing, sizeof nothing);
    jpeg_memory_install(&decode->memory, &decode->jpeg);
}

static uint64_t round_up(uint64_t count, int multiple)
{
    return (count + (uint64_t)multiple - 1) / (uint64_t)multiple * (uint64_t)multiple;
}

/* What libjpeg-turbo will keep of a component: its row groups and those above and below that
 * upsampling looks at, an upsampled row group, and with several scans all of its coefficients. */
static uint64_t component_bytes(const struct jpeg_decompress_struct *jpeg,
                                const jpeg_component_info *component, bool several_scans)
{
    uint64_t columns = round_up(component->width_in_blocks, component->h_samp_factor);
    uint64_t lines = round_up(component->height_in_blocks, component->v_samp_factor);
    uint64_t groups = columns * DCTSIZE * (uint64_t)component->v_samp_factor * (DCTSIZE + 2);
    uint64_t upsampled =
        round_up(jpeg->image_width, jpeg->max_h_samp_factor) * (uint64_t)jpeg->max_v_samp_factor;
    uint64_t coefficients = several_scans ? columns * lines * sizeof(JBLOCK) : 0;
    return groups + upsampled + coefficients;
}

static uint64_t picture_bytes(struct jpeg_decompress_struct *jpeg)
{
    bool several_scans = jpeg_has_multiple_scans(jpeg);
    uint64_t bytes = TABLES_BYTES_MAX;
    for (int i = 0; i < jpeg->num_components; i++)
        bytes += component_bytes(jpeg, &jpeg->comp_info[i], several_scans);
    return bytes;
}

/* Judge a header before it is believed.  The memory's own limit, behind this one, is exact. */
static void judge_header(struct decode *decode)
{
    struct jpeg_decompress_struct *jpeg = &decode->jpeg;
    int components = jpeg->num_components;
    if (jpeg->data_precision != BITS_IN_JSAMPLE) /* libjpeg-turbo 3 knows others */
        ERREXIT1(jpeg, JERR_BAD_PRECISION, jpeg->data_precision);
    if (components != 1 && components != 3 && components != 4)
        refuse(decode, OWN_COMPONENTS, components, 0);
    if ((uint64_t)jpeg->image_height * jpeg->image_width > decode->limits.pixels_max)
        refuse(decode, OWN_PIXELS, (int)jpeg->image_width, (int)jpeg->image_height);
    uint64_t bytes = picture_bytes(jpeg);
    if (bytes > decode->limits.decoder_bytes_max)
        refuse(decode, OWN_MEMORY, (int)(bytes >> 20), 0);
}

void decode_collect(struct decode *decode, size_t entry_bytes_max)
{
    decode->collect = true;
    decode->notes.entry_bytes_max = entry_bytes_max;
}

/* What is to be collected is asked for anew for every picture. */
static void begin_whole(struct decode *decode)
{
    decode->entered = NULL;
    decode->collected = false;
    decode->notes.wanted = decode->collect;
    decode->collect = false;
}

enum stk_status decode_begin(struct decode *decode, const uint8_t *jpeg, size_t len,
                             uint32_t *height, uint32_t *width, char *reason)
{
    *height = 0;
    *width = 0;
    begin_whole(decode);
    if (setjmp(decode->failed) != 0)
        return give_up(decode, reason);
    create(decode);
    jpeg_memory_forget(&decode->jpeg);
    jpeg_mem_src(&decode->jpeg, jpeg, len);
    jpeg_read_header(&decode->jpeg, TRUE);
    judge_header(decode);
    *height = decode->jpeg.image_height;
    *width = decode->jpeg.image_width;
    if (decode->notes.wanted)
        jpeg_notes_begin(&decode->notes, jpeg, len, *height, *width);
    return STK_OK;
}

/* libjpeg-turbo smooths the blocks of a progressive file that leaves coefficients out, and looks at
 * the neighbours of a block for that: then rows and columns cannot be left out. */
static bool may_smooth(const struct jpeg_decompress_struct *jpeg)
{
    if (!jpeg->progressive_mode)
        return false;
    for (int i = 0; i < jpeg->num_components; i++) {
        for (int k = 0; k < DCTSIZE2; k++) {
            if (jpeg->coef_bits[i][k] != 0)
                return true;
        }
    }
    return false;
}

/* Decode only the columns of the area, and as many more on either side as one sample of the
 * coarsest component covers: upsampling looks at the neighbours of a sample, and does otherwise at
 * the ends of a row.  The cropped row ends where we say, and begins at an MCU. */
static void leave_out_columns(struct decode *decode)
{
    struct jpeg_decompress_struct *jpeg = &decode->jpeg;
    JDIMENSION sample = (JDIMENSION)jpeg->max_h_samp_factor;
    JDIMENSION left = (JDIMENSION)decode->area.left;
    JDIMENSION end = left + (JDIMENSION)decode->area.width;
    JDIMENSION from = left < sample ? 0 : left - sample;
    JDIMENSION to = jpeg->output_width - end < sample ? jpeg->output_width : end + sample;
    JDIMENSION width = to - from;
    jpeg_crop_scanline(jpeg, &from, &width);
    decode->margin = left - from;
}

static size_t row_bytes(uint32_t width)
{
    return ROW_OFFSET + ((size_t)width + KERNEL_SOURCE_PIXELS_EXTRA) * SOURCE_PIXEL_BYTES;
}

static void make_row(struct decode *decode)
{
    size_t bytes = row_bytes(decode->jpeg.output_width);
    decode->storage = grow(decode->storage, &decode->storage_bytes_max, bytes, 1);
    if (decode->storage == NULL)
        refuse(decode, OWN_NO_MEMORY, 0, 0);
    decode->row = decode->storage + ROW_OFFSET;
}

static void read_row(struct decode *decode)
{
    JSAMPROW rows[1] = {decode->row};
    if (jpeg_read_scanlines(&decode->jpeg, rows, 1) != 1)
        ERREXIT(&decode->jpeg, JERR_CANT_SUSPEND);
}

static void leave_out_rows(struct decode *decode)
{
    JDIMENSION rows = (JDIMENSION)decode->area.top;
    if (rows > 0 && jpeg_skip_scanlines(&decode->jpeg, rows) != rows)
        ERREXIT(&decode->jpeg, JERR_CANT_SUSPEND);
}

/* libjpeg-turbo decodes the area. */
static enum stk_status start_library(struct decode *decode, char *reason)
{
    struct jpeg_decompress_struct *jpeg = &decode->jpeg;
    const struct box *area = &decode->area;
    if (setjmp(decode->failed) != 0)
        return give_up(decode, reason);
    decode->margin = (uint32_t)area->left;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->do_fancy_upsampling = TRUE;
    jpeg->out_color_space = jpeg->num_components == 4 ? JCS_CMYK : JCS_EXT_RGBX;
    jpeg_start_decompress(jpeg);
    if (may_smooth(jpeg) || decode->limits.patience != NULL) { /* it is not asked when skipping */
        make_row(decode);
        for (int32_t y = 0; y < area->top; y++)
            read_row(decode);
    } else {
        leave_out_columns(decode);
        make_row(decode);
        leave_out_rows(decode);
    }
    return STK_OK;
}

enum stk_status decode_enter(struct decode *decode, const struct jpeg_map *map,
                             const uint8_t *bytes, uint64_t from, size_t len)
{
    const struct image_limits *limits = &decode->limits;
    struct jpeg_frame *frame = &decode->rows.frame;
    begin_whole(decode);
    if (decode->library_alone || limits->decoder_bytes_max < MAPPED_BYTES_MAX ||
        (uint64_t)map->height * map->width > limits->pixels_max ||
        !jpeg_map_frame(map, decode->tables, frame) ||
        !jpeg_map_place(map, bytes, from, len, frame))
        return STK_STALE;
    decode->entered = map;
    return STK_OK;
}

/* libjpeg-turbo cannot judge: it has no file. */
static enum stk_status start_entered(struct decode *decode, char *reason)
{
    const struct jpeg_map *map = decode->entered;
    enum stk_status status =
        jpeg_rows_start_entering(&decode->rows, &map->entries, map->scan_len, &decode->area);
    if (status != STK_OK)
        strcpy(reason, "no memory for rows");
    return status;
}

static enum stk_status next_entered(struct decode *decode, const uint8_t **row, char *reason)
{
    if (jpeg_rows_next(&decode->rows, row) == STK_OK)
        return STK_OK;
    strcpy(reason, "the file is not what its map says");
    return STK_STALE;
}

static bool read_frame(struct decode *decode)
{
    return !decode->library_alone &&
           jpeg_frame_read(&decode->rows.frame, &decode->jpeg, decode->tables);
}

static bool start_own(struct decode *decode, const struct box *area)
{
    if (!read_frame(decode))
        return false;
    if (decode->notes.wanted && jpeg_notes_plan(&decode->notes, &decode->rows.frame))
        return jpeg_rows_start_noting(&decode->rows, &decode->notes.map.entries, area) == STK_OK;
    return jpeg_rows_start(&decode->rows, area) == STK_OK;
}

enum stk_status decode_start(struct decode *decode, const struct box *area, char *reason)
{
    decode->area = *area;
    if (decode->entered != NULL)
        return start_entered(decode, reason);
    decode->own = start_own(decode, area);
    return decode->own ? STK_OK : start_library(decode, reason);
}

/* Pillow's MULDIV255: a * b / 255, rounded. */
static uint8_t multiply(uint8_t a, uint8_t b)
{
    unsigned product = (unsigned)a * b + 128;
    return (uint8_t)(((product >> 8) + product) >> 8);
}

/* Pillow takes CMYK of any JPEG as Adobe writes it, inverted, and then light as what is left of
 * black after each ink. */
static void cmyk_to_rgb(uint8_t *pixels, size_t count)
{
    for (uint8_t *pixel = pixels; pixel < pixels + 4 * count; pixel += 4) {
        uint8_t light = pixel[3];
        for (int c = 0; c < 3; c++)
            pixel[c] = (uint8_t)(light - multiply((uint8_t)(255 - pixel[c]), light));
    }
}

/* The next row of libjpeg-turbo's. */
static enum stk_status next_of_library(struct decode *decode, const uint8_t **row, char *reason)
{
    if (setjmp(decode->failed) != 0)
        return give_up(decode, reason);
    read_row(decode);
    uint8_t *pixels = &decode->row[(size_t)decode->margin * SOURCE_PIXEL_BYTES];
    if (decode->jpeg.out_color_space == JCS_CMYK)
        cmyk_to_rgb(pixels, (size_t)decode->area.width);
    *row = pixels;
    return STK_OK;
}

enum stk_status decode_next(struct decode *decode, const uint8_t **row, char *reason)
{
    *row = NULL;
    if (decode->entered != NULL)
        return next_entered(decode, row, reason);
    if (decode->own) {
        if (jpeg_rows_next(&decode->rows, row) == STK_OK) {
            decode->area.top++;
            decode->area.height--;
            return STK_OK;
        }
        decode->own = false;
        enum stk_status status = start_library(decode, reason);
        if (status != STK_OK)
            return status;
    }
    return next_of_library(decode, row, reason);
}

/* A file that our own decoder does not take to the scan's end has no entry points. */
void decode_finish(struct decode *decode)
{
    struct jpeg_map *map = &decode->notes.map;
    if (!decode->notes.wanted)
        return;
    if (map->entries.columns > 0 && decode->own && jpeg_rows_finish(&decode->rows))
        map->scan_len = decode->rows.scan_len;
    else if (map->entries.columns > 0)
        jpeg_notes_refuse(&decode->notes);
    decode->collected = true;
}

const struct jpeg_map *decode_collected(const struct decode *decode)
{
    return decode->collected ? &decode->notes.map : NULL;
}

/* Our own decoder does not take the scan; is libjpeg-turbo content with it? */
static enum stk_status judge_scan(struct decode *decode, char *reason)
{
    const uint8_t *row;
    int32_t bottom = (int32_t)decode->jpeg.image_height - 1;
    decode->area = (struct box){.top = bottom, .height = 1, .width = 1};
    enum stk_status status = start_library(decode, reason);
    return status == STK_OK ? next_of_library(decode, &row, reason) : status;
}

static enum stk_status note_file(struct decode *decode, char *reason)
{
    struct jpeg_map *map = &decode->notes.map;
    const struct jpeg_frame *frame = &decode->rows.frame;
    if (!read_frame(decode) || !jpeg_notes_plan(&decode->notes, frame) ||
        jpeg_entropy_scan(frame, &map->entries, &map->scan_len))
        return STK_OK;
    jpeg_notes_refuse(&decode->notes);
    return judge_scan(decode, reason);
}

enum stk_status decode_map(struct decode *decode, const uint8_t *jpeg, size_t len,
                           size_t entry_bytes_max, struct jpeg_map *map, char *reason)
{
    uint32_t height, width;
    decode_collect(decode, entry_bytes_max);
    enum stk_status status = decode_begin(decode, jpeg, len, &height, &width, reason);
    if (status == STK_OK)
        status = note_file(decode, reason);
    decode_end(decode);
    *map = status == STK_OK ? decode->notes.map : (struct jpeg_map){0};
    return status;
}

void decode_end(struct decode *decode)
{
    if (decode->created)
        jpeg_memory_forget(&decode->jpeg);
}

#define TEXT_OF(macro) TEXT_OF_VALUE(macro)
#define TEXT_OF_VALUE(value) #value

const char *decode_name(void)
{
    return "libjpeg-turbo " TEXT_OF(LIBJPEG_TURBO_VERSION) " exact";
}

size_t decode_bytes_max(const struct image_limits *limits, uint32_t side_max)
{
    return sizeof(struct decode) + OBJECT_BYTES_MAX + limits->decoder_bytes_max +
           row_bytes(side_max) + sizeof(struct jpeg_tables) + jpeg_rows_bytes_max() +
           JPEG_NOTES_BYTES_MAX;
}
