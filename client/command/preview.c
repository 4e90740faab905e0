/*
 * stoker preview: one batch as a contact sheet, with the names of its classes.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/preview.h"
#include "client/command/slots.h"

enum { COUNT_DEFAULT = 32, EXPLAINED_DEFAULT = 8 };

/* What a cell's texts stand in. */
struct cell_texts {
    char label[SLOTS_TARGET_BYTES];
    char own[SLOTS_TARGET_BYTES];
    char partner[SLOTS_TARGET_BYTES];
};

/* What a share is of: a class, or the sample where it is of several or of none. */
static void name_share(const struct preview *preview, int32_t label, uint64_t index,
                       char text[SLOTS_TARGET_BYTES])
{
    if (label >= 0)
        snprintf(text, SLOTS_TARGET_BYTES, "%s", class_names_get(&preview->classes, label));
    else
        snprintf(text, SLOTS_TARGET_BYTES, "#%" PRIu64, index);
}

static const char *note_of(const struct slots *slots, uint32_t slot)
{
    bool replaced = slots_replaced(slots, slot) != NULL;
    if (!slots_valid(slots, slot))
        return replaced ? "replaced, not valid" : "not valid";
    return replaced ? "replaced" : NULL;
}

static struct sheet_cell make_cell(const struct preview *preview, const struct slots *slots,
                                   uint32_t slot, const uint8_t *rgb, struct cell_texts *texts)
{
    slots_caption(slots, &preview->classes, stk_client_info(preview->client)->labels, slot,
                  texts->label);
    name_share(preview, slots->label[slot], slots->index[slot], texts->own);
    name_share(preview, slots->partner_label[slot], slots->partner_index[slot], texts->partner);
    return (struct sheet_cell){.rgb = rgb,
                               .label = texts->label,
                               .own = texts->own,
                               .partner = slots->lambda[slot] < 1 ? texts->partner : NULL,
                               .lambda = slots->lambda[slot],
                               .note = note_of(slots, slot)};
}

static void make_title(struct preview *preview)
{
    const struct stk_stream_info *info = stk_client_info(preview->client);
    const struct stk_batch_header *header = stk_batch_header(preview->batch);
    snprintf(preview->title, sizeof preview->title,
             "%.*s   epoch %" PRIu32 "   step %" PRIu64 "/%" PRIu64 "\nmix %.*s",
             (int)info->stream.len, info->stream.data, header->address.epoch, header->address.step,
             stk_stream_phase(info, header->address.epoch).steps, (int)info->mix.len,
             info->mix.data);
}

/* Draw the first slots; pixels has room for their pictures. */
static int draw(const struct preview *preview, uint8_t *pixels)
{
    const struct stk_stream_info *info = stk_client_info(preview->client);
    const void *images = stk_batch_tensor(preview->batch, "images", NULL);
    uint32_t height = preview->height, width = preview->width;
    struct slots slots;
    if (!slots_init(&slots, preview->batch) || images == NULL)
        return command_fail("the batch has no pictures, labels or lambdas to show");
    struct sheet_cell cells[SHEET_CELLS_MAX];
    struct cell_texts texts[SHEET_CELLS_MAX];
    for (uint32_t i = 0; i < preview->count; i++) {
        uint8_t *rgb = pixels + (size_t)i * height * width * 3;
        sheet_pixels(images, info->dtype, info->layout, height, width, i, rgb);
        cells[i] = make_cell(preview, &slots, i, rgb, &texts[i]);
    }
    char error[SHEET_ERROR_BYTES];
    if (sheet_write(preview->path, preview->title, height, width, cells, preview->count, error) !=
        STK_OK)
        return command_fail("%s", error);
    return COMMAND_DONE;
}

static int preview_batch(const struct preview *preview)
{
    uint8_t *pixels = calloc(preview->count, (size_t)preview->height * preview->width * 3);
    if (pixels == NULL)
        return command_fail("no memory for %" PRIu32 " pictures", preview->count);
    int code = draw(preview, pixels);
    free(pixels);
    return code;
}

static int run(struct preview *preview, bool explain)
{
    const struct stk_stream_info *info = stk_client_info(preview->client);
    const struct stk_batch_header *header = stk_batch_header(preview->batch);
    struct stk_phase phase = stk_stream_phase(info, header->address.epoch);
    bool packed = info->layout == STK_NHWC;
    preview->height = phase.shape[packed ? 0 : 1];
    preview->width = phase.shape[packed ? 1 : 2];
    if (preview->count == 0)
        preview->count = explain ? EXPLAINED_DEFAULT : COUNT_DEFAULT;
    if (preview->count > header->count)
        preview->count = header->count;
    make_title(preview);
    int code = class_names_fetch(preview->url, preview->timeout_s, &preview->classes);
    if (code == COMMAND_DONE)
        code = explain ? preview_explain(preview) : preview_batch(preview);
    if (code == COMMAND_DONE)
        printf("%s\n", preview->path);
    class_names_release(&preview->classes);
    return code;
}

int preview_command(char **words)
{
    uint32_t epoch = 0;
    uint64_t step = 0;
    bool explain = false;
    struct preview preview = {.timeout_s = TIMEOUT_SECONDS_DEFAULT};
    const struct flag flags[] = {
        {"out", FLAG_TEXT, &preview.path, "FILE", 0, 0, "where to write the PNG; must be given"},
        {"epoch", FLAG_U32, &epoch, "E", 0, UINT32_MAX, "the batch's epoch (default 0)"},
        {"step", FLAG_U64, &step, "S", 0, UINT64_MAX, "its step in that epoch (default 0)"},
        {"count", FLAG_U32, &preview.count, "N", 1, SHEET_CELLS_MAX,
         "slots to show (default 32, with --explain 8)"},
        {"explain", FLAG_SWITCH, &explain, NULL, 0, 0,
         "show each slot's pair before mixing, boxes, lambda and soft label"},
        TIMEOUT_FLAG(&preview.timeout_s),
    };
    const struct arguments arguments = {
        "preview", "Draw one batch as a contact sheet.", "URL/STREAM",
        flags,     sizeof flags / sizeof *flags,         false};
    int code;
    if (!arguments_read(&arguments, words, &preview.url, &code))
        return code;
    if (preview.path == NULL)
        return command_misuse("'stoker preview' needs --out FILE");
    struct stk_client *client;
    struct stk_batch *batch;
    if ((code = fetch_batch(preview.url, epoch, step, STK_MIXED, preview.timeout_s, &client,
                            &batch)) != COMMAND_DONE)
        return code;
    preview.client = client;
    preview.batch = batch;
    code = run(&preview, explain);
    stk_batch_close(&batch);
    stk_client_close(&client);
    return code;
}
