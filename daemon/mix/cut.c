/*
 * CutMix's copy: a memcpy a row of the box, or the part of one that a stripe has.
 */
#include "daemon/mix/cut.h"

#include <string.h>

/* A picture's rows in bytes, and the box's part of each. */
struct rows {
    size_t bytes;  /* of a row */
    size_t start;  /* of the box in a row */
    size_t length; /* likewise; may be 0 */
};

static struct rows rows_of(const struct mix_format *format, const struct box *box)
{
    size_t pixel = stk_dtype_bytes(format->dtype) * (format->layout == STK_NHWC ? 3 : 1);
    return (struct rows){format->width * pixel, (size_t)box->left * pixel,
                         (size_t)box->width * pixel};
}

static bool has_row(const struct mix_format *format, const struct box *box, size_t row)
{
    size_t y = row % format->height; /* of its plane */
    return y >= (size_t)box->top && y < (size_t)box->top + (size_t)box->height;
}

void cut_copy(const struct mix_format *format, const struct box *box, size_t start, size_t len,
              uint8_t *own, const uint8_t *other)
{
    struct rows rows = rows_of(format, box);
    size_t end = start + len;
    for (size_t row = start / rows.bytes; row * rows.bytes < end; row++) {
        size_t from = row * rows.bytes + rows.start;
        size_t to = from + rows.length;
        from = from > start ? from : start;
        to = to < end ? to : end;
        if (from < to && has_row(format, box, row))
            memcpy(own + (from - start), other + (from - start), to - from);
    }
}
