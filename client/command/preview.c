/*
 * stoker preview: one batch as a contact sheet, with the names of its classes.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "client/command/class_names.h"
#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/sheet.h"

enum { COUNT_DEFAULT = 32 };

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

static void make_title(const struct stk_client *client, const struct stk_batch *batch,
                       char title[256])
{
    const struct stk_stream_info *info = stk_client_info(client);
    const struct stk_batch_header *header = stk_batch_header(batch);
    snprintf(title, 256, "%.*s   epoch %" PRIu32 "   step %" PRIu64 "/%" PRIu64 "   %.*s",
             (int)info->stream.len, info->stream.data, header->address.epoch, header->address.step,
             stk_stream_phase(info, header->address.epoch).steps, (int)info->mix.len,
             info->mix.data);
}

/* Draw the first count slots; pixels has room for their pictures. */
static int draw(const char *path, const struct stk_client *client, const struct stk_batch *batch,
                const struct class_names *classes, uint32_t count, uint8_t *pixels)
{
    const struct stk_stream_info *info = stk_client_info(client);
    struct stk_phase phase = stk_stream_phase(info, stk_batch_header(batch)->address.epoch);
    bool packed = info->layout == STK_NHWC;
    uint32_t height = phase.shape[packed ? 0 : 1], width = phase.shape[packed ? 1 : 2];
    struct shown shown;
    if (!find_tensors(batch, &shown))
        return command_fail("the batch has no pictures, labels or lambdas to show");
    struct sheet_cell cells[SHEET_CELLS_MAX] = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *rgb = pixels + (size_t)i * height * width * 3;
        sheet_pixels(shown.images, info->dtype, info->layout, height, width, i, rgb);
        bool mixed = shown.lambda[i] < 1;
        cells[i] = (struct sheet_cell){
            .rgb = rgb,
            .label = class_names_get(classes, shown.label[i]),
            .partner_label = mixed ? class_names_get(classes, shown.partner_label[i]) : NULL,
            .lambda = shown.lambda[i]};
    }
    mark_replaced(batch, cells, count);
    char title[256], error[SHEET_ERROR_BYTES];
    make_title(client, batch, title);
    if (sheet_write(path, title, height, width, cells, count, error) != STK_OK)
        return command_fail("%s", error);
    printf("%s\n", path);
    return COMMAND_DONE;
}

static int preview(const char *url, const char *path, const struct stk_client *client,
                   const struct stk_batch *batch, uint32_t count, uint32_t timeout_s)
{
    const struct stk_stream_info *info = stk_client_info(client);
    uint32_t batch_count = stk_batch_header(batch)->count;
    count = count < batch_count ? count : batch_count;
    struct stk_phase phase = stk_stream_phase(info, stk_batch_header(batch)->address.epoch);
    uint8_t *pixels = calloc(count, (size_t)phase.shape[0] * phase.shape[1] * phase.shape[2]);
    if (pixels == NULL)
        return command_fail("no memory for %" PRIu32 " pictures", count);
    struct class_names classes = {0};
    int code = class_names_fetch(url, timeout_s, &classes);
    if (code == COMMAND_DONE)
        code = draw(path, client, batch, &classes, count, pixels);
    class_names_release(&classes);
    free(pixels);
    return code;
}

int preview_command(char **words)
{
    uint32_t epoch = 0, count = COUNT_DEFAULT, timeout_s = TIMEOUT_SECONDS_DEFAULT;
    uint64_t step = 0;
    const char *out = NULL;
    const struct flag flags[] = {
        {"out", FLAG_TEXT, &out, "FILE", 0, 0, "where to write the PNG; must be given"},
        {"epoch", FLAG_U32, &epoch, "E", 0, UINT32_MAX, "the batch's epoch (default 0)"},
        {"step", FLAG_U64, &step, "S", 0, UINT64_MAX, "its step in that epoch (default 0)"},
        {"count", FLAG_U32, &count, "N", 1, SHEET_CELLS_MAX, "pictures to show (default 32)"},
        TIMEOUT_FLAG(&timeout_s),
    };
    const struct arguments arguments = {"preview", "Draw one batch as a contact sheet.",
                                        "URL/STREAM", flags, sizeof flags / sizeof *flags};
    const char *url;
    int code;
    if (!arguments_read(&arguments, words, &url, &code))
        return code;
    if (out == NULL)
        return command_misuse("'stoker preview' needs --out FILE");
    struct stk_client *client;
    struct stk_batch *batch;
    if ((code = fetch_batch(url, epoch, step, timeout_s, &client, &batch)) != COMMAND_DONE)
        return code;
    code = preview(url, out, client, batch, count, timeout_s);
    stk_batch_close(&batch);
    stk_client_close(&client);
    return code;
}
