/*
 * Peek: one slot's way through the pipeline's steps, on one thread.
 */
#include "daemon/peek.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/image/grow.h"
#include "daemon/mix/mix.h"
#include "daemon/pipeline.h"

enum { KEPT_BYTES = 512 * 1024 }; /* of encoded storage, from picture to picture */

struct pixels {
    uint8_t *bytes;
    size_t bytes_max;
};

struct peek {
    struct image_limits limits;
    size_t encoded_bytes_max;
    struct peek_patience patience;
    struct image_patience decoders; /* the same */
    struct image_decoder *decoder;  /* NULL until it is needed */
    struct encoded encoded;
    struct pixels own;
    struct pixels partner;
    struct plan_slot *slots;
    size_t slots_max;
    const struct stream *stream; /* of the plan */
    const struct stream_phase *phase;
    struct stk_address address;
    struct image_format format; /* of what is made of it */
    uint32_t count;
};

/* A sample's way into a picture. */
struct way {
    uint64_t index;
    uint64_t position; /* whose draws it has */
};

static enum stk_status ask(const struct peek *peek)
{
    return peek->patience.ask(peek->patience.context);
}

bool peek_has_ended(const struct peek *peek)
{
    return ask(peek) != STK_OK;
}

static bool has_ended(void *context)
{
    return peek_has_ended(context);
}

enum stk_status peek_open(const struct image_limits *limits, size_t encoded_bytes_max,
                          const struct peek_patience *patience, struct peek **peek)
{
    *peek = calloc(1, sizeof **peek);
    if (*peek == NULL)
        return STK_MEMORY;
    (*peek)->patience = *patience;
    (*peek)->decoders = (struct image_patience){has_ended, *peek};
    (*peek)->limits = *limits;
    (*peek)->limits.patience = &(*peek)->decoders;
    (*peek)->encoded_bytes_max = encoded_bytes_max;
    return STK_OK;
}

void peek_close(struct peek **peek)
{
    if (*peek == NULL)
        return;
    image_decoder_close(&(*peek)->decoder);
    free((*peek)->encoded.data);
    free((*peek)->own.bytes);
    free((*peek)->partner.bytes);
    free((*peek)->slots);
    free(*peek);
    *peek = NULL;
}

static size_t larger(size_t one, size_t other)
{
    return one > other ? one : other;
}

static size_t picture_bytes(uint32_t height, uint32_t width)
{
    return (size_t)height * width * 3;
}

size_t peek_bytes_max(const struct image_limits *limits, size_t encoded_bytes_max,
                      struct stream *const *streams, size_t count)
{
    size_t decoder_bytes = image_decoder_bytes_max(limits, PEEK_SOURCE_SIDE_MAX,
                                                   PEEK_SOURCE_SIDE_MAX, INTERPOLATION_BILINEAR);
    size_t pixel_bytes = picture_bytes(PEEK_SOURCE_SIDE_MAX, PEEK_SOURCE_SIDE_MAX);
    size_t slot_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < streams[i]->phase_count; k++) {
            const struct recipe *recipe = &streams[i]->phases[k].recipe;
            decoder_bytes =
                larger(decoder_bytes, image_decoder_bytes_max(limits, recipe->height, recipe->width,
                                                              recipe->interpolation));
            pixel_bytes = larger(pixel_bytes, picture_bytes(recipe->height, recipe->width));
            slot_bytes = larger(slot_bytes, recipe->batch * sizeof(struct plan_slot));
        }
    }
    return sizeof(struct peek) + encoded_bytes_max + decoder_bytes + 2 * pixel_bytes + slot_bytes;
}

enum stk_status peek_plan(struct peek *peek, const struct stream *stream,
                          struct stk_address address, const struct plan_slot **slots)
{
    const struct stream_phase *phase = stream_phase(stream, address.epoch);
    const struct recipe *recipe = &phase->recipe;
    peek->count = plan_count(recipe, stream->sampler.length, address.step);
    peek->slots = grow(peek->slots, &peek->slots_max, peek->count, sizeof *peek->slots);
    if (peek->slots == NULL)
        return STK_MEMORY;
    peek->stream = stream;
    peek->phase = phase;
    peek->address = address;
    image_format_init(&peek->format, recipe->height, recipe->width, STK_U8, STK_NHWC, recipe->mean,
                      recipe->std);
    peek->format.interpolation = recipe->interpolation;
    plan_batch(recipe, &stream->sampler, address, peek->slots);
    *slots = peek->slots;
    return STK_OK;
}

