/*
 * stoker preview --explain: every slot's pair before mixing, and how it became what is served.
 *
 * The pictures before mixing are the daemon's: the same batch is fetched twice more, unmixed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/command/command.h"
#include "client/command/explain_lines.h"
#include "client/command/fetch.h"
#include "client/command/preview.h"

/* The batch, and the pictures that it is made of. */
struct pair {
    const struct preview *preview;
    struct slots slots;
    struct stk_batch *own;
    struct stk_batch *partner;
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
    return slots_init(&pair->slots, batch) && stk_batch_tensor(batch, "images", NULL) &&
           stk_batch_tensor(pair->own, "images", NULL) &&
           stk_batch_tensor(pair->partner, "images", NULL);
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
    if (pair->slots.partner_flip != NULL)
        return -1;
    const struct stk_tensor_info *info;
    const uint8_t *own = stk_batch_tensor(pair->own, "images", &info);
    const uint8_t *partner = stk_batch_tensor(pair->partner, "images", NULL);
    size_t bytes = stk_tensor_bytes(info) / info->shape[0];
    for (uint32_t i = 0; i < info->shape[0]; i++) {
        if (pair->slots.index[i] == pair->slots.partner_index[slot] &&
            memcmp(own + i * bytes, partner + slot * bytes, bytes) == 0)
            return i;
    }
    return -1;
}

static void explain_slot(const struct pair *pair, uint32_t slot, uint8_t **room,
                         struct explain_panel *panel, struct explain_texts *texts)
{
    bool mixed = pair->slots.lambda[slot] < 1;
    panel->own = take_picture(pair->preview, pair->own, slot, room);
    panel->partner = mixed ? take_picture(pair->preview, pair->partner, slot, room) : NULL;
    panel->served = take_picture(pair->preview, pair->preview->batch, slot, room);
    explain_describe(&pair->slots, &pair->preview->classes, slot,
                     mixed ? partner_slot(pair, slot) : -1, panel, texts);
}

static int draw(const struct pair *pair, uint8_t *pixels)
{
    const struct preview *preview = pair->preview;
    struct explain_panel panels[SHEET_CELLS_MAX];
    struct explain_texts texts[SHEET_CELLS_MAX];
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
