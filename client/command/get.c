/*
 * stoker get: one batch, to look at, to save or to hash.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#define XXH_STATIC_LINKING_ONLY /* the state on the stack */
#include <xxhash.h>

#include "client/command/command.h"
#include "client/command/fetch.h"
#include "client/command/json.h"
#include "client/command/lines.h"
#include "client/command/npy.h"
#include "client/command/slots.h"
#include "proto/half.h"

/* XXH3-128 over all tensors' bytes in the order of their frames. */
static int print_digest(const struct stk_batch *batch)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    for (uint32_t i = 0; i < header->tensor_count; i++)
        XXH3_128bits_update(&state, stk_batch_tensor_at(batch, i),
                            stk_tensor_bytes(&header->tensors[i]));
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    for (size_t i = 0; i < sizeof canonical.digest; i++)
        printf("%02x", canonical.digest[i]);
    putchar('\n');
    return COMMAND_DONE;
}

static json_t *element_json(const struct stk_tensor_info *tensor, const void *data, size_t i)
{
    switch (tensor->dtype) {
    case STK_U8:
        return json_integer(((const uint8_t *)data)[i]);
    case STK_I32:
        return json_integer(((const int32_t *)data)[i]);
    case STK_U64:
        return json_integer((json_int_t)((const uint64_t *)data)[i]);
    case STK_F16:
        return json_of_real((double)stk_f16_decode(((const uint16_t *)data)[i]));
    case STK_BF16:
        return json_of_real((double)stk_bf16_decode(((const uint16_t *)data)[i]));
    default:
        return json_of_real((double)((const float *)data)[i]);
    }
}

/* A tensor's elements; one of rank 2 is an array of rows. */
static json_t *elements_json(const struct stk_tensor_info *tensor, const void *data)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < tensor->shape[0]; i++) {
        if (tensor->rank == 1) {
            json_array_append_new(array, element_json(tensor, data, i));
            continue;
        }
        json_t *row = json_array();
        for (uint32_t k = 0; k < tensor->shape[1]; k++)
            json_array_append_new(row,
                                  element_json(tensor, data, (size_t)i * tensor->shape[1] + k));
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *replaced_json(const struct stk_batch *batch)
{
    json_t *array = json_array();
    uint32_t count;
    const struct stk_replaced *rows = stk_batch_replaced(batch, &count);
    for (uint32_t i = 0; i < count; i++) {
        json_t *row = json_object();
        json_set_number(row, "slot", rows[i].slot);
        json_set_number(row, "index", rows[i].index);
        json_set_text(row, "reason", rows[i].reason);
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *tensors_json(const struct stk_batch_header *header)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < header->tensor_count; i++) {
        const struct stk_tensor_info *tensor = &header->tensors[i];
        json_t *row = json_object();
        json_set_text(row, "name", tensor->name);
        json_object_set_new(row, "dtype", json_string(stk_dtype_word(tensor->dtype)));
        json_object_set_new(row, "shape", json_numbers(tensor->shape, tensor->rank));
        json_set_number(row, "bytes", stk_tensor_bytes(tensor));
        json_array_append_new(array, row);
    }
    return array;
}

/* The header, and the elements of every tensor that is not pictures. */
static json_t *batch_json(const struct stk_batch *batch)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    char hex[STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&header->fingerprint, hex);
    json_t *object = json_object();
    json_set_text(object, "stream", header->stream);
    json_object_set_new(object, "fingerprint", json_string(hex));
    json_set_number(object, "epoch", header->address.epoch);
    json_set_number(object, "step", header->address.step);
    json_set_number(object, "count", header->count);
    json_object_set_new(object, "tensors", tensors_json(header));
    json_object_set_new(object, "replaced", replaced_json(batch));
    for (uint32_t i = 0; i < header->tensor_count; i++) {
        const struct stk_tensor_info *tensor = &header->tensors[i];
        if (tensor->rank > 2)
            continue;
        char key[STK_NAME_BYTES_MAX + 1];
        snprintf(key, sizeof key, "%.*s", (int)tensor->name.len, tensor->name.data);
        json_object_set_new(object, key, elements_json(tensor, stk_batch_tensor_at(batch, i)));
    }
    return object;
}