/* A sample's bytes, where they may have as many as the pipeline takes. */
static enum stk_status reserve(void *context, struct encoded *encoded, size_t bytes)
{
    const struct peek *peek = context;
    if (bytes > peek->encoded_bytes_max)
        return STK_LIMIT;
    if (bytes <= encoded->capacity && encoded->capacity <= bytes + KEPT_BYTES)
        return STK_OK;
    free(encoded->data);
    encoded->data = malloc(bytes);
    encoded->capacity = encoded->data != NULL ? bytes : 0;
    return encoded->data != NULL ? STK_OK : STK_MEMORY;
}

static enum stk_status read_header(struct peek *peek, struct peek_picture *picture, char *reason)
{
    if (peek->decoder == NULL && image_decoder_open(&peek->limits, &peek->decoder) != STK_OK)
        return STK_MEMORY;
    return image_decoder_begin(peek->decoder, peek->encoded.data, peek->encoded.len,
                               &picture->height, &picture->width, reason);
}

/* As a worker decodes into a slot. */
static enum stk_status decode(struct peek *peek, uint64_t position, struct pixels *pixels,
                              struct peek_picture *picture, char *reason)
{
    const struct recipe *recipe = &peek->phase->recipe;
    const struct image_format *format = &peek->format;
    enum stk_status status = read_header(peek, picture, reason);
    if (status != STK_OK)
        return status;
    pixels->bytes = grow(pixels->bytes, &pixels->bytes_max, image_format_bytes(format), 1);
    if (pixels->bytes == NULL)
        return STK_MEMORY;
    picture->drawn =
        transform_draw(recipe, peek->address.epoch, position, picture->height, picture->width);
    status = image_decoder_finish(peek->decoder, &picture->drawn.view, picture->drawn.flip, format,
                                  pixels->bytes, reason);
    if (status != STK_OK)
        return status;
    transform_apply(recipe, &picture->drawn, format, pixels->bytes);
    picture->crop = view_source(&picture->drawn.view, format->height, format->width);
    return STK_OK;
}

static enum stk_status try_sample(struct peek *peek, uint64_t position, struct pixels *pixels,
                                  struct peek_picture *picture, char *reason)
{
    _Static_assert(PEEK_REASON_BYTES > SOURCE_ERROR_BYTES + 64, "a reason of either fits");
    char why[SOURCE_ERROR_BYTES] = "";
    if (peek_has_ended(peek))
        return STK_CLOSED;
    const struct source_reading reading = {.reserve = reserve, .context = peek};
    enum stk_status status =
        source_read(peek->stream->source, picture->index, &reading, &peek->encoded, why);
    if (status == STK_OK)
        status = decode(peek, position, pixels, picture, why);
    if (status != STK_OK)
        snprintf(reason, PEEK_REASON_BYTES, "%s: %s", stk_status_word(status), why);
    return status;
}

/* A picture could not be made; has it failed, because there is no patience with it? */
static bool is_hopeless(const struct peek *peek, struct peek_picture *picture)
{
    if (ask(peek) != STK_LIMIT)
        return false;
    snprintf(picture->reason, sizeof picture->reason, "limit: it takes longer than a look may");
    picture->failed = true;
    return true;
}

/* The plan's sample, or its stand-ins in their turn: as the pipeline replaces. */
static enum stk_status fill(struct peek *peek, const struct way *way, struct pixels *pixels,
                            struct peek_picture *picture, char *reason)
{
    const struct stream *stream = peek->stream;
    bool fail = peek->phase->recipe.on_corrupt == ON_CORRUPT_FAIL;
    *picture = (struct peek_picture){.index = way->index};
    for (uint32_t attempt = 0;; attempt++) {
        enum stk_status status = try_sample(peek, way->position, pixels, picture, reason);
        if (status != STK_OK && is_hopeless(peek, picture))
            return STK_OK;
        if (status == STK_OK || !pipeline_replaces(status))
            return status;
        if (attempt == 0)
            memcpy(picture->reason, reason, sizeof picture->reason);
        picture->failed = fail || attempt == PIPELINE_STAND_INS_MAX;
        if (picture->failed)
            return STK_OK;
        picture->index =
            plan_replacement(&stream->sampler, peek->address.epoch, way->position, attempt);
    }
}

static struct way own_way(const struct plan_slot *slot)
{
    return (struct way){slot->index, slot->position};
}

