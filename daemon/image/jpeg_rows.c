/*
 * JPEG rows: rows of MCUs, each entropy-decoded, transformed, and then coloured row by row.
 *
 * The colours of a 4:2:0 or 4:4:0 picture lie between its rows, so a row needs those above and
 * below: the last rows of a row of MCUs are kept while the next is decoded.  Beyond the picture the
 * outermost samples are repeated, of which the filter makes just what libjpeg-turbo makes of them.
 */
#include "daemon/image/jpeg_rows.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/grow.h"

enum {
    KEPT_ROWS = 2, /* of the band before */
    /* Samples in front of a row, of which one is read and the rest aligns, and behind it. */
    MARGIN = 32,
    PIXEL_BYTES = 4,
    BAND_ROWS = KEPT_ROWS + 2 * JPEG_BLOCK_SIDE,
};

static size_t row_bytes(uint32_t width)
{
    return (size_t)width + MARGIN + JPEG_KERNEL_EXTRA;
}

void jpeg_rows_release(struct jpeg_rows *rows)
{
    for (int c = 0; c < JPEG_COMPONENTS_MAX; c++) {
        free(rows->planes[c].storage);
        free(rows->planes[c].blocks);
        free(rows->planes[c].last);
    }
    free(rows->wide[0]);
    free(rows->wide[1]);
    free(rows->pixels);
    *rows = (struct jpeg_rows){.kernel = rows->kernel, .patience = rows->patience};
}

bool jpeg_rows_ended(const struct jpeg_rows *rows)
{
    return rows->patience != NULL && rows->patience->ended(rows->patience->context);
}

static bool make_plane(struct jpeg_rows *rows, const struct jpeg_component *component,
                       struct jpeg_plane *plane)
{
    size_t columns = (size_t)rows->mcus.count * component->h;
    size_t blocks = columns * component->v;
    plane->stride = row_bytes((uint32_t)columns * JPEG_BLOCK_SIDE);
    size_t lines = KEPT_ROWS + (size_t)component->v * JPEG_BLOCK_SIDE;
    plane->storage = grow(plane->storage, &plane->storage_max, lines * plane->stride, 1);
    plane->blocks =
        grow(plane->blocks, &plane->blocks_max, blocks, JPEG_BLOCK_LEN * sizeof(int16_t));
    plane->last = grow(plane->last, &plane->last_max, blocks, 1);
    if (plane->storage == NULL || plane->blocks == NULL || plane->last == NULL)
        return false;
    plane->samples = plane->storage + MARGIN;
    return true;
}

static bool make_room(struct jpeg_rows *rows)
{
    bool done = true;
    for (uint32_t c = 0; c < rows->frame.component_count; c++)
        done = make_plane(rows, &rows->frame.components[c], &rows->planes[c]) && done;
    size_t columns = (size_t)rows->mcus.count * rows->frame.components[0].h * JPEG_BLOCK_SIDE;
    size_t wide_bytes = row_bytes((uint32_t)columns);
    for (int i = 0; i < 2; i++)
        rows->wide[i] = grow(rows->wide[i], &rows->wide_max[i], wide_bytes, 1);
    rows->pixels = grow(rows->pixels, &rows->pixels_max, wide_bytes * PIXEL_BYTES, 1);
    return done && rows->wide[0] != NULL && rows->wide[1] != NULL && rows->pixels != NULL;
}

static enum stk_status start(struct jpeg_rows *rows, const struct jpeg_entries *entries,
                             const struct box *area)
{
    uint32_t h = rows->frame.components[0].h;
    rows->entries = entries;
    rows->noting = false;
    rows->area = *area;
    rows->row = (uint32_t)area->top;
    rows->column = (uint32_t)area->left / h * h;
    rows->mcus = jpeg_frame_mcus(&rows->frame, area);
    rows->mcu_row = rows->mcus.top;
    rows->band_begun = false;
    return make_room(rows) ? STK_OK : STK_MEMORY;
}

enum stk_status jpeg_rows_start_entering(struct jpeg_rows *rows, const struct jpeg_entries *entries,
                                         uint32_t scan_len, const struct box *area)
{
    rows->scan_len = scan_len;
    return start(rows, entries, area);
}

