/*
 * Data: listing, reading and planning, as the daemon does it.
 */
#include "tests/bench/data.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/index/index.h"
#include "daemon/transform/transform.h"

void data_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("measure: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

static enum stk_status reserve(void *context, struct encoded *encoded, size_t bytes)
{
    (void)context;
    if (bytes <= encoded->capacity)
        return STK_OK;
    free(encoded->data);
    encoded->data = malloc(bytes);
    encoded->capacity = encoded->data != NULL ? bytes : 0;
    return encoded->data != NULL ? STK_OK : STK_MEMORY;
}

static void *allocate(uint64_t count, size_t bytes)
{
    void *storage = calloc(count, bytes);
    if (storage == NULL)
        data_fail("no memory");
    return storage;
}

const struct source_reading data_reading = {.reserve = reserve};

enum { PATH_LEN = 32 }; /* of a file below its root, as many data sets have it */

/* Whether it is our own decoder's, with that sampling of the first component. */
static bool has_sampling(const struct jpeg_map *map, const char *sampling)
{
    char text[8];
    snprintf(text, sizeof text, "%ux%u", map->h % 10, map->v % 10);
    return strcmp(text, sampling) == 0;
}

/* Read a picture and its header; false where either cannot be read, or it is not wanted. */
static bool read_picture(const struct data *data, struct image_decoder *decoder, uint64_t index,
                         const char *sampling, struct data_picture *picture)
{
    char reason[SOURCE_ERROR_BYTES];
    struct encoded encoded = {0};
    *picture = (struct data_picture){.index = index};
    if (source_read(data->stream->source, index, &data_reading, &encoded, reason) == STK_OK &&
        image_map(decoder, encoded.data, encoded.len, 0, &picture->map, reason) == STK_OK &&
        (sampling == NULL || has_sampling(&picture->map, sampling))) {
        picture->height = picture->map.height;
        picture->width = picture->map.width;
        picture->bytes = encoded.data;
        picture->len = encoded.len;
        return true;
    }
    free(encoded.data);
    return false;
}

static void read_pictures(struct data *data, const char *sampling)
{
    uint64_t all = data->stream->samples;
    uint64_t held = all < DATA_PICTURES_MAX ? all : DATA_PICTURES_MAX;
    struct image_decoder *decoder;
    if (image_decoder_open(&DATA_LIMITS(data), &decoder) != STK_OK)
        data_fail("no memory for a decoder");
    data->pictures = allocate(held, sizeof *data->pictures);
    for (uint64_t i = 0; i < held; i++) {
        uint64_t index = (uint64_t)((double)i * (double)all / (double)held);
        if (read_picture(data, decoder, index, sampling, &data->pictures[data->picture_count]))
            data->picture_count++;
    }
    image_decoder_close(&decoder);
    if (data->picture_count == 0)
        data_fail("none of the pictures can be read%s%s", sampling != NULL ? " and is " : "",
                  sampling != NULL ? sampling : "");
}

struct sampler data_sampler(const struct data *data, uint64_t samples)
{
    struct sampler sampler;
    char error[SAMPLER_ERROR_BYTES];
    const struct sampler_samples counted = {.count = samples};
    if (sampler_init(&sampler, &data->phase->recipe, &counted, error) != STK_OK)
        data_fail("%s", error);
    return sampler;
}

static void plan_step(struct data *data, struct stk_address address, uint64_t first)
{
    const struct recipe *recipe = &data->phase->recipe;
    plan_batch(recipe, &data->sampler, address, &data->slots[first]);
    for (uint32_t i = 0; i < data->batch; i++) {
        const struct plan_slot *slot = &data->slots[first + i];
        const struct data_picture *picture = &data->pictures[slot->index];
        struct transform_drawn drawn =
            transform_draw(recipe, address.epoch, slot->position, picture->height, picture->width);
        data->samples[first + i] = (struct data_sample){picture, drawn.view, drawn.flip};
    }
}

static void plan_epochs(struct data *data)
{
    data->sampler = data_sampler(data, data->picture_count);
    data->steps = plan_steps(&data->phase->recipe, data->sampler.length);
    data->sample_count = DATA_EPOCHS * data->steps * data->batch;
    data->samples = allocate(data->sample_count, sizeof *data->samples);
    data->slots = allocate(data->sample_count, sizeof *data->slots);
    uint64_t first = 0;
    for (uint32_t epoch = 0; epoch < DATA_EPOCHS; epoch++) {
        for (uint64_t step = 0; step < data->steps; step++) {
            plan_step(data, (struct stk_address){data->epoch + epoch, step}, first);
            first += data->batch;
        }
    }
}

static void check_stream(const struct data *data)
{
    const char *name = data->stream->name;
    if (data->phase->recipe.last != STK_LAST_WRAP)
        data_fail("stream \"%s\" does not say last = wrap", name);
    if (data->phase->recipe.sampler != SAMPLER_ALL)
        data_fail("stream \"%s\" says sampler; only sampler = all is measured", name);
    if (data->stream->phase_count > 1)
        data_fail("stream \"%s\" has phases; only a stream without is measured", name);
}

static void map_picture(struct image_decoder *decoder, struct data_picture *picture)
{
    char reason[IMAGE_REASON_BYTES];
    size_t bytes = index_entry_bytes_max(picture->len, PATH_LEN);
    struct jpeg_map *map = &picture->map;
    if (image_map(decoder, picture->bytes, picture->len, bytes, map, reason) != STK_OK ||
        map->entries.columns == 0)
        return;
    uint32_t rows = (map->height + map->v * 8 - 1) / (map->v * 8);
    struct jpeg_entry *entry = allocate((uint64_t)rows * map->entries.columns, sizeof *entry);
    memcpy(entry, map->entries.entry, (size_t)rows * map->entries.columns * sizeof *entry);
    map->entries.entry = entry;
}

void data_map(struct data *data)
{
    struct image_decoder *decoder;
    if (data->mapped)
        return;
    data->mapped = true;
    if (image_decoder_open(&DATA_LIMITS(data), &decoder) != STK_OK)
        data_fail("no memory for a decoder");
    for (uint64_t i = 0; i < data->picture_count; i++)
        map_picture(decoder, &data->pictures[i]);
    image_decoder_close(&decoder);
}

void data_init(struct data *data, const char *path, uint32_t epoch, const char *sampling)
{
    char error[CONFIG_ERROR_BYTES];
    *data = (struct data){.epoch = epoch};
    if (config_open(path, &data->config, error) != STK_OK)
        data_fail("%s", error);
    if (stream_open(&data->config->streams[0],
                    &(struct stream_listing){.threads = source_threads(1)}, &data->stream,
                    error) != STK_OK)
        data_fail("%s", error);
    data->phase = &data->stream->phases[0];
    data->batch = data->phase->recipe.batch;
    check_stream(data);
    read_pictures(data, sampling);
    plan_epochs(data);
}

void data_release(struct data *data)
{
    for (uint64_t i = 0; i < data->picture_count; i++) {
        free(data->pictures[i].bytes);
        if (data->mapped && data->pictures[i].map.entries.columns > 0)
            free(data->pictures[i].map.entries.entry);
    }
    free(data->pictures);
    free(data->samples);
    free(data->slots);
    sampler_release(&data->sampler);
    stream_close(&data->stream);
    config_close(&data->config);
}

const struct data_sample *data_sample(const struct data *data, uint64_t item)
{
    return &data->samples[item % data->sample_count];
}
