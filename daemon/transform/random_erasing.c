/*
 * random_erasing: torchvision's RandomErasing, of the picture as it is served.
 *
 * What stands in the box, a colour or noise, are 8-bit values, which become the stream's numbers as
 * pixels do.
 */
#include <math.h>

#include "daemon/base/rng.h"
#include "daemon/image/format.h"
#include "daemon/plan/exact.h"
#include "daemon/transform/ops.h"

enum {
    TRIES = 10,
    CHUNK = 256, /* pixels written at a time */
};

/* One try; false where the box is not smaller than the picture in both sides. */
static bool try_box(const struct recipe *recipe, const uint32_t words[4], struct box *box)
{
    const double *scale = recipe->random_erasing.scale;
    const double *ratio = recipe->random_erasing.ratio;
    double area = (double)recipe->height * (double)recipe->width;
    double log_low = exact_log(ratio[0]);
    double log_high = exact_log(ratio[1]);
    double target = area * (scale[0] + (scale[1] - scale[0]) * rng_unit(words[0]));
    double aspect = exact_exp(log_low + (log_high - log_low) * rng_unit(words[1]));
    double h = nearbyint(sqrt(target * aspect));
    double w = nearbyint(sqrt(target / aspect));
    if (!(h < recipe->height && w < recipe->width))
        return false;
    if (h >= 1.0 && w >= 1.0)
        *box = (struct box){
            .top = (int32_t)rng_below(words[2], recipe->height - (uint32_t)h + 1),
            .left = (int32_t)rng_below(words[3], recipe->width - (uint32_t)w + 1),
            .height = (int32_t)h,
            .width = (int32_t)w,
        };
    return true;
}

static void draw(const struct recipe *recipe, uint32_t epoch, uint64_t position,
                 struct transform_drawn *drawn)
{
    struct rng rng = {recipe->seed, epoch, RNG_ERASE, position};
    uint32_t words[4];
    rng_block(&rng, 0, words);
    if (!(rng_unit(words[0]) < recipe->random_erasing.prob))
        return;
    for (uint32_t i = 1; i <= TRIES; i++) {
        rng_block(&rng, i, words);
        if (try_box(recipe, words, &drawn->erase))
            break;
    }
    rng.purpose = RNG_ERASE_NOISE;
    rng_block(&rng, 0, words);
    drawn->erase_noise = (uint64_t)words[1] << 32 | words[0];
}

/* Noise of count pixels from the first one on, counted along the rows of the served picture: of
 * each, one step of SplitMix64. */
static void make_noise(uint64_t key, uint64_t first, uint32_t count, uint8_t *pixels)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = rng_scramble(key + (first + i) * UINT64_C(0x9e3779b97f4a7c15));
        pixels[3 * i] = (uint8_t)word;
        pixels[3 * i + 1] = (uint8_t)(word >> 8);
        pixels[3 * i + 2] = (uint8_t)(word >> 16);
    }
}

static void erase_row(const struct recipe *recipe, const struct transform_drawn *drawn,
                      const struct image_format *format, uint32_t row, uint8_t *pixels, void *slot)
{
    uint32_t at = (uint32_t)drawn->erase.left;
    uint32_t end = at + (uint32_t)drawn->erase.width;
    while (at < end) {
        uint32_t count = end - at < CHUNK ? end - at : CHUNK;
        if (recipe->random_erasing.mode == ERASE_NOISE)
            make_noise(drawn->erase_noise, (uint64_t)row * format->width + at, count, pixels);
        format_write_part(format, pixels, row, at, count, slot);
        at += count;
    }
}

static void apply(const struct recipe *recipe, const struct transform_drawn *drawn,
                  const struct image_format *format, void *slot)
{
    uint8_t pixels[3 * CHUNK];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)recipe->random_erasing.value[i % 3];
    for (int32_t y = 0; y < drawn->erase.height; y++)
        erase_row(recipe, drawn, format, (uint32_t)(drawn->erase.top + y), pixels, slot);
}

const struct transform_ops transform_random_erasing = {.draw = draw, .apply = apply};
