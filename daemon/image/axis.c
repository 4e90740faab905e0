/*
 * An axis: Pillow's arithmetic, operation by operation, so that every weight has the same bits.
 */
#include "daemon/image/axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/grow.h"

/* Where an output's weights lie. */
struct span {
    uint32_t first;
    uint32_t count;
};

/* The filter's constants for one side. */
struct triangle {
    double scale;   /* source pixels an output */
    double stretch; /* scale, or 1 where the picture grows */
    uint32_t source;
};

static struct triangle triangle_of(uint32_t source, uint32_t resized)
{
    struct triangle triangle = {.scale = (double)source / resized, .source = source};
    triangle.stretch = triangle.scale < 1.0 ? 1.0 : triangle.scale;
    return triangle;
}

uint32_t axis_taps_max(uint32_t source, uint32_t resized)
{
    return (uint32_t)ceil(triangle_of(source, resized).stretch) * 2 + 1;
}

size_t axis_bytes_max(uint32_t source, uint32_t resized, uint32_t count)
{
    size_t taps = axis_taps_max(source, resized);
    return count * (2 * sizeof(uint32_t) + taps * sizeof(int32_t)) + taps * sizeof(double);
}

static struct span triangle_span(const struct triangle *triangle, double center)
{
    int first = (int)(center - triangle->stretch + 0.5);
    int end = (int)(center + triangle->stretch + 0.5);
    if (first < 0)
        first = 0;
    if ((uint32_t)end > triangle->source)
        end = (int)triangle->source;
    return (struct span){(uint32_t)first, (uint32_t)(end - first)};
}

static double triangle_at(double x)
{
    if (x < 0.0)
        x = -x;
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* The weights of one output, as doubles whose sum is 1. */
static struct span weigh(const struct triangle *triangle, uint32_t output, double *weights)
{
    double center = (output + 0.5) * triangle->scale;
    double inverse = 1.0 / triangle->stretch;
    struct span span = triangle_span(triangle, center);
    double sum = 0.0;
    for (uint32_t i = 0; i < span.count; i++) {
        weights[i] = triangle_at((i + span.first - center + 0.5) * inverse);
        sum += weights[i];
    }
    for (uint32_t i = 0; i < span.count; i++)
        weights[i] /= sum;
    return span;
}

/* Make the weights fixed point, without the zeros at both ends. */
static struct span fix(struct span span, const double *weights, int32_t *fixed, uint32_t taps)
{
    for (uint32_t i = 0; i < span.count; i++)
        fixed[i] = (int32_t)(0.5 + weights[i] * (1 << AXIS_PRECISION_BITS));
    uint32_t end = span.count;
    while (end > 0 && fixed[end - 1] == 0)
        end--;
    CHECK(end > 0);
    uint32_t begin = 0;
    while (fixed[begin] == 0)
        begin++;
    memmove(fixed, &fixed[begin], (end - begin) * sizeof *fixed);
    memset(&fixed[end - begin], 0, (taps - (end - begin)) * sizeof *fixed);
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

enum stk_status axis_set(struct axis *axis, uint32_t source, uint32_t resized, uint32_t window,
                         uint32_t count, bool mirrored)
{
    CHECK(source > 0 && count > 0 && window < resized && count <= resized - window);
    struct triangle triangle = triangle_of(source, resized);
    axis->count = count;
    axis->taps = axis_taps_max(source, resized);
    if (!make_room(axis, count, axis->taps))
        return STK_MEMORY;
    axis->first = source;
    axis->end = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = mirrored ? count - 1 - i : i;
        int32_t *fixed = &axis->weight[(size_t)at * axis->taps];
        struct span span = weigh(&triangle, window + i, axis->exact);
        span = fix(span, axis->exact, fixed, axis->taps);
        axis->start[at] = span.first;
        axis->used[at] = span.count;
        if (span.first < axis->first)
            axis->first = span.first;
        if (span.first + span.count > axis->end)
            axis->end = span.first + span.count;
    }
    for (uint32_t i = 0; i < count; i++)
        axis->start[i] -= axis->first;
    return STK_OK;
}

void axis_release(struct axis *axis)
{
    free(axis->start);
    free(axis->used);
    free(axis->weight);
    free(axis->exact);
    *axis = (struct axis){0};
}
