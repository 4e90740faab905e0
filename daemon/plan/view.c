/*
 * A view, mapped back to the picture that it is of.
 */
#include "daemon/plan/view.h"

/* Rounded down, also below zero. */
static int64_t divide_down(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

/* [start, start + len) of resized pixels as [*first, *first + *count) of source pixels. */
static void map_back(int32_t start, uint32_t len, uint32_t resized, int32_t side, int32_t *first,
                     int32_t *count)
{
    int64_t low = divide_down((int64_t)start * side, resized);
    int64_t high = -divide_down(-((int64_t)start + len) * side, resized);
    *first = (int32_t)low;
    *count = (int32_t)(high - low);
}

struct box view_source(const struct view *view, uint32_t height, uint32_t width)
{
    struct box source;
    map_back(view->top, height, view->resized_height, view->box.height, &source.top,
             &source.height);
    map_back(view->left, width, view->resized_width, view->box.width, &source.left, &source.width);
    source.top += view->box.top;
    source.left += view->box.left;
    return source;
}
