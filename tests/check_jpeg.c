/*
 * Our own JPEG decoder: what it makes equals what libjpeg-turbo makes, to the byte, and where
 * libjpeg-turbo refuses a picture it is refused.
 *
 * check_crops.c holds random areas of all kinds of files against the whole decode; here are its
 * parts, the entry points that no file needs, and damage.  STOKER_CASES sets how many pictures,
 * STOKER_SEED other ones.
 */
#include <check.h>

#include "daemon/image/decode.h"
#include "daemon/image/jpeg_rows.h"
#include "daemon/image/jpeg_symbols.h"
#include "tests/jpegs.h"
#include "tests/own_jpegs.h"
#include "tests/suite.h"

enum { PICTURES = 400 };

static unsigned long pictures(void)
{
    return from_environment("STOKER_CASES", PICTURES);
}

/* libjpeg-turbo with a file's header read. */
struct library {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
};

static void library_open(struct library *library, const struct jpeg *file)
{
    library->jpeg.err = jpeg_std_error(&library->errors);
    jpeg_create_decompress(&library->jpeg);
    jpeg_mem_src(&library->jpeg, file->bytes, file->len);
    ck_assert_int_eq(jpeg_read_header(&library->jpeg, TRUE), JPEG_HEADER_OK);
}

static struct jpeg_frame frame_of(const struct library *library)
{
    static struct jpeg_tables tables;
    struct jpeg_frame frame;
    ck_assert(jpeg_frame_read(&frame, &library->jpeg, &tables));
    return frame;
}

/* The blocks of a component in a row of MCUs; the file may lack the last of them. */
static void compare_blocks(struct library *library, jvirt_barray_ptr array, int c, uint32_t mcu_row,
                           const struct jpeg_coefficients *out, const char *what)
{
    struct jpeg_decompress_struct *jpeg = &library->jpeg;
    const jpeg_component_info *info = &jpeg->comp_info[c];
    uint32_t columns = out->count * (uint32_t)info->h_samp_factor;
    for (uint32_t i = 0; i < (uint32_t)info->v_samp_factor; i++) {
        uint32_t row = mcu_row * (uint32_t)info->v_samp_factor + i;
        if (row >= info->height_in_blocks)
            return;
        JBLOCKARRAY blocks =
            jpeg->mem->access_virt_barray((j_common_ptr)jpeg, array, row, 1, FALSE);
        ck_assert_msg(memcmp(blocks[0], &out->block[c][(size_t)i * columns * DCTSIZE2],
                             info->width_in_blocks * sizeof(JBLOCK)) == 0,
                      "%s: component %d, row %u of blocks", what, c, row);
    }
}

/* Every block's last coefficient is where it was said to be, or before it. */
static void check_last(const struct jpeg_coefficients *out, int c, size_t blocks)
{
    static const uint8_t rows_of_diagonal[] = {0, 1, 3, 6, 10, 15, 21, 28, 36, 43, 49, 54, 58, 61};
    for (size_t i = 0; i < blocks; i++) {
        for (int k = 0; k < DCTSIZE2; k++) {
            int diagonal = k / DCTSIZE + k % DCTSIZE;
            bool behind = diagonal < 14 && rows_of_diagonal[diagonal] > out->last[c][i];
            ck_assert(!behind || out->block[c][i * DCTSIZE2 + (size_t)k] == 0);
        }
    }
}

START_TEST(coefficients_are_those_of_the_library)
{
    for (unsigned long number = 1; number <= pictures(); number++) {
        char text[KIND_TEXT_BYTES];
        struct jpeg file = own_picture(number, text);
        struct library library;
        library_open(&library, &file);
        struct jpeg_frame frame = frame_of(&library);
        jvirt_barray_ptr *arrays = jpeg_read_coefficients(&library.jpeg);
        struct jpeg_coefficients out = {.count = frame.mcu_columns};
        size_t blocks[JPEG_COMPONENTS_MAX];
        for (uint32_t c = 0; c < frame.component_count; c++) {
            blocks[c] = (size_t)out.count * frame.components[c].h * frame.components[c].v;
            out.block[c] = malloc(blocks[c] * sizeof(JBLOCK));
            out.last[c] = malloc(blocks[c]);
        }
        struct jpeg_lane lane;
        jpeg_lane_start(&lane, &frame);
        for (uint32_t row = 0; row < frame.mcu_rows; row++) {
            for (uint32_t c = 0; c < frame.component_count; c++)
                memset(out.block[c], 0, blocks[c] * sizeof(JBLOCK));
            ck_assert_msg(jpeg_entropy_keep(&frame, &lane, &out, 0, out.count) &&
                              jpeg_bits_sound(&lane.bits),
                          "%s", text);
            for (uint32_t c = 0; c < frame.component_count; c++) {
                compare_blocks(&library, arrays[c], (int)c, row, &out, text);
                check_last(&out, (int)c, blocks[c]);
            }
        }
        for (uint32_t c = 0; c < frame.component_count; c++) {
            free(out.block[c]);
            free(out.last[c]);
        }
        jpeg_destroy_decompress(&library.jpeg);
        free(file.bytes);
    }
}
END_TEST