/* A peer's text as a file's name: nothing that leaves the folder. */
static bool is_file_name(struct stk_text name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return name.len > 0;
}

static enum stk_status save_tensor(const char *folder, const struct stk_tensor_info *tensor,
                                   const void *data)
{
    char name[STK_NAME_BYTES_MAX + sizeof ".npy"];
    snprintf(name, sizeof name, "%.*s.npy", (int)tensor->name.len, tensor->name.data);
    struct whole_file file;
    if (whole_file_begin(&file, folder, name) != STK_OK)
        return STK_SYSTEM;
    npy_write(file.out, tensor, data);
    return whole_file_finish(&file);
}

static enum stk_status save_json(const char *folder, const struct stk_batch *batch)
{
    struct whole_file file;
    if (whole_file_begin(&file, folder, "batch.json") != STK_OK)
        return STK_SYSTEM;
    json_t *object = batch_json(batch);
    json_dumpf(object, file.out, JSON_INDENT(1) | JSON_REAL_PRECISION(REAL_DIGITS));
    json_decref(object);
    putc('\n', file.out);
    return whole_file_finish(&file);
}

/* batch.json comes last: where it is, all of the batch is. */
static int save(const char *folder, const struct stk_batch *batch)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return command_fail("cannot make the folder '%s': %s", folder, strerror(errno));
    const struct stk_batch_header *header = stk_batch_header(batch);
    enum stk_status status = STK_OK;
    for (uint32_t i = 0; i < header->tensor_count && status == STK_OK; i++) {
        if (is_file_name(header->tensors[i].name))
            status = save_tensor(folder, &header->tensors[i], stk_batch_tensor_at(batch, i));
    }
    if (status == STK_OK)
        status = save_json(folder, batch);
    if (status != STK_OK)
        return command_fail("cannot write to the folder '%s': %s", folder, strerror(errno));
    printf("%s\n", folder);
    return COMMAND_DONE;
}

