/*
 * stoker preview: what its two kinds of sheets share.
 */
#ifndef STK_PREVIEW_H
#define STK_PREVIEW_H

#include "client/command/class_names.h"
#include "client/command/sheet.h"
#include "client/stoker.h"

/* What is to be drawn. */
struct preview {
    const char *url;
    const char *path;
    uint32_t timeout_s;
    uint32_t count;                  /* slots */
    const struct stk_client *client; /* borrowed, as the batch */
    const struct stk_batch *batch;   /* as it is served */
    uint32_t height, width;          /* of a picture */
    struct class_names classes;
    char title[256];
};

/** Draw the explained sheet, for which the pictures before mixing are fetched; an exit code. */
int preview_explain(const struct preview *preview);

#endif
