/*
 * Stages of a batch, each alone:
 *
 *   plan       what stands in every slot, and every slot's crop
 *   plan_1e9   the same of an epoch of 10^9 samples, at steps from all over it
 *   read       the samples' files, which the system has in memory by then
 *   mix_DTYPE  the pictures of a batch with their partners, in place
 *   encode     the header of the reply
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/mix/mix.h"
#include "daemon/transform/transform.h"
#include "proto/half.h"
#include "tests/bench/measure.h"

enum {
    SAMPLES_LARGE = 1000000000,
    HEIGHT_USUAL = 375, /* of a photograph, for the crops of samples that are not there */
    WIDTH_USUAL = 500,
};

static void *new_state(size_t bytes)
{
    void *state = calloc(1, bytes);
    if (state == NULL)
        data_fail("no memory");
    return state;
}

/* Planning. */

struct planner {
    const struct data *data;
    const struct recipe *recipe;
    struct sampler sampler;
    uint64_t steps;
    int64_t sum; /* of everything drawn, so that it is drawn */
    struct plan_slot slots[STK_BATCH_MAX];
};

static struct planner *planner_open(const struct data *data, uint64_t samples)
{
    struct planner *planner = new_state(sizeof *planner);
    planner->data = data;
    planner->recipe = &data->phase->recipe;
    planner->sampler = data_sampler(data, samples);
    planner->steps = plan_steps(planner->recipe, planner->sampler.length);
    return planner;
}

static void planner_close(void *state)
{
    struct planner *planner = state;
    sampler_release(&planner->sampler);
    free(planner);
}

static void *planner_open_held(const struct data *data)
{
    return planner_open(data, data->picture_count);
}

static void *planner_open_large(const struct data *data)
{
    return planner_open(data, SAMPLES_LARGE);
}

static bool plan(void *state, uint64_t item)
{
    struct planner *planner = state;
    /* A prime number of steps on, so that no two neighbours are planned after each other. */
    struct stk_address address = {planner->data->epoch, item * 1000003 % planner->steps};
    plan_batch(planner->recipe, &planner->sampler, address, planner->slots);
    for (uint32_t i = 0; i < planner->data->batch; i++) {
        const struct plan_slot *slot = &planner->slots[i];
        struct transform_drawn drawn = transform_draw(planner->recipe, address.epoch,
                                                      slot->position, HEIGHT_USUAL, WIDTH_USUAL);
        planner->sum += drawn.view.box.left + (int64_t)slot->index + slot->partner + slot->weight;
    }
    return planner->sum > 0;
}

/* Reading. */

struct reader {
    const struct data *data;
    struct encoded encoded;
};

static void *reader_open(const struct data *data)
{
    struct reader *reader = new_state(sizeof *reader);
    reader->data = data;
    return reader;
}

static void reader_close(void *state)
{
    struct reader *reader = state;
    free(reader->encoded.data);
    free(reader);
}

static bool read_sample(void *state, uint64_t item)
{
    struct reader *reader = state;
    char reason[SOURCE_ERROR_BYTES];
    return source_read(reader->data->stream->source,
                       data_sample(reader->data, item)->picture->index, &data_reading,
                       &reader->encoded, reason) == STK_OK;
}

/* Mixing. */

struct mixer {
    const struct data *data;
    struct mix_format format;
    size_t slot_bytes;
    void *images;                  /* [batch, slot_bytes] */
    const struct plan_slot *slots; /* of the batch that is mixed */
};

/* Numbers of the size of normalised pixels. */
static void fill(struct mixer *mixer)
{
    for (size_t i = 0;
         i < mixer->data->batch * mixer->slot_bytes / stk_dtype_bytes(mixer->format.dtype); i++) {
        uint8_t level = (uint8_t)(i * 2654435761u >> 24);
        double value = level / 64.0 - 2.0;
        if (mixer->format.dtype == STK_U8)
            ((uint8_t *)mixer->images)[i] = level;
        else if (mixer->format.dtype == STK_F32)
            ((float *)mixer->images)[i] = (float)value;
        else
            ((uint16_t *)mixer->images)[i] =
                mixer->format.dtype == STK_F16 ? stk_f16_encode(value) : stk_bf16_encode(value);
    }
}

