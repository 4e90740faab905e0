/*
 * Resize: the ring of lines between the horizontal and the vertical pass.
 */
#include "daemon/image/resize.h"

#include <stdlib.h>

#include "daemon/base/check.h"
#include "daemon/image/grow.h"

/* The lines that must be kept: those that an output takes and those pushed for one before it. */
static uint32_t lines_kept(const struct axis *rows)
{
    uint32_t pushed = 0;
    uint32_t kept = 1;
    for (uint32_t y = 0; y < rows->count; y++) {
        if (rows->start[y] + rows->used[y] > pushed)
            pushed = rows->start[y] + rows->used[y];
        if (pushed - rows->start[y] > kept)
            kept = pushed - rows->start[y];
    }
    return kept;
}

static size_t line_bytes(uint32_t width)
{
    return (size_t)width * 3 + KERNEL_LINE_BYTES_EXTRA;
}

static bool make_room(struct resize *resize)
{
    size_t table_bytes = resize->kernel->table_bytes(resize->columns.count, resize->columns.taps);
    size_t ring_bytes = resize->ring_lines * resize->line_bytes;
    resize->table = grow(resize->table, &resize->table_max, table_bytes, 1);
    resize->ring = grow(resize->ring, &resize->ring_max, ring_bytes, 1);
    resize->taps = grow(resize->taps, &resize->taps_max, resize->rows.taps, sizeof *resize->taps);
    return resize->table != NULL && resize->ring != NULL && resize->taps != NULL;
}

enum stk_status resize_set(struct resize *resize, const struct view *view,
                           enum interpolation filter, uint32_t height, uint32_t width, bool flip,
                           struct box *needed)
{
    enum stk_status status = axis_set(&resize->columns, filter, (uint32_t)view->box.width,
                                      view->resized_width, (uint32_t)view->left, width, flip);
    if (status != STK_OK)
        return status;
    status = axis_set(&resize->rows, filter, (uint32_t)view->box.height, view->resized_height,
                      (uint32_t)view->top, height, false);
    if (status != STK_OK)
        return status;
    resize->ring_lines = lines_kept(&resize->rows);
    resize->line_bytes = line_bytes(width);
    resize->pushed = 0;
    resize->next = 0;
    if (!make_room(resize))
        return STK_MEMORY;
    resize->kernel->prepare(&resize->columns, resize->table);
    *needed = (struct box){
        .top = view->box.top + (int32_t)resize->rows.first,
        .left = view->box.left + (int32_t)resize->columns.first,
        .height = (int32_t)(resize->rows.end - resize->rows.first),
        .width = (int32_t)(resize->columns.end - resize->columns.first),
    };
    return STK_OK;
}

struct box resize_extent(const struct view *view, enum interpolation filter, uint32_t height,
                         uint32_t width)
{
    uint32_t top, bottom, left, right;
    axis_extent(filter, (uint32_t)view->box.height, view->resized_height, (uint32_t)view->top,
                height, &top, &bottom);
    axis_extent(filter, (uint32_t)view->box.width, view->resized_width, (uint32_t)view->left, width,
                &left, &right);
    return (struct box){
        .top = view->box.top + (int32_t)top,
        .left = view->box.left + (int32_t)left,
        .height = (int32_t)(bottom - top),
        .width = (int32_t)(right - left),
    };
}

void resize_release(struct resize *resize)
{
    axis_release(&resize->columns);
    axis_release(&resize->rows);
    free(resize->table);
    free(resize->ring);
    free(resize->taps);
    *resize = (struct resize){.kernel = resize->kernel};
}

static uint8_t *line_of(const struct resize *resize, uint32_t source_row)
{
    return &resize->ring[(source_row % resize->ring_lines) * resize->line_bytes];
}

bool resize_wants(const struct resize *resize, uint32_t row)
{
    return resize->pushed < resize->rows.start[row] + resize->rows.used[row];
}

/* NEAREST, alone with a single tap, leaves rows out: nobody looks at a line before the one that the
 * next output takes.  With the others an output that stands just on a source pixel has weights of 0
 * to either side and may begin behind what the output after it takes. */
static bool leaves_out(const struct resize *resize)
{
    return resize->rows.taps == 1 && resize->pushed < resize->rows.start[resize->next];
}

void resize_push(struct resize *resize, const uint8_t *source)
{
    uint8_t *line = line_of(resize, resize->pushed);
    if (!leaves_out(resize))
        resize->kernel->columns(&resize->columns, resize->table, source, line);
    resize->pushed++;
}

void resize_take(struct resize *resize, uint32_t row, uint8_t *pixels)
{
    const struct axis *rows = &resize->rows;
    CHECK(!resize_wants(resize, row));
    for (uint32_t i = 0; i < rows->used[row]; i++)
        resize->taps[i] = line_of(resize, rows->start[row] + i);
    resize->kernel->rows(resize->taps, &rows->weight[(size_t)row * rows->taps], rows->used[row],
                         pixels, (size_t)resize->columns.count * 3);
    resize->next = row + 1;
}

size_t resize_bytes_max(const struct kernel *kernel, enum interpolation filter, uint32_t side_max,
                        uint32_t height, uint32_t width)
{
    size_t lines = axis_taps_max(filter, side_max, height);
    return axis_bytes_max(filter, side_max, height, height) +
           axis_bytes_max(filter, side_max, width, width) +
           kernel->table_bytes(width, axis_taps_max(filter, side_max, width)) +
           lines * (line_bytes(width) + sizeof(uint8_t *));
}