/* All rows of MCUs before that one. */
static bool pass_rows(struct jpeg_rows *rows, uint32_t first, uint32_t end)
{
    uint32_t columns = rows->frame.mcu_columns;
    if (!rows->noting && rows->patience == NULL)
        return jpeg_entropy_skip(&rows->frame, &rows->lane, (end - first) * columns);
    bool passed = true;
    for (uint32_t row = first; row < end && passed && !jpeg_rows_ended(rows); row++)
        passed = rows->noting ? jpeg_entropy_note(&rows->frame, &rows->lane, rows->entries, row)
                              : jpeg_entropy_skip(&rows->frame, &rows->lane, columns);
    return passed && !jpeg_rows_ended(rows);
}

static enum stk_status pass_before(struct jpeg_rows *rows)
{
    jpeg_lane_start(&rows->lane, &rows->frame);
    bool passed = pass_rows(rows, 0, rows->mcus.top) && jpeg_bits_sound(&rows->lane.bits);
    return passed ? STK_OK : STK_CORRUPT;
}

enum stk_status jpeg_rows_start(struct jpeg_rows *rows, const struct box *area)
{
    enum stk_status status = start(rows, NULL, area);
    return status == STK_OK ? pass_before(rows) : status;
}

enum stk_status jpeg_rows_start_noting(struct jpeg_rows *rows, const struct jpeg_entries *entries,
                                       const struct box *area)
{
    enum stk_status status = start(rows, entries, area);
    rows->noting = true;
    return status == STK_OK ? pass_before(rows) : status;
}

bool jpeg_rows_finish(struct jpeg_rows *rows)
{
    if (!pass_rows(rows, rows->mcu_row, rows->frame.mcu_rows) || !jpeg_bits_sound(&rows->lane.bits))
        return false;
    rows->scan_len = jpeg_lane_bytes(&rows->frame, &rows->lane);
    return true;
}

/* Where a row's coefficients go; they are zeros then. */
static struct jpeg_coefficients coefficients_of(const struct jpeg_rows *rows)
{
    struct jpeg_coefficients out = {.count = rows->mcus.count};
    for (uint32_t c = 0; c < rows->frame.component_count; c++) {
        const struct jpeg_component *component = &rows->frame.components[c];
        size_t blocks = (size_t)rows->mcus.count * component->h * component->v;
        out.block[c] = rows->planes[c].blocks;
        out.last[c] = rows->planes[c].last;
        memset(out.block[c], 0, blocks * JPEG_BLOCK_LEN * sizeof(int16_t));
    }
    return out;
}

static bool same_entry(const struct jpeg_entry *a, const struct jpeg_entry *b)
{
    return a->bit == b->bit && memcmp(a->dc, b->dc, sizeof a->dc) == 0;
}

/* The lane has come to an entry point. */
static bool meet_entry(struct jpeg_rows *rows, uint32_t number)
{
    struct jpeg_entry *entry = &rows->entries->entry[number];
    struct jpeg_entry here;
    if (!jpeg_lane_place(&rows->frame, &rows->lane, &here))
        return false;
    if (rows->noting)
        *entry = here;
    return same_entry(entry, &here);
}

/* MCUs of the row, kept or passed over, with the entry points among them; one at the first is met
 * too. */
static bool pass(struct jpeg_rows *rows, uint32_t first, uint32_t end,
                 const struct jpeg_coefficients *out)
{
    const struct jpeg_entries *entries = rows->entries;
    bool done = true;
    for (uint32_t next = end; first < end && done; first = next) {
        next = end;
        if (entries != NULL) {
            uint32_t column = first / entries->step;
            uint32_t border = (column + 1) * entries->step;
            next = border < end ? border : end;
            if (first % entries->step == 0)
                done = meet_entry(rows, rows->mcu_row * entries->columns + column);
        }
        if (done && out != NULL)
            done = jpeg_entropy_keep(&rows->frame, &rows->lane, out, first - rows->mcus.left,
                                     next - first);
        else if (done)
            done = jpeg_entropy_skip(&rows->frame, &rows->lane, next - first);
    }
    return done;
}

