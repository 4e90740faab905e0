/*
 * What stands in the slots of a batch, as JSON.
 */
#include "daemon/peek_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/json_text.h"
#include "proto/soft_label.h"

enum { SHARES_MAX = 8 }; /* of a target, the largest */

/* What is printed, and with what. */
struct printer {
    struct peek *peek;
    const struct stream *stream;
    const struct stream_phase *phase;
    const struct plan_slot *slots;
    struct buffer *buffer;
    char *reason;
    float *row; /* a target; NULL where two classes and lambda say it */
    uint32_t columns;
};

/* A part of a target. */
struct share {
    uint32_t class;
    float share;
};

static const char *word_of(bool yes)
{
    return yes ? "true" : "false";
}

static bool has_row(const struct stream *stream)
{
    return source_labels(stream->source) != STK_LABEL_CLASS ||
           stream->phases[0].layout.present[LAYOUT_TARGET];
}

size_t peek_print_bytes_max(struct stream *const *streams, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = has_row(streams[i]) ? source_classes(streams[i]->source) * sizeof(float) : 0;
        bytes = row > bytes ? row : bytes;
    }
    return bytes;
}

/* Pictures. */

static void print_box(struct buffer *buffer, const char *key, const struct box *box)
{
    if (box->height > 0 && box->width > 0)
        buffer_print(buffer, ",\"%s\":[%" PRId32 ",%" PRId32 ",%" PRId32 ",%" PRId32 "]", key,
                     box->top, box->left, box->height, box->width);
    else
        buffer_print(buffer, ",\"%s\":null", key);
}

static void clear_row(const struct printer *printer)
{
    memset(printer->row, 0, printer->columns * sizeof *printer->row);
}

/* Insertion into a short list that is in order. */
static uint32_t insert(struct share shares[SHARES_MAX], uint32_t count, struct share one)
{
    uint32_t i = count < SHARES_MAX ? count : SHARES_MAX - 1;
    if (count == SHARES_MAX && fabsf(one.share) <= fabsf(shares[i].share))
        return count;
    for (; i > 0 && fabsf(one.share) > fabsf(shares[i - 1].share); i--)
        shares[i] = shares[i - 1];
    shares[i] = one;
    return count < SHARES_MAX ? count + 1 : count;
}

/* The largest of the row, the largest first. */
static uint32_t largest(const struct printer *printer, struct share shares[SHARES_MAX])
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < printer->columns; k++) {
        if (printer->row[k] != 0)
            count = insert(shares, count, (struct share){k, printer->row[k]});
    }
    return count;
}

static const char *class_name(const struct printer *printer, uint32_t class)
{
    return source_class_name(printer->stream->source, class);
}

/* The classes by name, or the numbers, of a sample that has more than one. */
static void print_rich_label(const struct printer *printer, uint64_t index)
{
    bool numbers = source_labels(printer->stream->source) == STK_LABEL_NUMBERS;
    struct buffer text = {0};
    uint32_t told = 0;
    clear_row(printer);
    source_add_target(printer->stream->source, index, 1, printer->row);
    for (uint32_t k = 0; k < printer->columns && told < SHARES_MAX; k++) {
        const char *between = told == 0 ? "" : ", ";
        if (!numbers && printer->row[k] == 0)
            continue;
        told++;
        if (numbers)
            buffer_print(&text, "%s%g", between, (double)printer->row[k]);
        else
            buffer_print(&text, "%s%s", between, class_name(printer, k));
    }
    json_text(printer->buffer, text.bytes != NULL ? text.bytes : "");
    printer->buffer->failed |= text.failed;
    buffer_release(&text);
}

static void print_label(const struct printer *printer, uint64_t index)
{
    const struct source *source = printer->stream->source;
    buffer_print(printer->buffer, ",\"label\":");
    if (source_labels(source) == STK_LABEL_CLASS)
        json_text(printer->buffer, class_name(printer, (uint32_t)source_label(source, index)));
    else
        print_rich_label(printer, index);
}