/* A text of printf's below a slot's line, behind the others of that slot. */
__attribute__((format(printf, 2, 3))) static void note(struct lines *lines, const char *format, ...)
{
    char text[STK_TEXT_BYTES_MAX + 64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lines_put(lines, 2, stk_text_of(text));
}

static void note_box(struct lines *lines, const char *what, const int32_t *boxes, uint32_t slot)
{
    char text[SLOTS_BOX_BYTES];
    if (boxes == NULL || !slots_is_box(&boxes[4 * slot]))
        return;
    slots_box_text(&boxes[4 * slot], text);
    note(lines, "%s %s", what, text);
}

static void note_replaced(struct lines *lines, const struct slots *slots, uint32_t picture,
                          const char *word)
{
    const struct stk_replaced *replaced = slots_replaced(slots, picture);
    if (replaced != NULL)
        note(lines, "%s of %" PRIu64 ": %.*s", word, replaced->index, (int)replaced->reason.len,
             replaced->reason.data);
}

/* What only some streams have, or few slots. */
static void print_notes(const struct slots *slots, uint32_t slot)
{
    struct lines lines = {stdout, sizeof "SLOT  " - 1, 0};
    bool mixed = slots->lambda[slot] < 1;
    char target[SLOTS_TARGET_BYTES];
    if (!slots_valid(slots, slot))
        note(&lines, "not valid");
    note_box(&lines, "cut", slots->cut, slot);
    note_box(&lines, "erased", slots->erase, slot);
    if (mixed) {
        note_box(&lines, "partner crop", slots->partner_crop, slot);
        if (slots->partner_flip != NULL)
            note(&lines, "partner flip %s", slots->partner_flip[slot] ? "yes" : "no");
        note_box(&lines, "partner erased", slots->partner_erase, slot);
    }
    if (slots->target != NULL) {
        slots_target_text(slots, slot, target);
        note(&lines, "target %s", target);
    }
    note_replaced(&lines, slots, slot, "instead");
    note_replaced(&lines, slots, slots->count + slot, "partner instead");
    lines_end(&lines);
}

static void print_slots(const struct slots *slots)
{
    printf("%4s  %9s  %6s  %9s  %6s  %6s  %-21s  %4s\n", "SLOT", "INDEX", "LABEL", "PARTNER",
           "LABEL", "LAMBDA", "CROP", "FLIP");
    for (uint32_t i = 0; i < slots->count; i++) {
        char box[SLOTS_BOX_BYTES];
        slots_box_text(&slots->crop[4 * i], box);
        printf("%4" PRIu32 "  %9" PRIu64 "  %6" PRId32 "  %9" PRIu64 "  %6" PRId32
               "  %6.4f  %-21s  %4s\n",
               i, slots->index[i], slots->label[i], slots->partner_index[i],
               slots->partner_label[i], (double)slots->lambda[i], box,
               slots->flip[i] ? "yes" : "no");
        print_notes(slots, i);
    }
}

static void print_tensors(const struct stk_batch_header *header)
{
    struct lines lines = {stdout, 0, 0};
    for (uint32_t i = 0; i < header->tensor_count; i++) {
        const struct stk_tensor_info *tensor = &header->tensors[i];
        char text[STK_NAME_BYTES_MAX + 80];
        int len = snprintf(text, sizeof text, "%.*s %s [", (int)tensor->name.len, tensor->name.data,
                           stk_dtype_word(tensor->dtype));
        for (uint32_t k = 0; k < tensor->rank; k++)
            len += snprintf(text + len, sizeof text - (size_t)len, "%s%" PRIu32, k == 0 ? "" : ", ",
                            tensor->shape[k]);
        snprintf(text + len, sizeof text - (size_t)len, "]%s",
                 i + 1 < header->tensor_count ? ";" : "");
        lines_put(&lines, 1, stk_text_of(text));
    }
    lines_end(&lines);
}

static int print_summary(const struct stk_client *client, const struct stk_batch *batch)
{
    const struct stk_batch_header *header = stk_batch_header(batch);
    struct slots slots;
    char hex[STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&header->fingerprint, hex);
    text_print(stdout, header->stream);
    printf("  epoch %" PRIu32 "  step %" PRIu64 "/%" PRIu64 "  %" PRIu32 " samples\n",
           header->address.epoch, header->address.step,
           stk_stream_phase(stk_client_info(client), header->address.epoch).steps, header->count);
    struct lines lines = {stdout, 0, 0};
    lines_put(&lines, 0, stk_text_of("mix"));
    lines_put_words(&lines, stk_client_info(client)->mix);
    lines_end(&lines);
    printf("fingerprint %s\n", hex);
    print_tensors(header);
    if (slots_init(&slots, batch))
        print_slots(&slots);
    return COMMAND_DONE;
}

int get_command(char **words)
{
    uint32_t epoch = 0, timeout_s = TIMEOUT_SECONDS_DEFAULT;
    uint64_t step = 0;
    const char *out = NULL;
    bool digest = false, json = false;
    const struct flag flags[] = {
        {"epoch", FLAG_U32, &epoch, "E", 0, UINT32_MAX, "the batch's epoch (default 0)"},
        {"step", FLAG_U64, &step, "S", 0, UINT64_MAX, "its step in that epoch (default 0)"},
        {"out", FLAG_TEXT, &out, "DIR", 0, 0, "write every tensor to DIR as .npy, and batch.json"},
        {"digest", FLAG_SWITCH, &digest, NULL, 0, 0, "print XXH3-128 over all tensors"},
        {"json", FLAG_SWITCH, &json, NULL, 0, 0, "print header and small tensors as JSON"},
        TIMEOUT_FLAG(&timeout_s),
    };
    const struct arguments arguments = {"get",
                                        "Fetch one batch and show, save or hash it.",
                                        "URL/STREAM",
                                        flags,
                                        sizeof flags / sizeof *flags,
                                        false};
    const char *url;
    int code;
    if (!arguments_read(&arguments, words, &url, &code))
        return code;
    if ((out != NULL) + digest + json > 1)
        return command_misuse("--out, --digest and --json exclude each other");
    struct stk_client *client;
    struct stk_batch *batch;
    if ((code = fetch_batch(url, epoch, step, STK_MIXED, timeout_s, &client, &batch)) !=
        COMMAND_DONE)
        return code;
    if (out != NULL)
        code = save(out, batch);
    else if (digest)
        code = print_digest(batch);
    else if (json)
        code = json_print(batch_json(batch));
    else
        code = print_summary(client, batch);
    stk_batch_close(&batch);
    stk_client_close(&client);
    return code;
}