/* Without entry points to enter by, all of the row is passed. */
static bool read_row(struct jpeg_rows *rows, const struct jpeg_coefficients *out)
{
    uint32_t end = rows->mcus.left + rows->mcus.count;
    return pass(rows, 0, rows->mcus.left, NULL) && pass(rows, rows->mcus.left, end, out) &&
           pass(rows, end, rows->frame.mcu_columns, NULL) && jpeg_bits_sound(&rows->lane.bits);
}

/* Come from the last MCU that is kept to the entry point behind the one that was entered by, where
 * it was not passed on the way. */
static bool meet_one(struct jpeg_rows *rows, uint32_t column)
{
    const struct jpeg_entries *entries = rows->entries;
    uint32_t end = rows->mcus.left + rows->mcus.count;
    uint32_t next = (column + 1) * entries->step;
    if (next > rows->frame.mcu_columns)
        next = rows->frame.mcu_columns;
    if (end > next)
        return jpeg_bits_given(&rows->lane.bits);
    uint32_t number = rows->mcu_row * entries->columns + column + 1;
    if (!jpeg_entropy_skip(&rows->frame, &rows->lane, next - end))
        return false;
    if (number == rows->frame.mcu_rows * entries->columns)
        return jpeg_lane_bytes(&rows->frame, &rows->lane) == rows->scan_len;
    return meet_entry(rows, number);
}

/* Nothing comes behind the last entry point that would tell whether it is right: so one comes to it
 * from the one before. */
static bool enter(struct jpeg_rows *rows, uint32_t column)
{
    const struct jpeg_entries *entries = rows->entries;
    uint32_t number = rows->mcu_row * entries->columns + column;
    uint32_t from = jpeg_entries_sure(entries, &rows->frame, number);
    uint32_t mcu = jpeg_entries_mcu(entries, &rows->frame, from);
    return jpeg_lane_enter(&rows->lane, &rows->frame, &entries->entry[from], mcu) &&
           jpeg_entropy_skip(&rows->frame, &rows->lane,
                             jpeg_entries_mcu(entries, &rows->frame, number) - mcu);
}

static bool enter_row(struct jpeg_rows *rows, const struct jpeg_coefficients *out)
{
    uint32_t column = rows->mcus.left / rows->entries->step;
    uint32_t first = column * rows->entries->step;
    uint32_t end = rows->mcus.left + rows->mcus.count;
    return enter(rows, column) && pass(rows, first, rows->mcus.left, NULL) &&
           pass(rows, rows->mcus.left, end, out) && meet_one(rows, column);
}

static bool decode_row(struct jpeg_rows *rows)
{
    struct jpeg_coefficients out = coefficients_of(rows);
    return rows->entries != NULL && !rows->noting ? enter_row(rows, &out) : read_row(rows, &out);
}

static uint8_t *line_of(const struct jpeg_plane *plane, size_t line)
{
    return &plane->samples[line * plane->stride];
}

/* The band's last rows become those before the next. */
static void keep_rows(struct jpeg_rows *rows)
{
    for (uint32_t c = 0; c < rows->frame.component_count && rows->band_begun; c++) {
        const struct jpeg_plane *plane = &rows->planes[c];
        size_t lines = (size_t)rows->frame.components[c].v * JPEG_BLOCK_SIDE;
        memcpy(plane->storage, &plane->storage[lines * plane->stride], KEPT_ROWS * plane->stride);
    }
}

/* Repeat the outermost samples of a component where the picture ends. */
static void repeat_ends(const struct jpeg_rows *rows, const struct jpeg_component *component,
                        const struct jpeg_plane *plane)
{
    size_t lines = (size_t)component->v * JPEG_BLOCK_SIDE;
    uint32_t first = rows->mcus.left * component->h * JPEG_BLOCK_SIDE;
    uint32_t end = first + rows->mcus.count * component->h * JPEG_BLOCK_SIDE;
    bool repeat_last = end >= component->width;
    for (size_t y = KEPT_ROWS; y < KEPT_ROWS + lines; y++) {
        uint8_t *line = line_of(plane, y);
        *(line - 1) = line[0];
        if (repeat_last)
            line[component->width - first] = line[component->width - first - 1];
    }
}