static struct way partner_way(const struct peek *peek, const struct plan_slot *slot)
{
    const struct recipe_mix *mix = &peek->phase->recipe.mix;
    if (mix->partner == MIX_PARTNER_DATASET)
        return (struct way){slot->partner_index, slot->position + PLAN_PARTNER_POSITION};
    return own_way(&peek->slots[slot->partner]);
}

/* The sides of a source that is looked at whole; none of them becomes larger. */
static void fit(uint32_t *height, uint32_t *width)
{
    uint32_t longest = *height > *width ? *height : *width;
    if (longest <= PEEK_SOURCE_SIDE_MAX)
        return;
    *height = (uint32_t)(((uint64_t)*height * PEEK_SOURCE_SIDE_MAX + longest / 2) / longest);
    *width = (uint32_t)(((uint64_t)*width * PEEK_SOURCE_SIDE_MAX + longest / 2) / longest);
    *height = *height == 0 ? 1 : *height;
    *width = *width == 0 ? 1 : *width;
}

/* The whole of the sample that was read last, in place of what was cut from it. */
static enum stk_status render_whole(struct peek *peek, struct peek_picture *picture,
                                    struct peek_pixels *pixels, char *reason)
{
    struct pixels *own = &peek->own;
    struct image_format format;
    enum stk_status status = read_header(peek, picture, reason);
    if (status != STK_OK)
        return status;
    pixels->height = picture->height;
    pixels->width = picture->width;
    fit(&pixels->height, &pixels->width);
    const struct recipe *recipe = &peek->phase->recipe;
    image_format_init(&format, pixels->height, pixels->width, STK_U8, STK_NHWC, recipe->mean,
                      recipe->std);
    own->bytes = grow(own->bytes, &own->bytes_max, image_format_bytes(&format), 1);
    pixels->bytes = own->bytes;
    if (own->bytes == NULL)
        return STK_MEMORY;
    const struct view view = {
        .box = {0, 0, (int32_t)picture->height, (int32_t)picture->width},
        .resized_height = pixels->height,
        .resized_width = pixels->width,
    };
    return image_decoder_finish(peek->decoder, &view, false, &format, own->bytes, reason);
}

/* Damage that the view did not show fails the whole. */
static enum stk_status make_whole(struct peek *peek, struct peek_picture *picture,
                                  struct peek_pixels *pixels, char *reason)
{
    char why[IMAGE_REASON_BYTES] = "";
    enum stk_status status = render_whole(peek, picture, pixels, why);
    if (status == STK_OK || is_hopeless(peek, picture))
        return STK_OK;
    snprintf(reason, PEEK_REASON_BYTES, "%s: %s", stk_status_word(status), why);
    memcpy(picture->reason, reason, sizeof picture->reason);
    picture->failed = true;
    return pipeline_replaces(status) ? STK_OK : status;
}

/* The slot's own picture, in place, becomes what is served. */
static enum stk_status mix(struct peek *peek, const struct plan_slot *slot,
                           struct peek_picture *picture, char *reason)
{
    const struct recipe *recipe = &peek->phase->recipe;
    const struct mix_format format = {recipe->height, recipe->width, STK_U8, STK_NHWC};
    const struct way way = partner_way(peek, slot);
    struct peek_picture partner;
    enum stk_status status = fill(peek, &way, &peek->partner, &partner, reason);
    if (status != STK_OK)
        return status;
    if (partner.failed)
        *picture = partner;
    else
        mix_images(&format, peek->own.bytes, peek->partner.bytes, slot, 1);
    return STK_OK;
}

enum stk_status peek_make(struct peek *peek, uint32_t number, enum peek_show show,
                          struct peek_picture *picture, struct peek_pixels *pixels, char *reason)
{
    CHECK(number < peek->count);
    const struct plan_slot *slot = &peek->slots[number];
    bool partner = show == PEEK_PARTNER || show == PEEK_PARTNER_SOURCE;
    const struct way way = partner ? partner_way(peek, slot) : own_way(slot);
    enum stk_status status = fill(peek, &way, &peek->own, picture, reason);
    *pixels = (struct peek_pixels){peek->own.bytes, peek->format.height, peek->format.width};
    if (status != STK_OK || picture->failed)
        return status;
    if (show == PEEK_OWN_SOURCE || show == PEEK_PARTNER_SOURCE)
        return make_whole(peek, picture, pixels, reason);
    if (show == PEEK_SERVED && slot->mixing != PLAN_KEEP)
        return mix(peek, slot, picture, reason);
    return STK_OK;
}
