/*
 * The plan of mixing: lambdas, partners and boxes of a batch.
 *
 * The part of the plan behind plan_batch that a mix section asks for; the same on every machine.
 * No state; any thread.
 */
#ifndef STK_PLAN_MIX_H
#define STK_PLAN_MIX_H

#include "daemon/plan/plan.h"

/**
 * Plan the mixing of a batch whose slots have their positions and indices.
 *
 *   sampler   of the recipe's stream, by whose law a partner from the data set is drawn; not
 *             sampler_is_single where that is never the sample itself
 *   slots     count of them; everything about mixing is set
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 * Source: PROTOCOL.md, "Mixing".
 */
void plan_mix(const struct recipe *recipe, const struct sampler *sampler,
              struct stk_address address, uint32_t count, struct plan_slot *slots);

/**
 * CutMix's box for a lambda and a centre: the sides are sqrt(1 - lambda) of the picture's, halved
 * and rounded down to each side of the centre, and clipped at the picture's edges.
 *
 *   rounding        MIX_BOX_FLOOR or MIX_BOX_ROUND
 *   lambda          0 .. 1
 *   height, width   of the picture
 *   y, x            the centre, inside the picture
 *
 * Threads: any.  Blocks: no.
 * Source: rand_bbox of clovaai and of timm and torchvision's CutMix (FLOOR), fastai's (ROUND).
 */
struct box plan_cut_box(enum mix_box rounding, double lambda, uint32_t height, uint32_t width,
                        uint32_t y, uint32_t x);

/** What a box leaves of a picture of its own: 1 - area / (height * width). */
float plan_cut_lambda(const struct box *box, uint32_t height, uint32_t width);

#endif