/* The keys that a slot's own picture and its partner have both. */
static void print_picture(const struct printer *printer, const struct peek_picture *picture)
{
    struct buffer *buffer = printer->buffer;
    buffer_print(buffer, ",\"index\":%" PRIu64 ",\"path\":", picture->index);
    json_text(buffer, source_name(printer->stream->source, picture->index));
    print_label(printer, picture->index);
    buffer_print(buffer, ",\"%s\":", picture->failed ? "failed" : "replaced");
    json_text(buffer, picture->reason[0] != '\0' ? picture->reason : NULL);
    if (picture->failed)
        return;
    buffer_print(buffer, ",\"source_height\":%" PRIu32 ",\"source_width\":%" PRIu32 ",\"flip\":%s",
                 picture->height, picture->width, word_of(picture->drawn.flip));
    print_box(buffer, "crop", &picture->crop);
    print_box(buffer, "erase", &picture->drawn.erase);
}

/* Targets. */

static void print_share(const struct printer *printer, struct share share, bool first)
{
    buffer_print(printer->buffer, "%s{\"share\":%.6g,\"name\":", first ? "" : ",",
                 (double)share.share);
    json_text(printer->buffer, class_name(printer, share.class));
    buffer_print(printer->buffer, "}");
}

/* As target.c fills a row. */
static void fill_row(const struct printer *printer, uint64_t own, uint64_t partner, float lambda)
{
    const struct source *source = printer->stream->source;
    double smoothing = recipe_smoothing(&printer->phase->recipe);
    clear_row(printer);
    if (source_labels(source) == STK_LABEL_CLASS) {
        stk_one_hot_mix(stk_one_hot_of(smoothing, printer->columns), source_label(source, own),
                        source_label(source, partner), lambda, printer->columns, printer->row);
        return;
    }
    source_add_target(source, own, lambda, printer->row);
    source_add_target(source, partner, 1 - lambda, printer->row);
}

/* Where the trainers get class numbers and lambda. */
static uint32_t pair(const struct printer *printer, uint64_t own, uint64_t partner, float lambda,
                     struct share shares[SHARES_MAX])
{
    uint32_t class = (uint32_t)source_label(printer->stream->source, own);
    uint32_t other = (uint32_t)source_label(printer->stream->source, partner);
    if (class == other)
        return insert(shares, 0, (struct share){class, 1});
    uint32_t count = insert(shares, 0, (struct share){class, lambda});
    return lambda < 1 ? insert(shares, count, (struct share){other, 1 - lambda}) : count;
}

static void print_target(const struct printer *printer, uint64_t own, uint64_t partner,
                         float lambda)
{
    struct share shares[SHARES_MAX];
    uint32_t count;
    if (printer->row != NULL) {
        fill_row(printer, own, partner, lambda);
        count = largest(printer, shares);
    } else {
        count = pair(printer, own, partner, lambda, shares);
    }
    buffer_print(printer->buffer, ",\"target\":[");
    for (uint32_t i = 0; i < count; i++)
        print_share(printer, shares[i], i == 0);
    buffer_print(printer->buffer, "]");
}

/* Slots. */

static const char *method_of(const struct plan_slot *slot)
{
    static const char *const words[] = {
        [PLAN_KEEP] = "none", [PLAN_BLEND] = "mixup", [PLAN_CUT] = "cutmix"};
    return words[slot->mixing];
}

static bool is_from_dataset(const struct printer *printer)
{
    return printer->phase->recipe.mix.partner == MIX_PARTNER_DATASET;
}

