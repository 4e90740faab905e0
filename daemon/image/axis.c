/*
 * An axis: Pillow's arithmetic, operation by operation, so that every fixed-point weight is equal.
 */
#include "daemon/image/axis.h"

#include <math.h>
#include <stdlib.h>

#include "daemon/base/check.h"
#include "daemon/image/filter.h"
#include "daemon/image/grow.h"

/* Where an output's weights lie. */
struct span {
    uint32_t first;
    uint32_t count;
};

/* A filter's constants for one side. */
struct lens {
    enum interpolation filter;
    uint32_t source;
    double scale;   /* source pixels an output */
    double support; /* source pixels to each side of an output's center */
    double inverse; /* 1 / source pixels that the filter's unit of distance spans */
};

static struct lens lens_of(enum interpolation filter, uint32_t source, uint32_t resized)
{
    double scale = (double)source / resized;
    double stretch = scale < 1.0 ? 1.0 : scale;
    return (struct lens){
        .filter = filter,
        .source = source,
        .scale = scale,
        .support = filter_support(filter) * stretch,
        .inverse = 1.0 / stretch,
    };
}

uint32_t axis_taps_max(enum interpolation filter, uint32_t source, uint32_t resized)
{
    if (filter == INTERPOLATION_NEAREST)
        return 1;
    return (uint32_t)ceil(lens_of(filter, source, resized).support) * 2 + 1;
}

size_t axis_bytes_max(enum interpolation filter, uint32_t source, uint32_t resized, uint32_t count)
{
    size_t taps = axis_taps_max(filter, source, resized);
    return count * (2 * sizeof(uint32_t) + taps * sizeof(int32_t)) + taps * sizeof(double);
}

static struct span span_of(const struct lens *lens, double center)
{
    int first = (int)(center - lens->support + 0.5);
    int end = (int)(center + lens->support + 0.5);
    if (first < 0)
        first = 0;
    if ((uint32_t)end > lens->source)
        end = (int)lens->source;
    return (struct span){(uint32_t)first, (uint32_t)(end - first)};
}

/* The weights of one output, as doubles whose sum is 1. */
static struct span weigh(const struct lens *lens, uint32_t output, double *weights)
{
    double center = (output + 0.5) * lens->scale;
    struct span span = span_of(lens, center);
    double sum = filter_fill(lens->filter, span.first, span.count, center, lens->inverse, weights);
    for (uint32_t i = 0; i < span.count && sum != 0.0; i++)
        weights[i] /= sum;
    return span;
}

static int32_t fixed_of(double weight)
{
    double scaled = weight * (1 << AXIS_PRECISION_BITS);
    return (int32_t)(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
}

/* Make the weights fixed point, without the zeros at both ends; one is kept where all are 0. */
static struct span fix(struct span span, const double *weights, int32_t *fixed)
{
    uint32_t end = span.count;
    while (end > 1 && fixed_of(weights[end - 1]) == 0)
        end--;
    uint32_t begin = 0;
    while (begin + 1 < end && fixed_of(weights[begin]) == 0)
        begin++;
    for (uint32_t i = begin; i < end; i++)
        fixed[i - begin] = fixed_of(weights[i]);
    return (struct span){span.first + begin, end - begin};
}

static bool make_room(struct axis *axis, uint32_t count, uint32_t taps)
{
    size_t counts_max = axis->counts_max;
    size_t weights = (size_t)count * taps;
    axis->start = grow(axis->start, &counts_max, count, sizeof *axis->start);
    axis->used = grow(axis->used, &axis->counts_max, count, sizeof *axis->used);
    axis->weight = grow(axis->weight, &axis->weights_max, weights, sizeof *axis->weight);
    axis->exact = grow(axis->exact, &axis->exact_max, taps, sizeof *axis->exact);
    return axis->start != NULL && axis->used != NULL && axis->weight != NULL && axis->exact != NULL;
}

/* Where output i of the window stands. */
static uint32_t place_of(const struct axis *axis, uint32_t i, bool mirrored)
{
    return mirrored ? axis->count - 1 - i : i;
}

static void set_weighed(struct axis *axis, const struct lens *lens, uint32_t window, bool mirrored)
{
    for (uint32_t i = 0; i < axis->count; i++) {
        uint32_t at = place_of(axis, i, mirrored);
        struct span span = weigh(lens, window + i, axis->exact);
        span = fix(span, axis->exact, &axis->weight[(size_t)at * axis->taps]);
        axis->start[at] = span.first;
        axis->used[at] = span.count;
    }
}

/*
 * Pillow adds the scale up from output 0 on, wherever the window begins, and its rounding errors
 * with it.  They could only lead behind the last pixel where the resized side has tens of millions
 * of pixels, which Pillow has no memory for.
 */
static void set_nearest(struct axis *axis, const struct lens *lens, uint32_t window, bool mirrored)
{
    double position = lens->scale * 0.5;
    for (uint32_t i = 0; i < window; i++)
        position += lens->scale;
    for (uint32_t i = 0; i < axis->count; i++, position += lens->scale) {
        uint32_t at = place_of(axis, i, mirrored);
        uint32_t pixel = (uint32_t)position;
        axis->start[at] = pixel < lens->source ? pixel : lens->source - 1;
        axis->used[at] = 1;
        axis->weight[at] = 1 << AXIS_PRECISION_BITS;
    }
}

/* Count from the first source pixel that is needed at all. */
static void set_extent(struct axis *axis)
{
    axis->first = UINT32_MAX;
    axis->end = 0;
    for (uint32_t i = 0; i < axis->count; i++) {
        uint32_t start = axis->start[i];
        uint32_t end = start + axis->used[i];
        axis->first = start < axis->first ? start : axis->first;
        axis->end = end > axis->end ? end : axis->end;
    }
    for (uint32_t i = 0; i < axis->count; i++)
        axis->start[i] -= axis->first;
}

enum stk_status axis_set(struct axis *axis, enum interpolation filter, uint32_t source,
                         uint32_t resized, uint32_t window, uint32_t count, bool mirrored)
{
    CHECK(source > 0 && count > 0 && window < resized && count <= resized - window);
    axis->count = count;
    axis->taps = axis_taps_max(filter, source, resized);
    if (!make_room(axis, count, axis->taps))
        return STK_MEMORY;
    struct lens lens = lens_of(filter, source, resized);
    if (filter == INTERPOLATION_NEAREST)
        set_nearest(axis, &lens, window, mirrored);
    else
        set_weighed(axis, &lens, window, mirrored);
    set_extent(axis);
    return STK_OK;
}

/* NEAREST's sum is nearer to an output's center than a pixel. */
void axis_extent(enum interpolation filter, uint32_t source, uint32_t resized, uint32_t window,
                 uint32_t count, uint32_t *first, uint32_t *end)
{
    struct lens lens = lens_of(filter, source, resized);
    if (filter == INTERPOLATION_NEAREST)
        lens.support = 1.5;
    struct span span = span_of(&lens, (window + 0.5) * lens.scale);
    *first = span.first;
    span = span_of(&lens, (window + count - 1 + 0.5) * lens.scale);
    *end = span.first + span.count;
}

void axis_release(struct axis *axis)
{
    free(axis->start);
    free(axis->used);
    free(axis->weight);
    free(axis->exact);
    *axis = (struct axis){0};
}
