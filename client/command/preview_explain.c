/*
 * stoker preview --explain: every slot's pair before mixing, and how it became what is served.
 *
 * The pictures before mixing are the daemon's: the same batch is fetched twice more, unmixed.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/command/command.h"
#include "client/command/explain.h"
#include "client/command/fetch.h"
#include "client/command/preview.h"

enum {
    ENTRIES_MAX = 4, /* of a soft label, by name */
    SAMPLE_BYTES = 64,
};

/* The batch, the pictures it is made of, and the tensors that tell how. */
struct pair {
    const struct preview *preview;
    struct stk_batch *own;
    struct stk_batch *partner;
    const int32_t *label;
    const int32_t *partner_label;
    const float *lambda;
    const uint64_t *index;
    const uint64_t *partner_index;
    const uint8_t *flip;
    /* NULL where the stream has none: */
    const uint8_t *partner_flip;
    const int32_t *cut;
    const int32_t *erase;
    const int32_t *partner_erase;
    const uint8_t *valid;
    const float *target;
    uint32_t columns; /* of the target */
};

/* A panel, and the storage of what it points to. */
struct slot_texts {
    char sample[SAMPLE_BYTES];
    char partner_sample[SAMPLE_BYTES];
};

static int fetch_unmixed(const struct preview *preview, enum stk_unmixed unmixed,
                         struct stk_batch **batch)
{
    const struct stk_batch_header *header = stk_batch_header(preview->batch);
    struct stk_client *client;
    int code = fetch_batch(preview->url, header->address.epoch, header->address.step, unmixed,
                           preview->timeout_s, &client, batch);
    if (code != COMMAND_DONE)
        return code;
    stk_client_close(&client);
    const struct stk_batch_header *got = stk_batch_header(*batch);
    if (memcmp(&got->fingerprint, &header->fingerprint, sizeof got->fingerprint) != 0)
        return command_fail("the stream changed while it was looked at; try again");
    return COMMAND_DONE;
}

static bool find_tensors(struct pair *pair)
{
    const struct stk_batch *batch = pair->preview->batch;
    const struct stk_tensor_info *info;
    pair->label = stk_batch_tensor(batch, "label", NULL);
    pair->partner_label = stk_batch_tensor(batch, "partner_label", NULL);
    pair->lambda = stk_batch_tensor(batch, "lambda", NULL);
    pair->index = stk_batch_tensor(batch, "index", NULL);
    pair->partner_index = stk_batch_tensor(batch, "partner_index", NULL);
    pair->flip = stk_batch_tensor(batch, "flip", NULL);
    pair->partner_flip = stk_batch_tensor(batch, "partner_flip", NULL);
    pair->cut = stk_batch_tensor(batch, "cut", NULL);
    pair->erase = stk_batch_tensor(batch, "erase", NULL);
    pair->partner_erase = stk_batch_tensor(batch, "partner_erase", NULL);
    pair->valid = stk_batch_tensor(batch, "valid", NULL);
    pair->target = stk_batch_tensor(batch, "target", &info);
    pair->columns = pair->target == NULL ? 0 : info->shape[1];
    return stk_batch_tensor(batch, "images", NULL) && stk_batch_tensor(pair->own, "images", NULL) &&
           stk_batch_tensor(pair->partner, "images", NULL) && pair->label && pair->partner_label &&
           pair->lambda && pair->index && pair->partner_index && pair->flip;
}

__attribute__((format(printf, 4, 5))) static void
add_line(struct explain_panel *panel, enum drawing_ink ink, bool bold, const char *format, ...)
{
    if (panel->line_count == EXPLAIN_LINES_MAX)
        return;
    struct explain_line *line = &panel->lines[panel->line_count++];
    line->ink = ink;
    line->bold = bold;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->text, sizeof line->text, format, arguments);
    va_end(arguments);
}

/* Turn a slot's picture into RGB, and give the next one its place. */
static const uint8_t *take_picture(const struct preview *preview, const struct stk_batch *batch,
                                   uint32_t slot, uint8_t **room)
{
    const struct stk_stream_info *info = stk_client_info(preview->client);
    uint8_t *rgb = *room;
    sheet_pixels(stk_batch_tensor(batch, "images", NULL), info->dtype, info->layout,
                 preview->height, preview->width, slot, rgb);
    *room += (size_t)preview->height * preview->width * 3;
    return rgb;
}

