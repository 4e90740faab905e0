/*
 * What stoker top shows: a model's figures, laid out on a page.  Pure: the same for a terminal, a
 * dumb one and a file.
 */
#ifndef STK_TOP_VIEW_H
#define STK_TOP_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/command/top_model.h"
#include "client/command/top_page.h"

/* X(name, word): what trainers are sorted by. */
#define TOP_SORT_LIST(X)                                                                           \
    X(RATE, "rate")   /* the fastest first */                                                      \
    X(READY, "ready") /* those that wait for data first */                                         \
    X(NAME, "name")

#define TOP_SORT_ENUM(name, word) TOP_SORT_##name,
enum top_sort { TOP_SORT_LIST(TOP_SORT_ENUM) TOP_SORT_COUNT };
#undef TOP_SORT_ENUM

/* How it is to be shown. */
struct top_view {
    const char *endpoint;
    struct stk_text stream; /* that alone; empty: all */
    enum top_sort sort;
    bool paused;
    bool help;           /* what the keys are, instead of streams and trainers */
    const char *trouble; /* why there are no news; "" where there are */
    char clock[32];      /* of the last look, for a person */
};

/** "rate", "ready" or "name". */
const char *top_sort_word(enum top_sort sort);

/**
 * Lay a model out.
 *
 *   page   begun, and empty; page->head is set
 *
 * Owns: nothing.  Threads: one.  Blocks: no.  Allocates: no.
 */
void top_view_draw(const struct top_view *view, const struct top_model *model,
                   struct top_page *page);

#endif
