/*
 * Palettes: the table, and how an ink is picked.
 */
#include "tests/demo/palette.h"

/* 0xRRGGBB: two grounds, four inks. */
static const uint32_t table[][2 + PALETTE_INKS] = {
    {0xe9e2d0, 0xcfc4a8, 0xb5443a, 0x2f5d62, 0x1f2d3a, 0xd9902f}, /* paper */
    {0x1d2b3a, 0x2f4858, 0xf26b4e, 0xf3c969, 0xe8e4d9, 0x6fb3a2}, /* harbour */
    {0xbcd4de, 0x8fb0c4, 0xd1495b, 0xf7f3e8, 0x1d3557, 0xedae49}, /* sky */
    {0x3d4a34, 0x5e6e48, 0xe9d8a6, 0xee9b00, 0xf7f7f0, 0xbb3e03}, /* moss */
    {0xf3d9cf, 0xe3b4a4, 0x7b2d43, 0x33658a, 0xfffaf2, 0x2d3142}, /* blush */
    {0x4a3347, 0x6b4a5e, 0xf6c28b, 0x9bd1c6, 0xf4ecdf, 0xe06377}, /* plum */
    {0xd8d8d4, 0xb3b5b2, 0x2b2d31, 0xc8392f, 0x28658c, 0xf2f2ee}, /* gray */
    {0x7a5c43, 0xa17c5b, 0xf5efe2, 0x2a4747, 0xf2b544, 0x3a2a20}, /* wood */
    {0x0f4c4c, 0x1d6f6a, 0xf9dc5c, 0xf4f1e8, 0xf2845c, 0xa9e2d2}, /* sea */
    {0xf0c552, 0xe0a12f, 0x22333b, 0xb23a2e, 0xfff8e3, 0x2c6e8f}, /* corn */
    {0x2a2a33, 0x44434f, 0x7fd1ae, 0xf5a65b, 0xeceae4, 0xe05a6d}, /* night */
    {0xc9d8b6, 0x9dbb86, 0x3b3355, 0xd7263d, 0xfdfbf0, 0x1b6b5a}, /* meadow */
};

static struct colour colour_of(uint32_t rgb)
{
    return (struct colour){(float)(rgb >> 16) / 255.0f, (float)(rgb >> 8 & 255) / 255.0f,
                           (float)(rgb & 255) / 255.0f};
}

static struct colour vary(struct rng *rng, struct colour colour)
{
    colour.red += rng_between(rng, -0.06f, 0.06f);
    colour.green += rng_between(rng, -0.06f, 0.06f);
    colour.blue += rng_between(rng, -0.06f, 0.06f);
    return colour;
}

void palette_init(struct palette *palette, struct rng *rng)
{
    const uint32_t *row = table[rng_below(rng, sizeof table / sizeof *table)];
    unsigned swap = rng_below(rng, 2);
    for (unsigned i = 0; i < 2; i++)
        palette->grounds[i ^ swap] = vary(rng, colour_of(row[i]));
    for (unsigned i = 0; i < PALETTE_INKS; i++)
        palette->inks[i] = vary(rng, colour_of(row[2 + i]));
}

struct colour palette_ink(const struct palette *palette, struct rng *rng, struct colour against)
{
    unsigned first = rng_below(rng, PALETTE_INKS);
    unsigned best = first;
    float widest = 0.0f;
    for (unsigned i = 0; i < PALETTE_INKS; i++) {
        unsigned ink = (first + i) % PALETTE_INKS;
        float contrast = fabsf(colour_luma(palette->inks[ink]) - colour_luma(against));
        if (contrast > 0.24f)
            return palette->inks[ink];
        if (contrast > widest) {
            widest = contrast;
            best = ink;
        }
    }
    return palette->inks[best];
}