/* The slot that is a slot's partner: the same sample with the same pixels, as a sample may stand in
 * a batch more than once; -1 where partners are no slots. */
static int64_t partner_slot(const struct pair *pair, uint32_t slot)
{
    if (pair->partner_flip != NULL)
        return -1;
    const struct stk_tensor_info *info;
    const uint8_t *own = stk_batch_tensor(pair->own, "images", &info);
    const uint8_t *partner = stk_batch_tensor(pair->partner, "images", NULL);
    size_t bytes = stk_tensor_bytes(info) / info->shape[0];
    for (uint32_t i = 0; i < info->shape[0]; i++) {
        if (pair->index[i] == pair->partner_index[slot] &&
            memcmp(own + i * bytes, partner + slot * bytes, bytes) == 0)
            return i;
    }
    return -1;
}

static void name_sample(char sample[SAMPLE_BYTES], uint64_t index, bool mirrored)
{
    snprintf(sample, SAMPLE_BYTES, "sample %" PRIu64 "%s", index, mirrored ? ", mirrored" : "");
}

static bool is_box(const int32_t box[4])
{
    return box[2] > 0 && box[3] > 0;
}

static void add_box(struct explain_panel *panel, enum drawing_ink ink, const char *what,
                    const int32_t box[4])
{
    if (is_box(box))
        add_line(panel, ink, false, "%s %" PRId32 "x%" PRId32 " at %" PRId32 ",%" PRId32, what,
                 box[3], box[2], box[1], box[0]);
}

static void explain_partner(const struct pair *pair, uint32_t slot, struct explain_panel *panel,
                            struct slot_texts *texts)
{
    int64_t place = partner_slot(pair, slot);
    const uint8_t *flip = place >= 0 ? &pair->flip[place] : NULL;
    if (pair->partner_flip != NULL)
        flip = &pair->partner_flip[slot];
    name_sample(texts->partner_sample, pair->partner_index[slot], flip != NULL && *flip);
    if (place >= 0 && pair->erase != NULL)
        memcpy(panel->partner_erased, &pair->erase[4 * place], sizeof panel->partner_erased);
    if (pair->partner_erase != NULL)
        memcpy(panel->partner_erased, &pair->partner_erase[4 * slot], sizeof panel->partner_erased);
    add_box(panel, INK_ALERT, "partner erased", panel->partner_erased);
}

static void explain_replaced(const struct pair *pair, uint32_t picture, const char *what,
                             struct explain_panel *panel)
{
    uint32_t count;
    const struct stk_replaced *rows = stk_batch_replaced(pair->preview->batch, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].slot == picture)
            add_line(panel, INK_ALERT, true, "%s instead of %" PRIu64 ": %.*s", what, rows[i].index,
                     (int)rows[i].reason.len, rows[i].reason.data);
    }
}

static void explain_mixing(const struct pair *pair, uint32_t slot, struct explain_panel *panel,
                           struct slot_texts *texts)
{
    double lambda = (double)pair->lambda[slot];
    if (pair->cut != NULL)
        memcpy(panel->cut, &pair->cut[4 * slot], sizeof panel->cut);
    if (pair->erase != NULL)
        memcpy(panel->erased, &pair->erase[4 * slot], sizeof panel->erased);
    if (panel->partner == NULL)
        add_line(panel, INK_TEXT, false, "not mixed, lambda 1");
    else
        add_line(panel, INK_TEXT, false, "%s, lambda %.4f", is_box(panel->cut) ? "CutMix" : "mixup",
                 lambda);
    add_box(panel, INK_PARTNER, "cut", panel->cut);
    add_box(panel, INK_ALERT, "erased", panel->erased);
    if (panel->partner != NULL)
        explain_partner(pair, slot, panel, texts);
    explain_replaced(pair, slot, "sample", panel);
    explain_replaced(pair, stk_batch_header(pair->preview->batch)->count + slot, "partner", panel);
}

/* The column with the largest value of those that are not named yet; columns where all are. */
static uint32_t next_column(const float *row, uint32_t columns, const uint32_t *named,
                            uint32_t count)
{
    uint32_t best = columns;
    for (uint32_t k = 0; k < columns; k++) {
        bool taken = false;
        for (uint32_t i = 0; i < count; i++)
            taken |= named[i] == k;
        if (!taken && (best == columns || fabsf(row[k]) > fabsf(row[best])))
            best = k;
    }
    return best;
}

