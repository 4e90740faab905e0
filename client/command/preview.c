/*
 * stoker preview: one batch as a contact sheet, with the names of its classes.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/preview.h"

enum { COUNT_DEFAULT = 32, EXPLAINED_DEFAULT = 8 };

/* The tensors that a sheet shows. */
struct shown {
    const struct stk_tensor_info *info;
    const void *images;
    const int32_t *label;
    const int32_t *partner_label;
    const float *lambda;
};

static bool find_tensors(const struct stk_batch *batch, struct shown *shown)
{
    shown->images = stk_batch_tensor(batch, "images", &shown->info);
    shown->label = stk_batch_tensor(batch, "label", NULL);
    shown->partner_label = stk_batch_tensor(batch, "partner_label", NULL);
    shown->lambda = stk_batch_tensor(batch, "lambda", NULL);
    return shown->images && shown->label && shown->partner_label && shown->lambda;
}

static void mark_replaced(const struct stk_batch *batch, struct sheet_cell *cells, uint32_t count)
{
    uint32_t replaced_count;
    const struct stk_replaced *rows = stk_batch_replaced(batch, &replaced_count);
    for (uint32_t i = 0; i < replaced_count; i++) {
        if (rows[i].slot < count)
            cells[rows[i].slot].replaced = true;
    }
}

static void make_title(struct preview *preview)
{
    const struct stk_stream_info *info = stk_client_info(preview->client);
    const struct stk_batch_header *header = stk_batch_header(preview->batch);
    snprintf(preview->title, sizeof preview->title,
             "%.*s   epoch %" PRIu32 "   step %" PRIu64 "/%" PRIu64 "   %.*s",
             (int)info->stream.len, info->stream.data, header->address.epoch, header->address.step,
             stk_stream_phase(info, header->address.epoch).steps, (int)info->mix.len,
             info->mix.data);
}

/* Draw the first slots; pixels has room for their pictures. */
static int draw(const struct preview *preview, uint8_t *pixels)
{
    const struct stk_stream_info *info = stk_client_info(preview->client);
    uint32_t height = preview->height, width = preview->width;
    struct shown shown;
    if (!find_tensors(preview->batch, &shown))
        return command_fail("the batch has no pictures, labels or lambdas to show");
    struct sheet_cell cells[SHEET_CELLS_MAX] = {0};
    for (uint32_t i = 0; i < preview->count; i++) {
        uint8_t *rgb = pixels + (size_t)i * height * width * 3;
        sheet_pixels(shown.images, info->dtype, info->layout, height, width, i, rgb);
        bool mixed = shown.lambda[i] < 1;
        cells[i] = (struct sheet_cell){
            .rgb = rgb,
            .label = class_names_get(&preview->classes, shown.label[i]),
            .partner_label =
                mixed ? class_names_get(&preview->classes, shown.partner_label[i]) : NULL,
            .lambda = shown.lambda[i]};
    }
    mark_replaced(preview->batch, cells, preview->count);
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
    const struct arguments arguments = {"preview", "Draw one batch as a contact sheet.",
                                        "URL/STREAM", flags, sizeof flags / sizeof *flags};
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