/* The same place in the same bytes, with fewer of them in the window and with more: a marker, one
 * behind a byte of filling, and the file's end come at every distance. */
START_TEST(a_scan_is_sound_by_its_place_alone)
{
    static const char ends[][4] = {"", "\xff\xd9", "\xff\xff\xd9", "\xff"};
    random_begin(from_environment("STOKER_SEED", 1), 0);
    for (int number = 0; number < 4 * 48 * JPEG_BITS_READY; number++) {
        const char *end = ends[number % 4];
        size_t data = 8 + (size_t)number / 4 % 48;
        int taken = number / (4 * 48);
        uint8_t bytes[64];
        memset(bytes, 0x55, data);
        memcpy(&bytes[random_below((uint32_t)data - 1)], "\xff", 2);
        memcpy(&bytes[data], end, strlen(end));
        struct jpeg_bits few, many;
        jpeg_bits_begin(&few, bytes, &bytes[data + strlen(end)]);
        jpeg_bits_refill(&few);
        many = few;
        jpeg_bits_take(&few, taken);
        for (int i = 0; i < taken; i++) {
            jpeg_bits_take(&many, 1);
            jpeg_bits_refill(&many);
        }
        /* The 0 behind 0xff is no data. */
        bool far = data - 1 - (size_t)(taken + 7) / 8 >= JPEG_BITS_AHEAD;
        bool sound = far || number % 4 == 1;
        ck_assert_msg(jpeg_bits_sound(&few) == sound, "case %d", number);
        ck_assert_msg(jpeg_bits_sound(&many) == sound, "case %d", number);
    }
}
END_TEST

static struct box random_area(const struct jpeg *file)
{
    struct box area = {.top = (int32_t)random_below(file->height),
                       .left = (int32_t)random_below(file->width)};
    area.height = (int32_t)(1 + random_below(file->height - (uint32_t)area.top));
    area.width = (int32_t)(1 + random_below(file->width - (uint32_t)area.left));
    return area;
}

static bool same_pixels(const uint8_t *rgbx, const uint8_t *rgb, int32_t count)
{
    for (int32_t x = 0; x < count; x++) {
        if (memcmp(&rgbx[4 * x], &rgb[3 * x], 3) != 0)
            return false;
    }
    return true;
}

static void compare_area(struct jpeg_rows *rows, const struct jpeg_entries *entries,
                         uint32_t scan_len, const struct jpeg *file, const uint8_t *whole,
                         const char *text)
{
    struct box area = random_area(file);
    enum stk_status status = entries != NULL
                                 ? jpeg_rows_start_entering(rows, entries, scan_len, &area)
                                 : jpeg_rows_start(rows, &area);
    ck_assert_int_eq(status, STK_OK);
    for (int32_t y = 0; y < area.height; y++) {
        const uint8_t *row;
        ck_assert_int_eq(jpeg_rows_next(rows, &row), STK_OK);
        size_t at = (size_t)(area.top + y) * file->width + (size_t)area.left;
        ck_assert_msg(same_pixels(row, &whole[at * 3], area.width),
                      "row %d of %d,%d %dx%d of %ux%u, %s", y, area.top, area.left, area.height,
                      area.width, file->height, file->width, text);
    }
}