static void explain_target(const struct pair *pair, uint32_t slot, struct explain_panel *panel)
{
    const float *row = pair->target + (size_t)slot * pair->columns;
    uint32_t named[ENTRIES_MAX];
    uint32_t count = 0;
    uint32_t k = next_column(row, pair->columns, named, 0);
    while (k < pair->columns && row[k] != 0 && count < ENTRIES_MAX) {
        named[count++] = k;
        add_line(panel, INK_QUIET, false, "%.4f  %s", (double)row[k],
                 class_names_get(&pair->preview->classes, (int32_t)k));
        k = next_column(row, pair->columns, named, count);
    }
    if (k < pair->columns && row[k] != 0)
        add_line(panel, INK_QUIET, false, "%.4f  at most, %" PRIu32 " others", (double)row[k],
                 pair->columns - count);
}

static void explain_label(const struct pair *pair, uint32_t slot, struct explain_panel *panel)
{
    double lambda = (double)pair->lambda[slot];
    add_line(panel, INK_TEXT, true, pair->target != NULL ? "target" : "soft label, not smoothed");
    if (pair->target != NULL) {
        explain_target(pair, slot, panel);
    } else if (pair->label[slot] == pair->partner_label[slot]) {
        add_line(panel, INK_QUIET, false, "%.4f  %s", 1.0, panel->label);
    } else {
        add_line(panel, INK_QUIET, false, "%.4f  %s", lambda, panel->label);
        add_line(panel, INK_QUIET, false, "%.4f  %s", 1.0 - lambda, panel->partner_label);
    }
}

static const char *name_label(const struct pair *pair, int32_t label)
{
    return label < 0 ? "label: see target" : class_names_get(&pair->preview->classes, label);
}

static void explain_slot(const struct pair *pair, uint32_t slot, uint8_t **room,
                         struct explain_panel *panel, struct slot_texts *texts)
{
    bool mixed = pair->lambda[slot] < 1;
    *panel = (struct explain_panel){
        .own = take_picture(pair->preview, pair->own, slot, room),
        .partner = mixed ? take_picture(pair->preview, pair->partner, slot, room) : NULL,
        .served = take_picture(pair->preview, pair->preview->batch, slot, room),
        .label = name_label(pair, pair->label[slot]),
        .partner_label = name_label(pair, pair->partner_label[slot]),
        .sample = texts->sample,
        .partner_sample = texts->partner_sample,
        .share = (double)pair->lambda[slot],
    };
    name_sample(texts->sample, pair->index[slot], pair->flip[slot]);
    bool counts = pair->valid == NULL || pair->valid[slot];
    add_line(panel, INK_TEXT, true, "slot %" PRIu32 "%s", slot, counts ? "" : ", not valid");
    explain_mixing(pair, slot, panel, texts);
    explain_label(pair, slot, panel);
}

static int draw(const struct pair *pair, uint8_t *pixels)
{
    const struct preview *preview = pair->preview;
    struct explain_panel panels[SHEET_CELLS_MAX];
    struct slot_texts texts[SHEET_CELLS_MAX];
    char error[SHEET_ERROR_BYTES];
    for (uint32_t i = 0; i < preview->count; i++)
        explain_slot(pair, i, &pixels, &panels[i], &texts[i]);
    if (explain_write(preview->path, preview->title, preview->height, preview->width, panels,
                      preview->count, error) != STK_OK)
        return command_fail("%s", error);
    return COMMAND_DONE;
}

int preview_explain(const struct preview *preview)
{
    struct pair pair = {.preview = preview};
    uint8_t *pixels = NULL;
    int code = fetch_unmixed(preview, STK_UNMIXED_OWN, &pair.own);
    if (code == COMMAND_DONE)
        code = fetch_unmixed(preview, STK_UNMIXED_PARTNER, &pair.partner);
    if (code == COMMAND_DONE && !find_tensors(&pair))
        code = command_fail("the batch has no pictures, labels or lambdas to show");
    if (code == COMMAND_DONE) {
        pixels = calloc(3 * (size_t)preview->count, (size_t)preview->height * preview->width * 3);
        code = pixels == NULL ? command_fail("no memory for %" PRIu32 " slots", preview->count)
                              : draw(&pair, pixels);
    }
    free(pixels);
    stk_batch_close(&pair.partner);
    stk_batch_close(&pair.own);
    return code;
}
