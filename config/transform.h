/*
 * Transforms: what can be done to a picture on its way into a slot, by name.
 *
 * A row of TRANSFORMS is a transform's only registration: its name is a word of the stream's list
 * `transform`, a section of the stream that holds its settings (their rows are in schema.c, their
 * values a struct of the recipe), and the object transform_NAME of daemon/transform/NAME.c, which
 * draws and applies it.  Constant; any thread.
 */
#ifndef STK_CONFIG_TRANSFORM_H
#define STK_CONFIG_TRANSFORM_H

/* A list goes through the kinds in this order. */
enum transform_kind {
    TRANSFORM_GEOMETRY, /* decides what of the picture is seen, before it is decoded */
    TRANSFORM_MIRROR,   /* is made by the resize, at no cost */
    TRANSFORM_PIXELS,   /* changes the slot's picture, before batches are mixed */
};

/* X(NAME, name, kind) */
#define TRANSFORMS(X)                                                                              \
    X(RANDOM_RESIZED_CROP, random_resized_crop, TRANSFORM_GEOMETRY)                                \
    X(RESIZE, resize, TRANSFORM_GEOMETRY)                                                          \
    X(CENTER_CROP, center_crop, TRANSFORM_GEOMETRY)                                                \
    X(PAD_CROP, pad_crop, TRANSFORM_GEOMETRY)                                                      \
    X(FLIP, flip, TRANSFORM_MIRROR)                                                                \
    X(RANDOM_ERASING, random_erasing, TRANSFORM_PIXELS)

#define TRANSFORM_ENUMERATOR(NAME, name, kind) TRANSFORM_##NAME,
enum transform { TRANSFORMS(TRANSFORM_ENUMERATOR) TRANSFORM_COUNT };
#undef TRANSFORM_ENUMERATOR

/** The kind of a transform.  Threads: any. */
enum transform_kind transform_kind(enum transform transform);

#endif
