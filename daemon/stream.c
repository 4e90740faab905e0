/*
 * A stream: opening, fingerprint and description.
 */
#include "daemon/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/plan/plan.h"

enum { LOGGED_BITS = 64 };

static void feed_hash(void *context, const void *bytes, size_t len)
{
    XXH3_128bits_update(context, bytes, len);
}

/* XXH3-128 over the canonical recipe and the listing. */
static enum stk_status take_fingerprint(struct stream *stream)
{
    char text[RECIPE_TEXT_BYTES];
    size_t len = recipe_text(stream->recipe, text, sizeof text);
    XXH3_state_t *hash = XXH3_createState();
    if (hash == NULL)
        return STK_MEMORY;
    XXH3_128bits_reset(hash);
    XXH3_128bits_update(hash, text, len);
    source_feed_listing(stream->source, feed_hash, hash);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash));
    memcpy(stream->fingerprint.bytes, canonical.digest, sizeof stream->fingerprint.bytes);
    XXH3_freeState(hash);
    return STK_OK;
}

static bool needs_another_sample(const struct recipe_mix *mix)
{
    return mix->method != MIX_NONE && mix->partner == MIX_PARTNER_DATASET &&
           mix->partner_self == MIX_NO;
}

static enum stk_status prepare(struct stream *stream, const struct config_stream *config,
                               char *error)
{
    const struct recipe *recipe = stream->recipe;
    stream->samples = source_count(stream->source);
    stream->steps = plan_steps(recipe, stream->samples);
    if (stream->steps == 0) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "stream \"%s\" has %llu samples, fewer than one batch of %u; make batch smaller "
                 "or set last to partial or wrap",
                 config->name, (unsigned long long)stream->samples, recipe->batch);
        return STK_CONFIG;
    }
    if (stream->samples == 1 && needs_another_sample(&recipe->mix)) {
        snprintf(error, CONFIG_ERROR_BYTES,
                 "stream \"%s\" has one sample, which cannot be mixed with another one; set "
                 "partner_self = yes, or choose another partner than dataset",
                 config->name);
        return STK_CONFIG;
    }
    image_format_init(&stream->format, recipe->height, recipe->width, recipe->dtype, recipe->layout,
                      recipe->mean, recipe->std);
    stream->format.interpolation = recipe->interpolation;
    layout_init(&stream->layout, recipe);
    recipe_mix_text(&recipe->mix, stream->mix);
    stream->logged = calloc(stream->samples / LOGGED_BITS + 1, sizeof *stream->logged);
    if (stream->logged == NULL || take_fingerprint(stream) != STK_OK) {
        snprintf(error, CONFIG_ERROR_BYTES, "out of memory for stream \"%s\"", config->name);
        return STK_MEMORY;
    }
    return STK_OK;
}

enum stk_status stream_open(const struct config_stream *config, unsigned threads,
                            struct stream **stream, char *error)
{
    *stream = NULL;
    struct stream *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(error, CONFIG_ERROR_BYTES, "out of memory for stream \"%s\"", config->name);
        return STK_MEMORY;
    }
    made->name = config->name;
    made->recipe = &config->recipe;
    char reason[SOURCE_ERROR_BYTES] = "";
    enum stk_status status = source_open(config->source, threads, &made->source, reason);
    if (status != STK_OK)
        snprintf(error, CONFIG_ERROR_BYTES, "stream \"%s\": %s", config->name, reason);
    else
        status = prepare(made, config, error);
    if (status != STK_OK) {
        stream_close(&made);
        return status;
    }
    *stream = made;
    return STK_OK;
}

void stream_close(struct stream **stream)
{
    if (*stream == NULL)
        return;
    source_close(&(*stream)->source);
    free((*stream)->logged);
    free(*stream);
    *stream = NULL;
}

struct stk_stream_info stream_info(const struct stream *stream)
{
    const struct recipe *recipe = stream->recipe;
    const struct stk_tensor_info *images = &stream->layout.info[LAYOUT_IMAGES];
    return (struct stk_stream_info){
        .stream = stk_text_of(stream->name),
        .fingerprint = stream->fingerprint,
        .samples = stream->samples,
        .steps = stream->steps,
        .batch = recipe->batch,
        .shape = {images->shape[1], images->shape[2], images->shape[3]},
        .dtype = recipe->dtype,
        .layout = recipe->layout,
        .last = recipe->last,
        .classes = source_classes(stream->source),
        .mix = stk_text_of(stream->mix),
        .decoder = stk_text_of(image_decoder_name()),
    };
}

size_t stream_listing_bytes(const struct stream *stream)
{
    return source_listing_bytes(stream->source) + stream->samples / 8;
}

bool stream_first_report(const struct stream *stream, uint64_t index)
{
    uint64_t bit = UINT64_C(1) << index % LOGGED_BITS;
    uint64_t before =
        atomic_fetch_or_explicit(&stream->logged[index / LOGGED_BITS], bit, memory_order_relaxed);
    return (before & bit) == 0;
}
