/*
 * Slots: see slots.h.
 */
#include "client/command/slots.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

bool slots_init(struct slots *slots, const struct stk_batch *batch)
{
    const struct stk_tensor_info *info = NULL;
    *slots = (struct slots){
        .count = stk_batch_header(batch)->count,
        .label = stk_batch_tensor(batch, "label", NULL),
        .partner_label = stk_batch_tensor(batch, "partner_label", NULL),
        .lambda = stk_batch_tensor(batch, "lambda", NULL),
        .index = stk_batch_tensor(batch, "index", NULL),
        .partner_index = stk_batch_tensor(batch, "partner_index", NULL),
        .crop = stk_batch_tensor(batch, "crop", NULL),
        .flip = stk_batch_tensor(batch, "flip", NULL),
        .cut = stk_batch_tensor(batch, "cut", NULL),
        .partner_crop = stk_batch_tensor(batch, "partner_crop", NULL),
        .partner_flip = stk_batch_tensor(batch, "partner_flip", NULL),
        .erase = stk_batch_tensor(batch, "erase", NULL),
        .partner_erase = stk_batch_tensor(batch, "partner_erase", NULL),
        .valid = stk_batch_tensor(batch, "valid", NULL),
    };
    slots->target = stk_batch_tensor(batch, "target", &info);
    slots->columns = slots->target == NULL ? 0 : info->shape[1];
    slots->replaced = stk_batch_replaced(batch, &slots->replaced_count);
    return slots->label && slots->partner_label && slots->lambda && slots->index &&
           slots->partner_index && slots->crop && slots->flip;
}

bool slots_valid(const struct slots *slots, uint32_t slot)
{
    return slots->valid == NULL || slots->valid[slot] != 0;
}

const struct stk_replaced *slots_replaced(const struct slots *slots, uint32_t picture)
{
    for (uint32_t i = 0; i < slots->replaced_count; i++) {
        if (slots->replaced[i].slot == picture)
            return &slots->replaced[i];
    }
    return NULL;
}

bool slots_is_box(const int32_t box[4])
{
    return box[2] > 0 && box[3] > 0;
}

void slots_box_text(const int32_t box[4], char text[SLOTS_BOX_BYTES])
{
    snprintf(text, SLOTS_BOX_BYTES, "%" PRId32 "x%" PRId32 " at %" PRId32 ",%" PRId32, box[3],
             box[2], box[1], box[0]);
}

uint32_t slots_entries(const float *row, uint32_t columns,
                       struct slots_entry entries[SLOTS_ENTRIES_MAX])
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < columns; k++) {
        if (row[k] == 0)
            continue;
        /* Into the order of those that are larger; the last one falls out where all are taken. */
        uint32_t place = count < SLOTS_ENTRIES_MAX ? count : SLOTS_ENTRIES_MAX;
        while (place > 0 && fabsf(row[k]) > fabsf(entries[place - 1].value)) {
            if (place < SLOTS_ENTRIES_MAX)
                entries[place] = entries[place - 1];
            place--;
        }
        if (place < SLOTS_ENTRIES_MAX)
            entries[place] = (struct slots_entry){k, row[k]};
        count++;
    }
    return count;
}

/* A text as it grows to SLOTS_TARGET_BYTES; what does not fit is cut. */
struct growing {
    char *text;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct growing *growing, const char *format,
                                                      ...)
{
    size_t room = SLOTS_TARGET_BYTES - growing->len;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(growing->text + growing->len, room, format, arguments);
    va_end(arguments);
    if (len > 0)
        growing->len += (size_t)len < room ? (size_t)len : room - 1;
}

void slots_target_text(const struct slots *slots, uint32_t slot, char text[SLOTS_TARGET_BYTES])
{
    struct slots_entry entries[SLOTS_ENTRIES_MAX];
    struct growing growing = {text, 0};
    uint32_t count =
        slots_entries(slots->target + (size_t)slot * slots->columns, slots->columns, entries);
    put(&growing, "%s", count == 0 ? "0" : "");
    for (uint32_t i = 0; i < count && i < SLOTS_ENTRIES_MAX; i++)
        put(&growing, "%s%" PRIu32 "=%.6g", i > 0 ? " " : "", entries[i].column,
            (double)entries[i].value);
    if (count > SLOTS_ENTRIES_MAX)
        put(&growing, " and %" PRIu32 " more", count - SLOTS_ENTRIES_MAX);
}

static void put_numbers(struct growing *growing, const struct class_names *classes,
                        const float *row, uint32_t columns)
{
    for (uint32_t k = 0; k < columns && growing->len < SLOTS_TARGET_BYTES - 1; k++)
        put(growing, "%s%s %.5g", k > 0 ? ", " : "", class_names_get(classes, (int32_t)k),
            (double)row[k]);
}

static void put_classes(struct growing *growing, const struct class_names *classes,
                        const float *row, uint32_t columns)
{
    struct slots_entry entries[SLOTS_ENTRIES_MAX];
    uint32_t count = slots_entries(row, columns, entries);
    uint32_t told = count < SLOTS_ENTRIES_MAX ? count : SLOTS_ENTRIES_MAX;
    put(growing, "%s", count == 0 ? "no class" : "");
    for (uint32_t i = 0; i < told; i++) {
        put(growing, "%s", i > 0 ? ", " : "");
        if (entries[i].value != 1)
            put(growing, "%.2f ", (double)entries[i].value);
        put(growing, "%s", class_names_get(classes, (int32_t)entries[i].column));
    }
    if (count > told)
        put(growing, " and %" PRIu32 " more", count - told);
}

void slots_caption(const struct slots *slots, const struct class_names *classes,
                   enum stk_label_kind kind, uint32_t slot, char text[SLOTS_TARGET_BYTES])
{
    struct growing growing = {text, 0};
    const float *row = slots->target + (size_t)slot * slots->columns;
    if (kind == STK_LABEL_CLASS || slots->target == NULL)
        put(&growing, "%s", class_names_get(classes, slots->label[slot]));
    else if (kind == STK_LABEL_NUMBERS)
        put_numbers(&growing, classes, row, slots->columns);
    else
        put_classes(&growing, classes, row, slots->columns);
}