/* With the entry points of the scan and without them, by every kernel. */
START_TEST(areas_are_those_of_the_library)
{
    const struct jpeg_kernel *kernels[] = {jpeg_kernel_fastest(), &jpeg_kernel_plain};
    struct jpeg_rows rows = {0};
    for (unsigned long number = 1; number <= pictures(); number++) {
        char text[KIND_TEXT_BYTES];
        struct jpeg file = own_picture(number, text);
        uint8_t *whole = decode_whole(&file);
        struct library library;
        library_open(&library, &file);
        rows.frame = frame_of(&library);
        struct jpeg_entries entries = {.step = 1 + random_below(rows.frame.mcu_columns)};
        entries.columns = (rows.frame.mcu_columns + entries.step - 1) / entries.step;
        entries.entry = malloc(rows.frame.mcu_rows * entries.columns * sizeof *entries.entry);
        uint32_t scan_len;
        ck_assert(jpeg_entropy_scan(&rows.frame, &entries, &scan_len));
        for (int i = 0; i < 8; i++) {
            rows.kernel = kernels[i % 2];
            compare_area(&rows, i < 5 ? &entries : NULL, scan_len, &file, whole, text);
        }
        free(entries.entry);
        free(whole);
        jpeg_destroy_decompress(&library.jpeg);
        free(file.bytes);
    }
    jpeg_rows_release(&rows);
}
END_TEST

/* Both decode the same; they agree on every row, and on why there is none. */
static void decode_both(struct decode *const decoders[2], const struct jpeg *file, const char *text)
{
    uint32_t height[2], width[2];
    char reason[2][IMAGE_REASON_BYTES] = {"", ""};
    enum stk_status status[2];
    for (int i = 0; i < 2; i++)
        status[i] =
            decode_begin(decoders[i], file->bytes, file->len, &height[i], &width[i], reason[i]);
    struct jpeg read = {.height = height[0], .width = width[0]};
    struct box area = {0};
    if (status[0] == STK_OK)
        area = random_area(&read);
    for (int i = 0; i < 2 && status[i] == STK_OK; i++)
        status[i] = decode_start(decoders[i], &area, reason[i]);
    const uint8_t *rows[2];
    for (int32_t y = 0; y < area.height; y++) {
        for (int i = 0; i < 2; i++)
            status[i] =
                status[i] == STK_OK ? decode_next(decoders[i], &rows[i], reason[i]) : status[i];
        for (int32_t x = 0; x < area.width && status[0] == STK_OK && status[1] == STK_OK; x++)
            ck_assert_msg(memcmp(&rows[0][4 * x], &rows[1][4 * x], 3) == 0, "%s: row %d, column %d",
                          text, y, x);
    }
    ck_assert_msg(status[0] == status[1] && strcmp(reason[0], reason[1]) == 0,
                  "%s: area %d,%d %dx%d of %ux%u: \"%s\", and libjpeg-turbo: \"%s\"", text,
                  area.top, area.left, area.height, area.width, height[0], width[0], reason[0],
                  reason[1]);
    for (int i = 0; i < 2; i++)
        decode_end(decoders[i]);
}