static struct mixer *mixer_open(const struct data *data, enum stk_dtype dtype)
{
    const struct recipe *recipe = &data->phase->recipe;
    struct mixer *mixer = new_state(sizeof *mixer);
    mixer->data = data;
    mixer->format = (struct mix_format){recipe->height, recipe->width, dtype, STK_NHWC};
    mixer->slot_bytes = (size_t)recipe->height * recipe->width * 3 * stk_dtype_bytes(dtype);
    mixer->images = malloc(data->batch * mixer->slot_bytes);
    if (mixer->images == NULL)
        data_fail("no memory for a batch");
    fill(mixer);
    return mixer;
}

static void *mixer_open_u8(const struct data *data)
{
    return mixer_open(data, STK_U8);
}

static void *mixer_open_f32(const struct data *data)
{
    return mixer_open(data, STK_F32);
}

static void *mixer_open_f16(const struct data *data)
{
    return mixer_open(data, STK_F16);
}

static void *mixer_open_bf16(const struct data *data)
{
    return mixer_open(data, STK_BF16);
}

static void mixer_close(void *state)
{
    struct mixer *mixer = state;
    free(mixer->images);
    free(mixer);
}

static bool prepare_mix(void *state, uint64_t item)
{
    struct mixer *mixer = state;
    const struct data *data = mixer->data;
    mixer->slots = &data->slots[item * data->batch % data->sample_count];
    return true;
}

static bool mix(void *state, uint64_t item)
{
    struct mixer *mixer = state;
    (void)item;
    mix_images(&mixer->format, mixer->images, NULL, mixer->slots, mixer->data->batch);
    return true;
}

/* Encoding. */

struct encoder {
    const struct data *data;
    uint8_t bytes[STK_HEADER_BYTES_MAX];
};

static void *encoder_open(const struct data *data)
{
    struct encoder *encoder = new_state(sizeof *encoder);
    encoder->data = data;
    return encoder;
}

static bool encode(void *state, uint64_t item)
{
    struct encoder *encoder = state;
    const struct stream *stream = encoder->data->stream;
    const struct layout *layout = &encoder->data->phase->layout;
    struct stk_batch_header message = {
        .id = item,
        .stream = stk_text_of(stream->name),
        .fingerprint = stream->fingerprint,
        .address = {encoder->data->epoch, item},
        .count = encoder->data->batch,
    };
    for (int i = 0; i < LAYOUT_TENSORS; i++) {
        if (layout->present[i])
            message.tensors[message.tensor_count++] = layout->info[i];
    }
    size_t len;
    return stk_batch_header_encode(&message, encoder->bytes, sizeof encoder->bytes, &len) == STK_OK;
}

#define MIX(NAME, OPEN)                                                                            \
    {                                                                                              \
        .name = NAME, .batches = true, .open = OPEN, .close = mixer_close, .prepare = prepare_mix, \
        .run = mix                                                                                 \
    }

const struct work batch_works[] = {
    {.name = "plan",
     .batches = true,
     .open = planner_open_held,
     .close = planner_close,
     .run = plan},
    {.name = "plan_1e9",
     .batches = true,
     .open = planner_open_large,
     .close = planner_close,
     .run = plan},
    {.name = "read", .open = reader_open, .close = reader_close, .run = read_sample},
    MIX("mix_u8", mixer_open_u8),
    MIX("mix_f32", mixer_open_f32),
    MIX("mix_f16", mixer_open_f16),
    MIX("mix_bf16", mixer_open_bf16),
    {.name = "encode", .batches = true, .open = encoder_open, .close = free, .run = encode},
    {0},
};
