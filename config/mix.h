/*
 * What a stream mixes: the keys of its mix section, and the presets that set them all.
 *
 * Plain data and pure functions; a part of the recipe.  Any thread.
 */
#ifndef STK_CONFIG_MIX_H
#define STK_CONFIG_MIX_H

#include <stdbool.h>
#include <stdint.h>

enum mix_method { MIX_NONE, MIX_MIXUP, MIX_CUTMIX, MIX_BOTH };

/* Whose meaning of mixing: what the keys that are not written out stand at. */
enum mix_preset {
    MIX_PRESET_FASTAI,
    MIX_PRESET_TIMM,
    MIX_PRESET_TORCHVISION,
    MIX_PRESET_PAPER,
    MIX_PRESET_FASTBOOK,
};

/* What shares a lambda, a box and the choice between mixup and CutMix: a batch; nothing; the slots
 * i and count - 1 - i. */
enum mix_per { MIX_PER_BATCH, MIX_PER_SAMPLE, MIX_PER_PAIR };

/* Who is mixed in: a slot of the batch, or a sample of the whole data set. */
enum mix_partner {
    MIX_PARTNER_PERMUTATION, /* a random one */
    MIX_PARTNER_REVERSE,     /* count - 1 - i */
    MIX_PARTNER_ROLL,        /* i - 1, and the last one for the first */
    MIX_PARTNER_DATASET,
};

/* How long a box's sides are, n being the picture's: n * sqrt(1 - lambda) rounded down or to the
 * nearest, or drawn between shares of n whatever lambda is. */
enum mix_box { MIX_BOX_FLOOR, MIX_BOX_ROUND, MIX_BOX_MINMAX };

enum mix_answer { MIX_NO, MIX_YES };

struct recipe_mix {
    enum mix_method method; /* MIX_NONE: but smoothing all the rest is zero and has no meaning */
    enum mix_preset preset; /* changes no byte by itself */
    double alpha;           /* of mixup's Beta(alpha, alpha), 0.01 .. 100 */
    double cutmix_alpha;    /* of CutMix's */
    double switch_prob;     /* MIX_BOTH: the share of CutMix, 0 .. 1 */
    double prob;            /* that anything is mixed, 0 .. 1 */
    enum mix_per per;       /* MIX_PER_PAIR only beside MIX_PARTNER_REVERSE */
    enum mix_answer fold;   /* mixup's lambda is max(lambda, 1 - lambda) */
    enum mix_partner partner;
    enum mix_answer partner_self; /* MIX_PARTNER_DATASET: a sample may be its own partner */
    enum mix_box cutmix_box;
    double box_range[2];  /* MIX_BOX_MINMAX: 0 <= [0] < [1] <= 1; behind cutmix_box, see value.c */
    double smoothing;     /* of the dense target, 0 .. 1; see recipe_smoothing */
    uint32_t from_epoch;  /* mixed are epochs from_epoch <= epoch < until_epoch */
    uint32_t until_epoch; /* 0: for ever */
};

enum { RECIPE_MIX_TEXT_BYTES = 512 }; /* always enough for recipe_mix_text */

/**
 * The keys as a preset sets them.
 *
 *   preset   whose meaning
 *   method   NULL: the preset's own; MIX_NONE gives a struct of zeros
 *
 * fastai's CutMix, unlike its mixup, has one lambda for the batch; so per follows the method.
 *
 * Owns: nothing.  Threads: any.  Blocks: no.
 * Source: the table of presets in stokerd.conf(5).
 */
struct recipe_mix mix_preset_keys(enum mix_preset preset, const enum mix_method *method);

/** Whether the method mixes whole pictures.  Threads: any. */
bool mix_blends(const struct recipe_mix *mix);

/** Whether the method exchanges boxes.  Threads: any. */
bool mix_cuts(const struct recipe_mix *mix);

/**
 * What is mixed, in words for a person: "none", with its smoothing where there is one, or method,
 * preset, alphas, smoothing and every key that does not stand as the preset has it: "mixup fastai
 * alpha=0.4 partner=dataset".
 *
 * Owns: nothing.  Threads: any.  Blocks: no.  Allocates: no.
 */
void recipe_mix_text(const struct recipe_mix *mix, char out[RECIPE_MIX_TEXT_BYTES]);

#endif