/* libjpeg-turbo may know of damage when we begin, and tell of it with the first row. */
START_TEST(damaged_files_fare_as_with_the_library)
{
    enum { COPIES = 16 };
    struct decode *decoders[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(decode_open(&generous, &decoders[i]), STK_OK);
    decode_by_library_alone(decoders[1]);
    for (unsigned long number = 1; number <= pictures(); number++) {
        char text[KIND_TEXT_BYTES];
        struct jpeg file = own_picture(number, text);
        for (int i = 0; i < COPIES; i++) {
            struct jpeg copy = {malloc(file.len), file.len, file.height, file.width};
            memcpy(copy.bytes, file.bytes, file.len);
            damage(&copy);
            /* Exactly as long, so that a sanitizer sees what is read behind it. */
            struct jpeg cut = {malloc(copy.len), copy.len, file.height, file.width};
            memcpy(cut.bytes, copy.bytes, copy.len);
            decode_both(decoders, &cut, text);
            free(cut.bytes);
            free(copy.bytes);
        }
        free(file.bytes);
    }
    decode_close(&decoders[0]);
    decode_close(&decoders[1]);
}
END_TEST

/* Any codes that are some, few and short or many and long; a run of 16 may have one of a bit. */
static struct jpeg_codes random_codes(void)
{
    struct jpeg_codes codes = {0};
    uint32_t code = 0, met = 0;
    for (int bits = 1; bits <= JPEG_CODE_BITS_MAX; bits++, code <<= 1) {
        uint32_t room = (1u << bits) - 1 - code;
        uint32_t most = room < JPEG_SYMBOLS_MAX - met ? room : JPEG_SYMBOLS_MAX - met;
        uint32_t count = random_below(3) == 0 ? random_below((most < 40 ? most : 40) + 1) : 0;
        codes.counts[bits - 1] = (uint8_t)count;
        code += count;
        met += count;
    }
    for (uint32_t i = 0; i < met; i++)
        codes.symbols[i] = (uint8_t)(random_below(4) == 0 ? 0xf0 : random_below(256));
    return codes;
}

/* As many symbols as lie in the window, one by one. */
static struct jpeg_skip plain_skip(const struct jpeg_ac *ac, uint32_t window)
{
    struct jpeg_skip skip = {0};
    while (skip.advance < JPEG_BLOCK_END) {
        uint32_t rest = window << (JPEG_SINGLE_BITS - JPEG_SKIP_BITS) << skip.bits;
        struct jpeg_single next = ac->single[rest & ((1 << JPEG_SINGLE_BITS) - 1)];
        if (next.bits == 0 || skip.bits + next.bits > JPEG_SKIP_BITS)
            break;
        skip.advance = (uint8_t)(skip.advance + next.advance);
        skip.bits = (uint8_t)(skip.bits + next.bits);
    }
    return skip;
}

/* A table may hold fewer than that, but nothing else; those of files hold as many. */
START_TEST(symbols_to_be_left_out_are_the_single_ones)
{
    enum { CASES = 2000 };
    static struct jpeg_tables tables;
    random_state = 9;
    for (int i = 0; i < CASES; i++) {
        struct jpeg_codes codes = random_codes();
        const struct jpeg_ac *ac = jpeg_tables_ac(&tables, &codes);
        ck_assert_ptr_nonnull(ac);
        bool run_of_a_bit = codes.counts[0] == 1 && codes.symbols[0] == 0xf0;
        for (uint32_t window = 0; window < 1 << JPEG_SKIP_BITS; window++) {
            struct jpeg_skip skip = ac->skip[window];
            struct jpeg_skip plain = plain_skip(ac, window);
            if (skip.bits == 0)
                ck_assert_int_eq(skip.advance, JPEG_BLOCK_END);
            else if (!run_of_a_bit)
                ck_assert_msg(skip.bits == plain.bits && skip.advance == plain.advance,
                              "case %d, window %x", i, window);
            ck_assert(skip.bits > 0 || plain.bits == 0 || run_of_a_bit);
        }
    }
}
END_TEST

static uint8_t *random_bytes(size_t count)
{
    uint8_t *bytes = malloc(count);
    ck_assert_ptr_nonnull(bytes);
    bool extreme = random_below(4) == 0;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(extreme ? random_below(2) * 255 : random_below(256));
    return bytes;
}

/* Blocks of few coefficients and of many, small ones and such as only damage brings. */
static void random_block(int16_t *block, uint8_t *last)
{
    uint32_t limits[] = {1, 4, 1, 50, 2048, 32768};
    uint32_t limit = limits[random_below(sizeof limits / sizeof limits[0])];
    bool first_row = random_below(4) == 0;
    *last = (uint8_t)random_below(random_below(2) ? 12 : DCTSIZE2);
    memset(block, 0, sizeof(JBLOCK));
    for (int k = 0; k <= *last; k++) {
        int place = jpeg_zigzag[k];
        if (!first_row || place < DCTSIZE)
            block[place] = (int16_t)((int32_t)random_below(2 * limit) - (int32_t)limit);
    }
}

START_TEST(fast_idct_is_the_plain_one)
{
    enum { BLOCKS = 7, STRIDE = BLOCKS * DCTSIZE + 5, CASES = 20000 };
    const struct jpeg_kernel *fast = jpeg_kernel_fastest();
    random_state = 5;
    for (int i = 0; i < CASES; i++) {
        _Alignas(16) int16_t blocks[BLOCKS * DCTSIZE2];
        uint8_t last[BLOCKS];
        uint16_t quant[DCTSIZE2];
        uint8_t samples[2][DCTSIZE * STRIDE] = {0};
        uint32_t count = 1 + random_below(BLOCKS);
        for (uint32_t k = 0; k < count; k++)
            random_block(&blocks[k * DCTSIZE2], &last[k]);
        for (int k = 0; k < DCTSIZE2; k++)
            quant[k] = (uint16_t)(1 + random_below(random_below(8) == 0 ? 65535 : 100));
        jpeg_kernel_plain.idct(blocks, last, quant, count, samples[0], STRIDE);
        fast->idct(blocks, last, quant, count, samples[1], STRIDE);
        ck_assert_mem_eq(samples[0], samples[1], sizeof samples[0]);
    }
}
END_TEST

/* What a kernel makes of rows, and how much of it counts. */
static void run_rows(const struct jpeg_kernel *kernel, int what, const uint8_t *const in[3],
                     uint32_t count, uint8_t *out)
{
    switch (what) {
    case 0:
        kernel->widen(in[0], count, out);
        break;
    case 1:
        kernel->widen_between(in[0], in[1], count, out);
        break;
    case 2:
        kernel->between(in[0], in[1], count, random_below(2) == 0, out);
        break;
    case 3:
        kernel->colour(in[0], in[1], in[2], count, out);
        break;
    default:
        kernel->gray(in[0], count, out);
    }
}

START_TEST(fast_rows_are_the_plain_ones)
{
    enum { COUNT = 200, CASES = 4000, ROW_BYTES = COUNT + 2 * JPEG_KERNEL_EXTRA };
    static const uint32_t bytes_of[] = {2, 2, 1, 4, 4};
    const struct jpeg_kernel *fast = jpeg_kernel_fastest();
    random_state = 6;
    for (int i = 0; i < CASES; i++) {
        uint8_t *rows[3], out[2][4 * ROW_BYTES];
        for (int k = 0; k < 3; k++)
            rows[k] = random_bytes(ROW_BYTES);
        const uint8_t *const in[] = {rows[0] + 1, rows[1] + 1, rows[2] + 1};
        uint32_t count = 1 + random_below(COUNT);
        uint64_t state = random_state;
        run_rows(&jpeg_kernel_plain, i % 5, in, count, out[0]);
        random_state = state;
        run_rows(fast, i % 5, in, count, out[1]);
        ck_assert_mem_eq(out[0], out[1], count * bytes_of[i % 5]);
        for (int k = 0; k < 3; k++)
            free(rows[k]);
    }
}
END_TEST

START_TEST(every_colour_is_the_same)
{
    enum { COUNT = 256 };
    const struct jpeg_kernel *fast = jpeg_kernel_fastest();
    uint8_t y[COUNT + JPEG_KERNEL_EXTRA], cb[COUNT + JPEG_KERNEL_EXTRA];
    uint8_t cr[COUNT + JPEG_KERNEL_EXTRA], out[2][4 * (COUNT + JPEG_KERNEL_EXTRA)];
    for (int blue = 0; blue < COUNT; blue++) {
        for (int red = 0; red < COUNT; red++) {
            memset(cb, blue, sizeof cb);
            memset(cr, red, sizeof cr);
            for (int i = 0; i < COUNT; i++)
                y[i] = (uint8_t)i;
            jpeg_kernel_plain.colour(y, cb, cr, COUNT, out[0]);
            fast->colour(y, cb, cr, COUNT, out[1]);
            ck_assert_mem_eq(out[0], out[1], (size_t)4 * COUNT);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("jpeg");
    tcase_set_timeout(tests, getenv("STOKER_CASES") != NULL ? 0 : 600);
    tcase_add_test(tests, coefficients_are_those_of_the_library);
    tcase_add_test(tests, a_scan_is_sound_by_its_place_alone);
    tcase_add_test(tests, areas_are_those_of_the_library);
    tcase_add_test(tests, damaged_files_fare_as_with_the_library);
    tcase_add_test(tests, symbols_to_be_left_out_are_the_single_ones);
    tcase_add_test(tests, fast_idct_is_the_plain_one);
    tcase_add_test(tests, fast_rows_are_the_plain_ones);
    tcase_add_test(tests, every_colour_is_the_same);
    return suite_run("jpeg", tests);
}
