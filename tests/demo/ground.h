/*
 * Grounds: what objects stand before, and what makes a drawing look like a photograph.
 */
#ifndef STK_DEMO_GROUND_H
#define STK_DEMO_GROUND_H

#include "tests/demo/canvas.h"
#include "tests/demo/palette.h"
#include "tests/demo/rng.h"

/** Cover the canvas with one of the grounds in the palette's ground colours. */
void ground_draw(struct canvas *canvas, struct rng *rng, const struct palette *palette);

/** Uneven light and wear over all that is drawn so far, 0 none .. 1. */
void ground_weather(struct canvas *canvas, struct rng *rng, float strength);

#endif