static void transform(const struct jpeg_rows *rows, uint32_t c)
{
    const struct jpeg_component *component = &rows->frame.components[c];
    const struct jpeg_plane *plane = &rows->planes[c];
    uint32_t columns = rows->mcus.count * component->h;
    for (size_t y = 0; y < component->v; y++)
        rows->kernel->idct(&plane->blocks[y * columns * JPEG_BLOCK_LEN], &plane->last[y * columns],
                           component->quant, columns,
                           line_of(plane, KEPT_ROWS + y * JPEG_BLOCK_SIDE), plane->stride);
    if (c > 0)
        repeat_ends(rows, component, plane);
}

static bool decode_band(struct jpeg_rows *rows)
{
    if (jpeg_rows_ended(rows) || !decode_row(rows))
        return false;
    keep_rows(rows);
    for (uint32_t c = 0; c < rows->frame.component_count; c++)
        transform(rows, c);
    rows->band_top = rows->mcu_row++;
    rows->band_begun = true;
    return true;
}

/* A row of a component's samples that is in the band; those beyond the picture are its last. */
static const uint8_t *sample_row(const struct jpeg_rows *rows, uint32_t c, uint32_t row)
{
    const struct jpeg_component *component = &rows->frame.components[c];
    uint32_t top = rows->band_top * component->v * JPEG_BLOCK_SIDE;
    uint32_t last = component->height - 1;
    return line_of(&rows->planes[c], KEPT_ROWS + (row < last ? row : last) - (size_t)top);
}

/* A row of a colour as fine as the first component, from rows->column on. */
static const uint8_t *colour_row(const struct jpeg_rows *rows, uint32_t c, uint32_t count)
{
    const struct jpeg_component *light = &rows->frame.components[0];
    uint32_t row = rows->row / light->v;
    uint32_t column = rows->column / light->h - rows->mcus.left * JPEG_BLOCK_SIDE;
    uint32_t samples = (count + light->h - 1) / light->h;
    uint8_t *wide = rows->wide[c - 1];
    const uint8_t *near = &sample_row(rows, c, row)[column];
    if (light->h == 1 && light->v == 1)
        return near;
    if (light->v == 1) {
        rows->kernel->widen(near, samples, wide);
        return wide;
    }
    bool above = rows->row % 2 == 0;
    uint32_t other = above ? row - (row > 0) : row + 1;
    const uint8_t *far = &sample_row(rows, c, other)[column];
    if (light->h == 1)
        rows->kernel->between(near, far, samples, above, wide);
    else
        rows->kernel->widen_between(near, far, samples, wide);
    return wide;
}

enum stk_status jpeg_rows_next(struct jpeg_rows *rows, const uint8_t **pixels)
{
    *pixels = NULL;
    CHECK(rows->row < (uint32_t)(rows->area.top + rows->area.height));
    while (rows->mcu_row <= jpeg_frame_last_mcu_row(&rows->frame, rows->row)) {
        if (!decode_band(rows))
            return STK_CORRUPT;
    }
    uint32_t left = (uint32_t)rows->area.left;
    uint32_t count = left - rows->column + (uint32_t)rows->area.width;
    uint32_t first = rows->mcus.left * rows->frame.components[0].h * JPEG_BLOCK_SIDE;
    const uint8_t *light = &sample_row(rows, 0, rows->row)[rows->column - first];
    if (rows->frame.component_count == 1)
        rows->kernel->gray(light, count, rows->pixels);
    else
        rows->kernel->colour(light, colour_row(rows, 1, count), colour_row(rows, 2, count), count,
                             rows->pixels);
    *pixels = &rows->pixels[(size_t)(left - rows->column) * PIXEL_BYTES];
    rows->row++;
    return STK_OK;
}

size_t jpeg_rows_bytes_max(void)
{
    size_t side = JPEG_FRAME_SIDE_MAX + 2 * JPEG_BLOCK_SIDE;
    size_t blocks = side / JPEG_BLOCK_SIDE * 2;
    size_t plane =
        BAND_ROWS * row_bytes((uint32_t)side) + blocks * (JPEG_BLOCK_LEN * sizeof(int16_t) + 1);
    return JPEG_COMPONENTS_MAX * plane + (2 + PIXEL_BYTES) * row_bytes((uint32_t)side);
}