static enum stk_status print_partner(const struct printer *printer, uint32_t number,
                                     struct peek_picture *partner)
{
    const struct plan_slot *slot = &printer->slots[number];
    struct peek_pixels pixels;
    enum stk_status status =
        peek_make(printer->peek, number, PEEK_PARTNER, partner, &pixels, printer->reason);
    if (status != STK_OK)
        return status;
    if (is_from_dataset(printer))
        buffer_print(printer->buffer, ",\"partner\":{\"slot\":null");
    else
        buffer_print(printer->buffer, ",\"partner\":{\"slot\":%" PRIu32, slot->partner);
    print_picture(printer, partner);
    buffer_print(printer->buffer, "}");
    return STK_OK;
}

static enum stk_status print_slot(const struct printer *printer, uint32_t number)
{
    const struct plan_slot *slot = &printer->slots[number];
    struct buffer *buffer = printer->buffer;
    const struct box none = {0};
    struct peek_picture own;
    struct peek_picture partner;
    struct peek_pixels pixels;
    enum stk_status status =
        peek_make(printer->peek, number, PEEK_OWN, &own, &pixels, printer->reason);
    if (status != STK_OK)
        return status;
    buffer_print(buffer, "{\"slot\":%" PRIu32 ",\"valid\":%s,\"method\":\"%s\",\"lambda\":%.9g",
                 number, word_of(slot->valid), method_of(slot), (double)slot->lambda);
    print_picture(printer, &own);
    print_box(buffer, "cut", slot->mixing == PLAN_CUT ? &slot->cut : &none);
    partner = own;
    if (slot->mixing == PLAN_KEEP)
        buffer_print(buffer, ",\"partner\":null");
    else
        status = print_partner(printer, number, &partner);
    print_target(printer, own.index, partner.index, slot->lambda);
    buffer_print(buffer, "}");
    return status;
}

static void print_head(const struct printer *printer, struct stk_address address, uint32_t count)
{
    const struct recipe *recipe = &printer->phase->recipe;
    char hex[STK_FINGERPRINT_HEX_BYTES];
    stk_fingerprint_hex(&printer->stream->fingerprint, hex);
    buffer_print(printer->buffer,
                 "{\"stream\":\"%s\",\"fingerprint\":\"%s\",\"epoch\":%" PRIu32 ",\"step\":%" PRIu64
                 ",\"steps\":%" PRIu64 ",\"batch\":%" PRIu32 ",\"height\":%" PRIu32
                 ",\"width\":%" PRIu32 ",\"slots\":[",
                 printer->stream->name, hex, address.epoch, address.step, printer->phase->steps,
                 count, recipe->height, recipe->width);
}

/* Of a slot that was not made to its end in time nothing is told, unless it is the first. */
static enum stk_status print_slots(const struct printer *printer, uint32_t first, uint32_t end)
{
    struct buffer *buffer = printer->buffer;
    enum stk_status status = print_slot(printer, first);
    for (uint32_t i = first + 1; i < end && status == STK_OK; i++) {
        size_t len = buffer->len;
        buffer_print(buffer, ",");
        status = print_slot(printer, i);
        if (peek_has_ended(printer->peek)) {
            buffer->len = len;
            return STK_OK;
        }
    }
    return status;
}

enum stk_status peek_print_batch(struct peek *peek, const struct stream *stream,
                                 struct stk_address address, uint32_t first, uint32_t count,
                                 struct buffer *buffer, char *reason)
{
    struct printer printer = {.peek = peek,
                              .stream = stream,
                              .phase = stream_phase(stream, address.epoch),
                              .buffer = buffer,
                              .reason = reason};
    uint32_t whole = plan_count(&printer.phase->recipe, stream->sampler.length, address.step);
    enum stk_status status = peek_plan(peek, stream, address, &printer.slots);
    if (status == STK_OK && has_row(stream)) {
        printer.columns = source_classes(stream->source);
        printer.row = calloc(printer.columns, sizeof *printer.row);
        status = printer.row != NULL ? STK_OK : STK_MEMORY;
    }
    print_head(&printer, address, whole);
    if (status == STK_OK)
        status = print_slots(&printer, first, whole - first < count ? whole : first + count);
    buffer_print(buffer, "]}\n");
    free(printer.row);
    return status;
}
