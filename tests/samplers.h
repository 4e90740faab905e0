/*
 * Samplers for tests: over so many samples, whose labels and weights stand in arrays.
 */
#ifndef STK_TESTS_SAMPLERS_H
#define STK_TESTS_SAMPLERS_H

#include "daemon/plan/sampler.h"
#include "tests/suite.h"

/* NULL: every label is 0, every weight 1. */
struct test_samples {
    const int32_t *labels;
    const double *weights;
};

static inline int32_t test_label(const void *context, uint64_t index)
{
    const struct test_samples *samples = context;
    return samples->labels != NULL ? samples->labels[index] : 0;
}

static inline double test_weight(const void *context, uint64_t index)
{
    const struct test_samples *samples = context;
    return samples->weights != NULL ? samples->weights[index] : 1;
}

/* The arguments of sampler_init; test is borrowed. */
static inline struct sampler_samples samples_of(const struct test_samples *test, uint64_t count,
                                                uint32_t classes)
{
    return (struct sampler_samples){.count = count,
                                    .classes = classes,
                                    .context = test,
                                    .label = test_label,
                                    .weight = test_weight};
}

static inline struct sampler sampler_of(const struct recipe *recipe, uint64_t count)
{
    const struct test_samples test = {0};
    const struct sampler_samples samples = samples_of(&test, count, 1);
    struct sampler sampler;
    char error[SAMPLER_ERROR_BYTES];
    ck_assert_msg(sampler_init(&sampler, recipe, &samples, error) == STK_OK, "%s", error);
    return sampler;
}

#endif
