/*
 * The classes of the demo data set: what is to be seen on a picture.
 */
#ifndef STK_DEMO_CLASSES_H
#define STK_DEMO_CLASSES_H

#include "tests/demo/canvas.h"
#include "tests/demo/rng.h"

enum { DEMO_CLASSES = 10 };

struct demo_class {
    const char *name; /* the folder's */
    void (*draw)(struct canvas *canvas, struct rng *rng);
};

/* In the order of their names, which is the order of their labels. */
extern const struct demo_class demo_classes[DEMO_CLASSES];

#endif
