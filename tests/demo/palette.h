/*
 * Palettes: colours that go together, a little different in every picture.
 */
#ifndef STK_DEMO_PALETTE_H
#define STK_DEMO_PALETTE_H

#include "tests/demo/canvas.h"
#include "tests/demo/rng.h"

enum { PALETTE_INKS = 4 };

struct palette {
    struct colour grounds[2]; /* what things stand on */
    struct colour inks[PALETTE_INKS];
};

/** Draw a palette; its colours vary around those of the table. */
void palette_init(struct palette *palette, struct rng *rng);

/** An ink that stands out from a colour, in a gray picture too.  Owns: nothing; by value. */
struct colour palette_ink(const struct palette *palette, struct rng *rng, struct colour against);

#endif
